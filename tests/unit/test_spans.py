"""History is handed over as a span of periods where the rows bear their own time, and nowhere else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from citylake.audit.timeliness import due_day, next_due
from citylake.contract.load import load_contracts
from citylake.core.calendar import first_day, last_day
from citylake.core.settings import ROOT
from citylake.ingest.manifest import read_manifest
from citylake.ingest.manifest_writer import Extract, Order, make_manifest
from citylake.ingest.sequence import out_of_sequence

CONTRACTS = load_contracts(ROOT)
SPAN = "2010-01--2015-12"


def _told(dataset: str, period: str, sent: datetime | None = None) -> list[str]:
    contract = CONTRACTS[dataset]
    order = Order(contract, period, "full" if contract.kind == "register" else "changes")
    files = [Extract("a.csv", Path(__file__), 1)]
    body = make_manifest(order, "a", sent or datetime(2016, 3, 1, tzinfo=UTC), files, attested=True)
    return [f"{f.rule}: {f.en}" for f in out_of_sequence(read_manifest(body), contract, ())]


def test_a_span_is_from_the_first_day_to_the_last() -> None:
    assert (first_day(SPAN), last_day(SPAN)) == (date(2010, 1, 1), date(2015, 12, 31))
    assert (first_day("2015--2016-Q1"), last_day("2015--2016-Q1")) == (date(2015, 1, 1), date(2016, 3, 31))


def test_rows_with_a_time_of_their_own_may_come_for_a_span() -> None:
    assert _told("weather/station_hourly", SPAN) == []
    assert _told("construction/component_case", "2015-11--2016-01") == []


@pytest.mark.parametrize(
    ("dataset", "period", "why"),
    [
        ("construction/component", SPAN, "a register is the state of one period"),
        ("statistics/monthly_indicator", SPAN, "rows take their time from the period"),
        ("weather/station_hourly", "2015-12--2010-01", "ends before it begins"),
        ("weather/station_hourly", "2010--2015", "not of the form YYYY-MM"),
        ("weather/station_hourly", "2016-01--2016-05", "begins after the sending"),
    ],
)
def test_elsewhere_a_span_is_refused_with_its_reason(dataset: str, period: str, why: str) -> None:
    told = _told(dataset, period)
    assert len(told) == 1 and why in told[0]


def test_a_span_is_due_after_its_last_period(tmp_path: Path) -> None:
    contract = CONTRACTS["weather/station_hourly"]
    assert due_day(ROOT, contract, SPAN) == due_day(ROOT, contract, "2015-12")
    assert next_due(ROOT, contract, [SPAN]) == next_due(ROOT, contract, ["2015-12"])
