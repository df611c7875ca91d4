"""Indicators of GB/T 36344: every rule of every dataset has one, nothing assessed is no pass, directions are
never mixed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from citylake.audit.conservation import FIGURES, Batch
from citylake.audit.indicators import CODES, Indicator, code_of, indicators, lower_is_better, rules_of, score
from citylake.audit.timeliness import Arrival
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.codes import load_codes
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [c for c in load_contracts(ROOT).values() if c.kind != "mart"]
LISTED = {r["code"]: r for r in load_codes(ROOT, CODES)}
LOWER = lower_is_better(ROOT)


def test_the_list_is_that_of_the_standard() -> None:
    assert len(LISTED) == 20 and len({c[:2] for c in LISTED}) == 6
    assert {"0303", "0305"} == LOWER


@pytest.mark.parametrize("contract", SOURCES, ids=lambda c: c.id)
def test_every_rule_has_its_indicator(contract: Contract) -> None:
    codes = {code_of(rule, contract) for rule in rules_of(contract, ROOT).values()}
    assert codes and codes <= LISTED.keys() - LOWER


def _measured(counts: dict[str, int] | None, late: str = "2016-02-01T00:00:00+08:00") -> dict[str, Indicator]:
    contract = next(c for c in SOURCES if c.id == "construction/component")
    names = ("dataset", "receipt", "delivery", "period", "outcome", "state")
    head: dict[str, Any] = dict(
        zip(names, (contract.id, 2, "2016-01-001", "2016-01", "accepted", "admitted"), strict=True)
    )
    batch = Batch(**head | dict.fromkeys(FIGURES, 10))
    chain = Chain([Event(contract.id, 1, "", "refined", 2, "", {"counts": counts}, "")] if counts else [])
    arrival = Arrival(contract.id, 2, "", late, "2016-02-05")
    found = indicators(ROOT, [contract], {contract.id: chain}, [batch], {(contract.id, 2): arrival})
    return {i.rule: i for i in found}


def test_what_was_counted_is_what_is_shown() -> None:
    counts = {
        "received": 10,
        "duplicate": 2,
        "quarantined": 3,
        "rule:longitude.swapped": 3,
        "rule:gone.rule": 1,
    }
    found = _measured(counts)
    assert {n: (i.code, i.a, i.b) for n, i in found.items()} == {
        "delivery.in_time": ("0502", 1, 1),
        "rows.duplicate": ("0303", 2, 10),
        "rows.quarantined": ("0305", 3, 10),
        "longitude.swapped": ("0302", 7, 10),
        "gone.rule": ("", 9, 10),  # a rule of an earlier contract stays in the figures
    }
    assert _measured(counts, "2016-02-06T00:00:00+08:00")["delivery.in_time"].x == 0
    assert _measured(counts, "").keys() == found.keys() - {"delivery.in_time"}


def test_nothing_assessed_is_no_pass() -> None:
    empty = _measured({"received": 0, "rule:longitude.swapped": 0})
    assert empty["rows.duplicate"].x is None and empty["longitude.swapped"].x is None
    assert _measured(None).keys() == {"delivery.in_time"}
    nothing = score([i for n, i in empty.items() if n != "delivery.in_time"], LOWER)
    assert (nothing.share, nothing.worst, nothing.worst_share) == (None, "", None)


_RATIOS = st.integers(0, 50).flatmap(lambda b: st.tuples(st.integers(0, b), st.just(b)))


@given(st.lists(st.tuples(st.sampled_from(sorted(LISTED)), st.sampled_from("pqr"), _RATIOS), max_size=8))
def test_a_score_lies_between_its_worst_and_its_best_code(
    found: list[tuple[str, str, tuple[int, int]]],
) -> None:
    mine = [Indicator("d", 1, "", "", code, f"{code}.{rule}", a, b) for code, rule, (a, b) in found]
    whole = score(mine, LOWER)
    turned = {c: score([i for i in mine if i.code == c], LOWER) for c in {i.code for i in mine}}
    shares = [s.good / s.assessed for s in turned.values() if s.assessed]
    assert (whole.share is None) == (not shares)
    if whole.share is not None:
        assert min(shares) - 1e-9 <= whole.share <= max(shares) + 1e-9
        assert whole.worst_share is not None and whole.worst_share <= min(shares) + 1e-9
    flipped = [Indicator("d", 1, "", "", i.code, i.rule, i.b - i.a, i.b) for i in mine if i.code in LOWER]
    assert score(flipped, LOWER).good == sum(i.a for i in mine if i.code in LOWER)
