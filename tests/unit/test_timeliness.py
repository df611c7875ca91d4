"""The due day of a period: its end, the promised latency, and the next day on which people work."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from citylake.audit.conservation import Batch
from citylake.audit.departments import overdue_since
from citylake.audit.timeliness import Arrival, due_day, next_due, of_dataset
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.calendar import last_day, working_day_from
from citylake.ledger.receipts import Receipt
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [c for c in load_contracts(ROOT).values() if c.kind != "mart"]
ONE = replace(SOURCES[0], latency_hours=72.0, frequency_days=31.0)
# Days off and make-up days of 2016 as the State Council announced them (国办发明电〔2015〕18号).
SPRING_FESTIVAL = {date(2016, 2, 7) + timedelta(days=n) for n in range(7)}
MADE_UP = {date(2016, 2, 6), date(2016, 2, 14)}


def _works(day: date) -> bool:
    return day in MADE_UP or (day.weekday() < 5 and day not in SPRING_FESTIVAL)


@pytest.mark.parametrize(
    ("period", "hours", "due"),
    [
        ("2016-01", 72, "2016-02-03"),
        ("2016-01", 49, "2016-02-03"),  # a begun day counts whole
        ("2016-01", 0, "2016-02-01"),  # the period ends on a Sunday
        ("2016-01", 6 * 24, "2016-02-06"),  # a Saturday on which people work
        ("2016-01", 7 * 24, "2016-02-14"),  # the Spring Festival, and a Sunday on which people work
        ("2015", 24, "2016-01-04"),
        ("2015-Q4", 24, "2016-01-04"),
        ("2016-02-03", 24, "2016-02-04"),
        ("2030-05", 24, "2030-06-03"),  # beyond the calendar Monday to Friday count
    ],
)
def test_a_period_is_due(period: str, hours: float, due: str) -> None:
    found = due_day(ROOT, replace(ONE, latency_hours=hours), period)
    assert found and found.isoformat() == due


@pytest.mark.parametrize(
    "period", ["", "2016-13", "2016-00-00", "nonsense", "2016-02-30", "9999-12-31", "-", "一月"]
)
def test_what_is_no_period_has_no_day(period: str) -> None:
    assert due_day(ROOT, ONE, period) is None
    assert next_due(ROOT, ONE, [period]) is None


@given(st.dates(date(2016, 1, 16), date(2016, 3, 14)), st.integers(0, 400))
def test_no_working_day_lies_between_the_promise_and_the_due_day(day: date, hours: int) -> None:
    due = due_day(ROOT, replace(ONE, latency_hours=float(hours)), day.isoformat())
    promised = day + timedelta(days=-(-hours // 24))
    assert due and due == next(d for n in range(20) if _works(d := promised + timedelta(days=n)))


@pytest.mark.parametrize("contract", SOURCES, ids=lambda c: c.id)
def test_every_dataset_is_due_again_after_one_frequency(contract: Contract) -> None:
    due = next_due(ROOT, contract, ["2015-06", "2015-12", "no period"])
    promised = timedelta(days=-(-contract.latency_hours // 24))
    months = round(contract.frequency_days / 31)
    end = last_day(f"{2016 + (months - 1) // 12}-{(months - 1) % 12 + 1:02d}") if months else date(2016, 1, 7)
    assert due == working_day_from(ROOT, end + promised)


@pytest.mark.parametrize(
    ("moment", "late"),
    [
        ("2016-02-03T15:59:59.999+00:00", False),  # the last moment of the day in the city
        ("2016-02-03T16:00:00.000+00:00", True),
        ("2016-02-03T23:59:59+08:00", False),
        ("2016-02-04T00:00:00+08:00", True),
        ("", None),
    ],
)
def test_late_is_after_the_day_in_the_city(moment: str, late: bool | None) -> None:
    assert Arrival("a/b", 1, moment, moment, "2016-02-03").late is late
    assert Arrival("a/b", 1, moment, moment, "2016-02-03").sent_late is late
    assert Arrival("a/b", 1, moment, moment, "").late is None


def _batch(period: str, outcome: str, state: str) -> Batch:
    return Batch(ONE.id, 1, period, period, outcome, state, *[0] * 9)


@pytest.mark.parametrize(
    ("outcome", "state", "came"),
    [
        ("accepted", "admitted", True),
        ("accepted", "received", True),
        ("accepted", "held", True),
        ("accepted", "failed", True),
        ("accepted", "withdrawn", False),
        ("refused", "refused", False),
        ("repeat", "repeat", False),
    ],
)
def test_what_was_withdrawn_or_refused_has_not_come(outcome: str, state: str, came: bool) -> None:
    january, february = _batch("2016-01", "accepted", "admitted"), _batch("2016-02", outcome, state)
    before, after = next_due(ROOT, ONE, ["2016-01"]), next_due(ROOT, ONE, ["2016-02"])
    assert before and after and before < after
    day = after + timedelta(days=1)
    assert overdue_since(ROOT, ONE, [january, february], day) == (after if came else before)


@pytest.mark.parametrize(("outcome", "dated"), [("accepted", False), ("refused", True)])
def test_what_corrects_a_delivery_that_never_counted_has_a_day(outcome: str, dated: bool) -> None:
    """`refused` is also how a withdrawn delivery binds."""
    first = Receipt(1, ONE.department, ONE.id, "2016-01-001", outcome, ONE.version, "2016-01", "full")
    second = replace(first, number=2, delivery="2016-01-002", outcome="accepted", corrects="2016-01-001")
    found = {a.receipt: a for a in of_dataset(ONE, ROOT, [first, second], {1: "2016-02-01T01:00:00+00:00"})}
    assert bool(found[2].due_on) is dated and found[1].due_on
