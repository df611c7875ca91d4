"""Random sequences of contract changes between deliveries: whatever a contract became, silver, quarantine and
cases say what the deliveries said under the contract of each time, now and as known on every earlier day.

A rebuild is made from what the lake itself keeps: landed bytes, the contract that each was received under,
the rules by which each was judged. It must agree with what was sent, and the tables with it.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.check import check
from citylake.casework.cases import cases
from citylake.core.errors import LakeError
from citylake.core.names import contract_key, landing_key, quarantine, rules_key, silver
from citylake.core.settings import Settings
from citylake.ledger.evidence import events
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.ledger.seal import seal
from citylake.pipeline.lake import Lake
from citylake.pipeline.steps import decode_dataset, receive_dataset, refine_dataset, report
from citylake.storage.delta import version

from tests.flow import evolving
from tests.flow.evolve_lake import hand_over, in_force, opened, table_rows
from tests.flow.evolving import Edition, Known, Row, Truth, kept_edition, rows_of

ROOT = Path(__file__).resolve().parents[2]
WAITS = 3  # this delivery is refined with the next one, by the later contract


@pytest.mark.parametrize(("kind", "seed"), [("event", 1), ("register", 2)])
def test_sequences_of_changes(lake_settings: Settings, tmp_path: Path, kind: str, seed: int) -> None:
    _hold(lake_settings, tmp_path, kind, seed, lanes=8, deliveries=5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("kind", ["event", "register"])
def test_two_hundred_sequences(lake_settings: Settings, tmp_path: Path, kind: str, seed: int) -> None:
    done = _hold(lake_settings, tmp_path, kind, seed, lanes=50, deliveries=9)
    assert set(done) == set(evolving.CHANGES), "a kind of change was never played"


def _hold(
    settings: Settings, folder: Path, kind: str, seed: int, *, lanes: int, deliveries: int
) -> Counter[str]:
    lake = opened(settings, f"sequences-{kind}-{seed}", evolving.project(ROOT, folder / "project"))
    first = evolving.first_edition(f"{evolving.DEPARTMENT}/{kind}_{seed}", kind, lanes)
    edition, truth, done = _play(lake, folder, random.Random(seed), first, deliveries)
    print(f"{lanes} sequences, {deliveries} deliveries, {dict(done)}")
    assert _rebuilt(lake, edition.dataset) == truth
    _silver_agrees(lake, edition, truth)
    assert _refused(lake, edition) == sorted((k, sorted(reasons)) for k, reasons in truth.refused)
    assert _cases(lake, edition) == truth.refusals
    assert truth.refused, "no row was refused: the sequences show nothing of verdicts"
    assert any(flags for _, flags in truth.known.values()), "no row is flagged"
    report(lake)
    seal(lake.settings, lake.store)
    assert check(lake.settings, lake.store, lake.contracts).damages == []
    return done


def _play(
    lake: Lake, folder: Path, rng: random.Random, edition: Edition, deliveries: int
) -> tuple[Edition, Truth, Counter[str]]:
    """Deliver once under each edition; before a batch is refined, one is tried that must be refused."""
    truth, sent, done = Truth(), list[Row](), Counter[str]()
    waiting: list[tuple[int, list[Row]]] = []
    for n in range(deliveries):
        before = edition
        if n:
            edition, changes = evolving.next_edition(
                rng, edition, evolving.MOODS[(n - 1) % len(evolving.MOODS)]
            )
            done.update(changes)
        in_force(lake, edition)
        rows = evolving.delivered(rng, edition, sent)
        hand_over(lake, folder, edition, n + 1, rows)
        (answered,) = receive_dataset(lake, edition.dataset)["receipts"]
        assert answered["outcome"] == "accepted", answered
        sent += rows
        waiting.append((answered["receipt"], rows))
        if n == WAITS:
            continue
        decode_dataset(lake, edition.dataset)
        if n not in (0, WAITS + 1):
            _refuses(lake, before, rng)
        in_force(lake, edition)
        batches = refine_dataset(lake, edition.dataset)["batches"]
        assert [b["passed"] for b in batches] == [True] * len(waiting), batches
        for receipt, delivered in waiting:
            truth.take(receipt, edition, delivered)
        waiting = []
    return edition, truth, done


def _refuses(lake: Lake, before: Edition, rng: random.Random) -> None:
    """Another key, another kind and a narrower type are refused, and nothing is written."""
    rule, bad = rng.choice(evolving.refused_editions(before))
    held = version(lake.settings, silver(before.dataset))
    in_force(lake, replace(bad, step=before.step))
    with pytest.raises(LakeError) as refused:
        refine_dataset(lake, before.dataset)
    assert refused.value.rule == rule
    assert refused.value.now
    assert version(lake.settings, silver(before.dataset)) == held


def _rebuilt(lake: Lake, dataset: str) -> Truth:
    """The fold once more, from landed bytes and the contracts and rules that the lake kept of each time."""
    chain, truth = events(lake.store, dataset), Truth()
    received = [
        json.loads(lake.store.get(contract_key(dataset, e.facts["contract"])))
        for e in chain
        if e.event == "received"
    ]
    by_version = {c["version"]: c for c in received}
    given = {r.number: r for r in dataset_receipts(lake.store, dataset)}
    for event in (e for e in chain if e.event == "refined"):
        assert event.batch is not None
        rules = json.loads(lake.store.get(rules_key(dataset, event.facts["rules"])))
        judged_by = kept_edition(by_version[rules["version"]], rules)
        truth.take(event.batch, judged_by, _landed(lake, given[event.batch]))
    return truth


def _landed(lake: Lake, receipt: Receipt) -> list[Row]:
    bodies = [lake.store.get(landing_key(receipt.dataset, f.sha256)) for f in receipt.files]
    return [row for body in bodies for row in rows_of(body)]


def _silver_agrees(lake: Lake, edition: Edition, truth: Truth) -> None:
    """What is known now, and what was known after every delivery, under today's names and types."""
    rows = table_rows(lake, silver(edition.dataset))
    for receipt in dataset_receipts(lake.store, edition.dataset):
        found = _as_known(edition, rows, datetime.fromisoformat(receipt.known_at))
        expected = _today(edition, dict(truth.history)[receipt.number])
        assert found == expected, f"as known after receipt {receipt.number}"
    assert expected == _today(edition, truth.known)


def _as_known(edition: Edition, rows: list[dict[str, Any]], at: datetime) -> Known:
    mine = [r for r in rows if _is_known(r, at)]
    assert len({r[edition.key.name] for r in mine}) == len(mine), "a key stands twice"
    return {
        r[edition.key.name]: (
            {f.origin: _value(r[f.name]) for f in edition.fields if r[f.name] is not None},
            frozenset(r["_flags"]),
        )
        for r in mine
    }


def _is_known(row: dict[str, Any], at: datetime) -> bool:
    begun, ended = row["_known_from"] <= at, row["_known_to"] is not None and row["_known_to"] <= at
    return begun and not ended and row.get("_valid_to") is None


def _value(held: Any) -> Any:
    return held if isinstance(held, str) else Decimal(held)


def _today(edition: Edition, known: Known) -> Known:
    origins = {f.origin for f in edition.fields}
    return {
        k: ({o: v for o, v in values.items() if o in origins}, flags) for k, (values, flags) in known.items()
    }


def _refused(lake: Lake, edition: Edition) -> list[tuple[str, list[str]]]:
    names = (edition.key.name, *edition.key.formerly)
    records = [(json.loads(r["record"]), r["reasons"]) for r in table_rows(lake, quarantine(edition.dataset))]
    return sorted((next(r[n] for n in names if n in r), sorted(reasons)) for r, reasons in records)


def _cases(lake: Lake, edition: Edition) -> dict[tuple[int, str], int]:
    found = cases(lake.store, lake.contracts[edition.dataset], lake.settings.root, date(2017, 12, 1))
    assert all(c.meaning.zh and c.meaning.en for c in found)
    return {(c.receipt, c.rule): c.rows for c in found}
