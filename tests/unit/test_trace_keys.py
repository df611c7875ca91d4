"""Keys of mart rows as people copy them: compared by type, whatever the spelling."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from citylake.audit.keys import find_rows, printed
from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from hypothesis import given
from hypothesis import strategies as st

CONTRACTS = load_contracts(Path(__file__).resolve().parents[2])
HOUR = CONTRACTS["environment/station_hour"]
AT = datetime(2016, 2, 1, 1, 30, tzinfo=UTC)


def _hours(*rows: tuple[Any, ...]) -> pa.Table:
    kinds = [("station_code", pa.string()), ("measured_at", pa.timestamp("us", "UTC"))]
    return pa.Table.from_pylist(
        [dict(zip(("station_code", "measured_at", "item_code"), r, strict=True)) for r in rows],
        pa.schema([*kinds, ("item_code", pa.string())]),
    )


@pytest.mark.parametrize(
    "text",
    [
        "2016-02-01 09:30:00+08:00",
        "2016-02-01 09:30:00",
        "2016-02-01 09:30:00.000000",
        "2016-02-01T09:30:00+08:00",
        "2016-02-01T01:30:00Z",
        "2016-02-01 01:30:00+00:00",
        "2016-02-01 01:30:00.000000+00:00",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_a_moment_is_found_however_it_is_spelled(
    text: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    rows = _hours(("1910A", AT, "CO"), ("1910A", AT.replace(hour=9), "CO"))
    assert find_rows(HOUR, rows, ["1910A", text, "CO"])["measured_at"].to_pylist() == [AT]


def test_a_cell_without_a_value_is_asked_for_by_null_or_nothing() -> None:
    rows = _hours((None, AT, "CO"), ("NULL", AT, "SO2"))
    assert find_rows(HOUR, rows, ["", printed(AT), "CO"]).num_rows == 1
    assert find_rows(HOUR, rows, ["NULL", printed(AT), "SO2"]).num_rows == 1


def test_an_unknown_key_is_answered_with_columns_types_and_the_nearest_keys() -> None:
    rows = _hours(("1910A", AT, "CO"), ("1911A", AT, "CO"))
    with pytest.raises(LakeError) as found:
        find_rows(HOUR, rows, ["1910A", printed(AT), "C0"])
    text = str(found.value)
    assert "measured_at (TIMESTAMP)" in text
    assert "nearest: '1910A' '2016-02-01 09:30:00+08:00' 'CO'" in text


@pytest.mark.parametrize(
    "text", ["yesterday", "2016-02-30", "9999999999", "0001-01-01 00:00:00+23:59", "x' OR 1=1"]
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(LakeError, match=r"write it like|no row of"):
        find_rows(HOUR, _hours(("1910A", AT, "CO")), ["1910A", text, "CO"])


@given(st.lists(st.text(), min_size=0, max_size=4))
def test_no_text_makes_a_traceback(texts: list[str]) -> None:
    rows = _hours(("1910A", AT, "CO"), (None, None, None))
    with suppress(LakeError):
        assert find_rows(HOUR, rows, texts).num_rows


@given(st.sampled_from(sorted(c.id for c in CONTRACTS.values() if c.kind == "mart")), st.data())
def test_every_mart_finds_its_rows_by_what_sql_prints(name: str, data: st.DataObject) -> None:
    contract = CONTRACTS[name]
    values = {
        "STRING": (pa.string(), st.text(min_size=1)),
        "DATE": (pa.date32(), st.dates(date(1900, 1, 2), date(2100, 1, 1))),
        "TIMESTAMP": (pa.timestamp("us", "UTC"), st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1))),
        "BIGINT": (pa.int64(), st.integers(-(2**53), 2**53)),
        "INT": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
        "BOOLEAN": (pa.bool_(), st.booleans()),
    }
    row: dict[str, Any] = {}
    kinds: list[tuple[str, pa.DataType]] = []
    for key in contract.keys:
        kind, strategy = values.get(
            contract.column(key).type.physical, (pa.decimal128(18, 2), st.decimals(0, 99, places=2))
        )
        value = data.draw(st.none() | strategy)
        row[key] = value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        kinds.append((key, kind))
    table = pa.Table.from_pylist([row], pa.schema(kinds))
    found = find_rows(contract, table, [printed(v) for v in table.to_pylist()[0].values()])
    assert found.num_rows == 1
