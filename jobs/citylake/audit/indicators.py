"""Quality indicators of GB/T 36344-2018: what was assessed and how much satisfies, by delivery and rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from citylake.audit.conservation import Batch
from citylake.audit.timeliness import Arrival, Arrivals
from citylake.compile.rules import Rule
from citylake.compile.select import compile_contract
from citylake.contract.model import Contract
from citylake.core.codes import load_codes
from citylake.ledger.chain import Chain

CODES = "quality_indicators"
BY_DIMENSION = {
    "completeness": "0201",
    "coverage": "0202",
    "accuracy": "0301",
    "conformity": "0302",
    "consistency": "0402",
    "timeliness": "0503",
}
OF_CODE_LISTS = ("unknown_code", "not_valid_on_date")
DUPLICATES, INVALID, IN_TIME = "0303", "0305", "0502"
RULE = "rule:"


@dataclass(frozen=True)
class Indicator:
    """One ratio A / B over one delivery. `a` counts what the indicator's text names: mostly what satisfies;
    where lower is better, what does not.
    """

    dataset: str
    receipt: int
    delivery: str
    period: str
    code: str  # of the standard; "" for a rule that the contract no longer has
    rule: str
    a: int
    b: int

    @property
    def x(self) -> float | None:
        """A / B; None where nothing was assessed."""
        return self.a / self.b if self.b else None


def code_of(rule: Rule, contract: Contract) -> str:
    """The indicator to which a row rule belongs."""
    if rule.id.rsplit(".", 1)[-1] in OF_CODE_LISTS:
        return "0101"
    written = rule.dimension == "conformity" and rule.id in {r.id for r in contract.row_rules}
    return "0104" if written else BY_DIMENSION[rule.dimension]


def rules_of(contract: Contract, root: Path) -> dict[str, Rule]:
    """The row rules of a dataset by their ids."""
    compiled = compile_contract(contract, root)
    return {r.id: r for r in (*compiled.verdicts, *compiled.flags)}


def lower_is_better(root: Path) -> set[str]:
    """Codes of indicators whose A counts what is wrong."""
    return {r["code"] for r in load_codes(root, CODES) if r["better"] == "lower"}


def indicators(
    root: Path,
    contracts: Iterable[Contract],
    chains: Mapping[str, Chain],
    batches: Iterable[Batch],
    arrivals: Arrivals,
) -> list[Indicator]:
    """Every indicator of every delivery, by dataset, receipt and rule."""
    given = list(batches)
    return [
        found
        for c in contracts
        if c.kind != "mart"
        for rules in [{i: code_of(r, c) for i, r in rules_of(c, root).items()}]
        for counts in [_counts(chains[c.id])]
        for b in given
        if b.dataset == c.id
        for found in _of_batch(b, rules, counts.get(b.receipt), arrivals[b.dataset, b.receipt])
    ]


def _counts(chain: Chain) -> dict[int, dict[str, int]]:
    """Receipt -> what was counted when its rows were judged."""
    return {e.batch: e.facts["counts"] for e in chain if e.event == "refined" and e.batch is not None}


def _of_batch(
    batch: Batch, rules: Mapping[str, str], counts: Mapping[str, int] | None, arrival: Arrival
) -> Iterator[Indicator]:
    head = (batch.dataset, batch.receipt, batch.delivery, batch.period)
    if arrival.late is not None:
        yield Indicator(*head, IN_TIME, "delivery.in_time", int(not arrival.late), 1)
    if counts is None:
        return
    rows = counts["received"]
    yield Indicator(*head, DUPLICATES, "rows.duplicate", counts.get("duplicate", 0), rows)
    yield Indicator(*head, INVALID, "rows.quarantined", counts.get("quarantined", 0), rows)
    for rule in sorted(set(rules) | {n.removeprefix(RULE) for n in counts if n.startswith(RULE)}):
        broken = counts.get(f"{RULE}{rule}")
        if broken is not None:
            yield Indicator(*head, rules.get(rule, ""), rule, rows - broken, rows)


@dataclass(frozen=True)
class Score:
    """Some indicators together, each turned so that higher is better; shares of nothing are None."""

    good: int
    assessed: int
    share: float | None  # mean over the codes of the standard: deliveries and rows are not added up
    worst: str  # the rule with the lowest share
    worst_share: float | None


def score(found: Iterable[Indicator], lower: set[str]) -> Score:
    """The score of some indicators; `lower` are the codes for which lower is better."""
    turned = [(i, i.b - i.a if i.code in lower else i.a) for i in found]
    by_code = _shares((i.code, good, i.b) for i, good in turned)
    by_rule = _shares((i.rule, good, i.b) for i, good in turned)
    worst = min(by_rule, key=lambda rule: (by_rule[rule], rule), default="")
    return Score(
        good=sum(good for _, good in turned),
        assessed=sum(i.b for i, _ in turned),
        share=fmean(by_code.values()) if by_code else None,
        worst=worst,
        worst_share=by_rule.get(worst),
    )


def _shares(counted: Iterable[tuple[str, int, int]]) -> dict[str, float]:
    """Name -> share of all that was assessed under it; a name of which nothing was assessed is not there."""
    good, assessed = Counter[str](), Counter[str]()
    for name, part, whole in counted:
        good[name] += part
        assessed[name] += whole
    return {name: good[name] / whole for name, whole in assessed.items() if whole}
