"""What a contract says of its columns without a type of its own: texts that stand for no value, range and
decimals, columns that nobody reads; and what its computed columns make of texts that they cannot read.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from citylake.contract.load import load_contract
from citylake.contract.model import Contract
from citylake.contract.source import Source, read_yaml
from citylake.contract.types import load_types
from citylake.core.errors import ContractError
from citylake.core.settings import ROOT

from tests.judging import Judged, judge, receive

HERE = Path(__file__).parent / "farm"
HEADER = "STAMP;ITEM;ST01;ST02;REMARK"


def farm(path: Path = HERE, old: str = "", new: str = "") -> Contract:
    """The contract of the farm stations, with one text of it in another's place."""
    source = read_yaml(HERE / "weather" / "farm_hourly.odcs.yaml", HERE)
    if old:
        text = (HERE / "weather" / "farm_hourly.odcs.yaml").read_text("utf-8")
        assert old in text
        (path / "weather").mkdir()
        (path / "weather" / "farm_hourly.odcs.yaml").write_text(text.replace(old, new), "utf-8")
        source = read_yaml(path / "weather" / "farm_hourly.odcs.yaml", path)
    return load_contract(Source(source.path, source.data, source.lines), load_types(ROOT))


@pytest.fixture(scope="module")
def came(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Judged]:
    """(stamp and item, station) -> what became of the cell."""
    path = tmp_path_factory.mktemp("farm") / "farm.csv"
    lines = (
        "07/10/2016 08:00;AIRT_F;71.6;M;dry",
        "07/10/2016 09:00;AIRT_F;75,2;774.3;\u200bn/a",
        "07/10/2016 08:00;PRCP_IN;0.00; M\u200b;",
        "07/10/2016 09:00;PRCP_IN;T;0.04mm;",
        "07/10/2016 10:00;PRCP_IN;1.02895;-9999.0;",
        "10.07.2016 11 o'clock;PRCP_IN;0.00;0.00;",
    )
    path.write_text("\n".join((HEADER, *lines)) + "\n", "utf-8")
    received = receive(farm(), [path], "2016-07")
    assert received.rules == [] and received.rows is not None
    found = judge(spark, farm(), received.rows)["1"]
    keys = [(line.rsplit(";", 3)[0], station) for line in lines for station in ("ST01", "ST02")]
    return dict(zip(keys, found, strict=True))


def test_a_text_that_stands_for_no_value_is_missing_and_no_fault(came: dict[tuple[str, str], Judged]) -> None:
    for cell in (
        came["07/10/2016 08:00;AIRT_F", "ST02"],
        came["07/10/2016 08:00;PRCP_IN", "ST02"],
        came["07/10/2016 10:00;PRCP_IN", "ST02"],
    ):
        assert (cell.values["temperature_celsius"], cell.values["rain_mm"]) == (None, None)
        assert (cell.verdict, cell.flags) == ([], [])


def test_a_computed_value_that_cannot_be_read_is_told(came: dict[tuple[str, str], Judged]) -> None:
    comma, unit = came["07/10/2016 09:00;AIRT_F", "ST01"], came["07/10/2016 09:00;PRCP_IN", "ST02"]
    assert comma.values["temperature_celsius"] is None and comma.flags == ["temperature_celsius.unparsable"]
    assert unit.values["rain_mm"] is None and unit.flags == ["rain_mm.unparsable"]


def test_a_key_that_cannot_be_read_is_never_called_missing(came: dict[tuple[str, str], Judged]) -> None:
    assert came["10.07.2016 11 o'clock;PRCP_IN", "ST01"].verdict == ["observed_at.unparsable"]


def test_range_and_decimals_are_those_of_the_column(came: dict[tuple[str, str], Judged]) -> None:
    hot = came["07/10/2016 09:00;AIRT_F", "ST02"]
    assert hot.values["temperature_celsius"] is None and hot.flags == ["temperature_celsius.range"]
    assert came["07/10/2016 10:00;PRCP_IN", "ST01"].values["rain_mm"] == "26.1353"
    sound, trace = came["07/10/2016 08:00;AIRT_F", "ST01"], came["07/10/2016 09:00;PRCP_IN", "ST01"]
    assert (sound.values["temperature_celsius"], sound.flags) == ("22.00", [])
    assert (trace.values["rain_mm"], trace.values["rain_trace"], trace.flags) == ("0.0000", "true", [])


def test_the_gate_expects_the_range_of_the_column() -> None:
    kind = farm().column("temperature_celsius").type
    assert [e["kwargs"] for e in kind.expectations] == [{"min_value": -60, "max_value": 60}]


def test_published_columns_may_all_be_computed(spark: Any, tmp_path: Path) -> None:
    base = farm()
    hidden = {"item", "station_code"}
    columns = tuple(replace(c, bronze_only=True, key=None) if c.name in hidden else c for c in base.columns)
    contract = replace(base, columns=columns)
    path = tmp_path / "farm.csv"
    path.write_text(f"{HEADER}\n07/10/2016 08:00;AIRT_F;71.6;M;dry\n", "utf-8")
    rows = receive(contract, [path], "2016-07").rows
    assert rows is not None
    assert [r.values["temperature_celsius"] for r in judge(spark, contract, rows)["1"]] == ["22.00", None]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{property: scale, value: 4}", "{property: scale, value: 37}", "more than 38 digits"),
        ("range, value: [-60, 60]", "range, value: [60, -60]", "the first bound is not below the second"),
        ("type, value: code_text", "type, value: code_text}, {property: scale, value: 2", "has no decimals"),
        ("ignored, value: [REMARK]", "ignored, value: [' ITEM ']", "is the header of a column"),
        ("try_to_timestamp(stamp", "to_timestamp(stamp", "ends the batch"),
    ],
)
def test_what_fits_no_column_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        farm(tmp_path, old, new)


def _xlsx(path: Path, names: list[str], row: list[str]) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(names)
    book.active.append(row)
    book.save(path)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "xml", "xlsx"])
def test_a_column_that_the_contract_leaves_alone_is_no_fault_in_any_format(tmp_path: Path, form: str) -> None:
    base = replace(farm(), unpivot=None, format=form, delimiter=",", preamble=0, records="ROW", table=None)
    contract = replace(base, columns=tuple(c for c in base.columns if c.name != "station_code"))
    names = [c.header("") for c in contract.columns if c.delivered]
    row = dict(zip(names, ["07/10/2016 08:00", "AIRT_F", "71.6"], strict=True)) | {"REMARK": "dry"}
    path = tmp_path / f"farm.{form}"
    match form:
        case "csv":
            path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", "utf-8")
        case "json":
            path.write_text(json.dumps([row]), "utf-8")
        case "jsonl":
            path.write_text(json.dumps(row) + "\n", "utf-8")
        case "xml":
            cells = "".join(f"<{k}>{v}</{k}>" for k, v in row.items())
            path.write_text(f"<D><ROW>{cells}</ROW></D>", "utf-8")
        case _:
            _xlsx(path, list(row), list(row.values()))
    received = receive(contract, [path], "2016-07")
    assert received.rules == [] and received.rows is not None
    assert received.rows["_error"].to_pylist() == [None]
    assert received.rows["value"].to_pylist() == ["71.6"]
    strict = receive(replace(contract, ignored=()), [path], "2016-07")
    assert strict.rules or strict.rows is None or strict.rows["_error"].to_pylist() == ["record.extra_field"]
