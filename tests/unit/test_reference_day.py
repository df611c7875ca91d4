"""The day for which a mart tells what is so follows from the periods of admitted deliveries alone."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from citylake.contract.inputs import REFERENCE_DAY, mart_datasets, mart_inputs
from citylake.contract.load import load_contracts
from citylake.core.calendar import first_day, last_day
from citylake.marts.deliveries import ADMITTED, HELD, WAITING, Covered, reference_day
from hypothesis import given
from hypothesis import strategies as st

LICENCE, PERMIT = "market_regulation/licence", "development_reform/admin_permit"


def _delivery(dataset: str, receipt: int, last: date, state: str = ADMITTED) -> Covered:
    return Covered(dataset, receipt, f"d{receipt}", last - timedelta(days=6), last, state)


@pytest.mark.parametrize(
    ("period", "last"),
    [
        ("2016", "2016-12-31"),
        ("2016-Q1", "2016-03-31"),
        ("2016-Q4", "2016-12-31"),
        ("2016-02", "2016-02-29"),
        ("2015-02", "2015-02-28"),
        ("2016-12", "2016-12-31"),
        ("2016-03-14", "2016-03-14"),
    ],
)
def test_the_last_day_of_a_period(period: str, last: str) -> None:
    assert last_day(period).isoformat() == last


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)))
def test_a_month_ends_on_the_day_before_the_next(day: date) -> None:
    following = last_day(f"{day:%Y-%m}") + timedelta(days=1)
    assert following.day == 1 and first_day(f"{day:%Y-%m}") <= day < following


def test_it_is_the_last_day_that_all_cover() -> None:
    deliveries = [
        _delivery(PERMIT, 1, date(2016, 2, 28)),
        _delivery(PERMIT, 2, date(2016, 3, 6)),
        _delivery(LICENCE, 1, date(2016, 2, 29)),
    ]
    assert reference_day(deliveries, [PERMIT, LICENCE]) == date(2016, 2, 29)
    assert reference_day(deliveries, [PERMIT]) == date(2016, 3, 6)


def test_what_is_held_or_waiting_covers_nothing() -> None:
    deliveries = [
        _delivery(PERMIT, 1, date(2016, 2, 28)),
        _delivery(PERMIT, 2, date(2016, 3, 6), HELD),
        _delivery(PERMIT, 3, date(2016, 3, 13), WAITING),
    ]
    assert reference_day(deliveries, [PERMIT]) == date(2016, 2, 28)


def test_a_dataset_that_never_came_says_nothing() -> None:
    assert reference_day([_delivery(PERMIT, 1, date(2016, 2, 28))], [PERMIT, LICENCE]) == date(2016, 2, 28)
    assert reference_day([], [PERMIT, LICENCE]) is None


@given(st.permutations([(PERMIT, 1, 28), (PERMIT, 2, 14), (LICENCE, 3, 21), (LICENCE, 4, 7)]))
def test_the_order_of_arrival_moves_nothing(order: list[tuple[str, int, int]]) -> None:
    deliveries = [_delivery(d, n, date(2016, 2, day)) for d, n, day in order]
    assert reference_day(deliveries, [PERMIT, LICENCE]) == date(2016, 2, 21)


def test_a_mart_reads_the_day_that_its_contract_defines(root: Path) -> None:
    """Exactly the marts that read a reference day define it, by datasets that they read."""
    marts = [c for c in load_contracts(root).values() if c.kind == "mart"]
    assert any(c.reference_day for c in marts)
    for contract in marts:
        read = REFERENCE_DAY in mart_inputs(root, contract.id)
        assert read == bool(contract.reference_day), contract.id
        assert set(contract.reference_day) <= set(mart_datasets(root, contract.id)), contract.id
