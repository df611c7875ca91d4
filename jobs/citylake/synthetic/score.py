"""How well the lake found the planted defects: recall per kind and false alarms on clean rows, against a
truth log.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citylake.compile.select import Compiled, compile_contract
from citylake.contract.model import Contract
from citylake.core.settings import Settings
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Place = tuple[str, str, int, str]  # dataset, file sha256, record, cell ("" unless unpivoted)


@dataclass
class Kind:
    """One kind of defect: planted, found as expected, what was missed (places only), and sound rows that its
    rules accused.
    """

    id: str
    expect: str
    planted: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)
    accused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Score:
    """The whole: per kind, and alarms on rows in which nothing was planted."""

    kinds: tuple[Kind, ...]
    clean_rows: int
    false_alarms: int
    alarms: dict[str, int]  # the same by `dataset rule`; a row may break several

    @property
    def recall(self) -> float:
        """Found of planted, over all kinds that expect something."""
        planted = sum(k.planted for k in self.kinds if k.expect != "nothing")
        return sum(k.found for k in self.kinds if k.expect != "nothing") / planted if planted else 1.0

    @property
    def false_alarm_rate(self) -> float:
        """Alarms per clean row."""
        return self.false_alarms / self.clean_rows if self.clean_rows else 0.0


def score(
    settings: Settings, store: Store, spark: SparkSession, contracts: dict[str, Contract], truth: Path
) -> Score:
    """Compare the truth log with receipts and with the verdict of every row, judged by the pipeline's own
    SELECT.
    """
    lines = [json.loads(line) for line in truth.read_text("utf-8").splitlines() if line]
    # A mart has to find spells; the cells in which a row rule shows one are lines of their own.
    planted = [p for p in lines if p["expect"] != "spell"]
    kinds: dict[tuple[str, str], Kind] = {}
    clean = alarms = 0
    by_rule: Counter[str] = Counter()
    for contract in (c for c in contracts.values() if c.kind != "mart"):
        mine = [p for p in planted if p["dataset"] == contract.id]
        given = dataset_receipts(store, contract.id)
        seen, rows = _verdicts(settings, spark, compile_contract(contract, settings.root), given)
        at = _places(mine, given, contract)
        for defect in mine:
            _judge(kinds, defect, at.get(id(defect)), seen, given)
        marked = {p[:3] for p in at.values()}
        wrong = {p: names for p, (names, _) in seen.items() if p[:3] not in marked and names}
        _accuse(kinds, mine, wrong)
        by_rule.update(f"{contract.id} {rule}" for names in wrong.values() for rule in names)
        clean, alarms = clean + rows - len(marked), alarms + len(wrong)
    return Score(tuple(sorted(kinds.values(), key=lambda k: k.id)), clean, alarms, dict(by_rule))


def _accuse(
    kinds: dict[tuple[str, str], Kind], planted: list[dict[str, Any]], wrong: dict[Place, frozenset[str]]
) -> None:
    """Sound rows that break a rule which a kind of defect expects count against that kind."""
    rules: dict[tuple[str, str], set[str]] = defaultdict(set)
    for defect in planted:
        if defect.get("rule"):
            rules[defect["id"], defect["expect"]].add(defect["rule"])
    for kind, expected in rules.items():
        kinds[kind].accused += [
            f"{dataset} record {record} {' '.join(sorted(names))}"
            for (dataset, _, record, _), names in wrong.items()
            if names & expected
        ]


def _verdicts(
    settings: Settings, spark: SparkSession, compiled: Compiled, given: list[Receipt]
) -> tuple[dict[Place, tuple[frozenset[str], str]], int]:
    """Rows with any rule or lost rank -> (rule ids, disposition); and the number of rows."""
    from citylake.refine.judging import judge
    from citylake.refine.rows import rank

    out: dict[Place, tuple[frozenset[str], str]] = {}
    total = 0
    cell = compiled.contract.unpivot["name"] if compiled.contract.unpivot else None
    for receipt in (r for r in given if r.outcome == "accepted"):
        total += receipt.records
        ranked = rank(
            judge(spark, settings, compiled, [receipt.number]),
            compiled,
            tuple(f.sha256 for f in receipt.files),
        )
        some = "size(_verdict) + size(_flags) > 0 OR _disposition IN ('duplicate', 'superseded')"
        columns = ["_file_id", "_row_no", "_disposition", "_verdict", "_flags", *([cell] if cell else [])]
        for row in ranked.where(some).select(*columns).toLocalIterator():
            place = (compiled.contract.id, row["_file_id"], row["_row_no"], row[cell] if cell else "")
            out[place] = (frozenset((*row["_verdict"], *row["_flags"])), row["_disposition"])
    return out, total


def _places(planted: list[dict[str, Any]], given: list[Receipt], contract: Contract) -> dict[int, Place]:
    """Where each planted defect lies, for those in a row of an accepted delivery."""
    files = {(r.delivery, f.name): f.sha256 for r in given for f in r.files}
    out: dict[int, Place] = {}
    for p in planted:
        sha = files.get((p["delivery"], p.get("file") or ""))
        if sha and p.get("record"):
            out[id(p)] = (contract.id, sha, int(p["record"]), str(p.get("station") or ""))
    return out


def _judge(
    kinds: dict[tuple[str, str], Kind],
    defect: dict[str, Any],
    place: Place | None,
    seen: dict[Place, tuple[frozenset[str], str]],
    given: list[Receipt],
) -> None:
    kind = kinds.setdefault((defect["id"], defect["expect"]), Kind(defect["id"], defect["expect"]))
    kind.planted += 1
    if _found(defect, place, seen, given):
        kind.found += 1
    elif len(kind.missed) < 5:
        kind.missed.append(
            f"{defect['dataset']} {defect['delivery']} record {defect.get('record')} {defect.get('column')}"
        )


def _found(
    defect: dict[str, Any],
    place: Place | None,
    seen: dict[Place, tuple[frozenset[str], str]],
    given: list[Receipt],
) -> bool:
    expect = defect["expect"]
    if expect in ("refuse", "repeat"):
        wanted = {"refuse": "refused", "repeat": "repeat"}[expect]
        return any(r.delivery == defect["delivery"] and r.outcome == wanted for r in given)
    names, disposition = seen.get(place, (frozenset[str](), "")) if place else (frozenset[str](), "")
    if expect == "nothing":
        return not names
    if expect in ("duplicate", "superseded"):
        return disposition == expect
    return defect["rule"] in names and (expect != "quarantine" or disposition == "quarantined")
