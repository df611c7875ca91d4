"""xls and ods are read as xlsx is: every workbook of `tests/faults`, and a workbook for each thing that a
person sees in a sheet, in all three formats with the same reasons and the same values.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from citylake.contract.model import Contract
from citylake.ingest.content import read_content
from citylake.ingest.decode import open_file
from citylake.ingest.formats.records import Unreadable
from openpyxl.styles import Alignment

from tests.bad_input.firm import HEADERS, rows
from tests.bad_input.judge import base_contracts
from tests.faults.judge import Fault, all_faults, contract_of
from tests.faults.workbooks import written

WORKBOOKS = [
    f for f in all_faults() if contract_of(f).format in ("xlsx", "xls") and f.folder != "07-html-as-xls"
]
Said = tuple[list[tuple[str, int | None, str]], list[tuple[int, list[str | None], str | None]]]


def _said(path: Path, contract: Contract) -> Said:
    """Reasons of the refusal, or line, values and error of every record."""
    found = read_content("f", path, contract).findings
    if found:
        return [(f.rule, f.line, f.column) for f in found], []
    with open_file(path, contract) as decoder:
        return [], [(r.line, r.values, r.error) for r in decoder]


def _as(kind: str, source: Path, folder: Path) -> Path:
    path = folder / f"f.{kind}"
    path.write_bytes(written(source, kind))
    return path


@pytest.mark.parametrize("kind", ["xls", "ods"])
@pytest.mark.parametrize("fault", WORKBOOKS, ids=lambda f: f.name)
def test_a_fault_is_the_same_in_every_format(fault: Fault, kind: str, tmp_path: Path) -> None:
    contract = contract_of(fault)
    said = _said(fault.file, contract)
    assert said[0] or said[1]
    assert _said(_as(kind, fault.file, tmp_path), replace(contract, format=kind)) == said


def _percent(sheet: Any) -> str | None:
    sheet["D5"].value, sheet["D5"].number_format = 0.0437, "0.0%"
    return "4.37%"


def _percent_when_positive(sheet: Any) -> str | None:
    sheet["D5"].value, sheet["D5"].number_format = -0.5, "0.00%;-0.00%"
    return "-50%"


def _percent_in_quotes(sheet: Any) -> str | None:
    sheet["D5"].value, sheet["D5"].number_format = 12.5, '0.0"%"'
    return "12.5"


def _noise(sheet: Any) -> str | None:
    sheet["D5"].value = 0.1 + 0.2
    return "0.3"


def _thousands(sheet: Any) -> str | None:
    sheet["D5"].value, sheet["D5"].number_format = 1234567.0, "#,##0"
    return "1234567"


def _scaled(sheet: Any) -> str | None:
    sheet["D5"].value, sheet["D5"].number_format = 1234567.0, '0.0,"千"'
    return None


def _day(sheet: Any) -> str | None:
    sheet["C5"].value, sheet["C5"].number_format = datetime(2016, 2, 29), "yyyy-mm-dd"
    return "2016-02-29"


def _day_of_the_language(sheet: Any) -> str | None:
    """The number format 31 of every Chinese spreadsheet, which has no text in the file."""
    sheet["C5"].value, sheet["C5"].number_format = datetime(2016, 2, 29), 'yyyy"年"m"月"d"日"'
    return "2016-02-29"


def _moment(sheet: Any) -> str | None:
    sheet["F5"].value, sheet["F5"].number_format = datetime(2016, 2, 29, 15, 5), "yyyy-mm-dd hh:mm:ss"
    return "2016-02-29 15:05:00"


def _error(sheet: Any) -> str | None:
    sheet["D5"].value = "#N/A"
    return None


def _no_value(sheet: Any) -> str | None:
    sheet["D5"].value = "=E5+E6"
    return None


def _line_break(sheet: Any) -> str | None:
    sheet["B5"].value = "沈阳机床\n有限公司"
    return "沈阳机床\n有限公司"


def _blanks(sheet: Any) -> str | None:
    sheet["B5"].value = "沈阳  机床"
    return "沈阳  机床"


def _merged(sheet: Any) -> str | None:
    sheet["B4"].value = "合并有限公司"
    sheet.merge_cells("B4:B6")
    return "合并有限公司"


def _far_format(sheet: Any) -> str | None:
    sheet.cell(60_000, 200).number_format = "0.00"
    sheet["D5"].value = 7
    return "7"


SEEN: tuple[Callable[[Any], str | None], ...] = (
    *(_percent, _percent_when_positive, _percent_in_quotes, _noise, _thousands, _scaled, _day),
    *(_day_of_the_language, _moment, _error, _no_value, _line_break, _blanks, _merged, _far_format),
)


def _firms(change: Callable[[Any], str | None], path: Path) -> tuple[Path, str | None, int]:
    """A workbook of firms with one cell changed in row 5: what it must show, and its column from 0."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (HEADERS, *rows()):
        sheet.append(row)
    before = [c.value for c in sheet[5]]
    shown = change(sheet)
    changed = [i for i, was in enumerate(before) if sheet[5][i].value != was]
    book.save(path)
    return path, shown, changed[0]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("change", SEEN, ids=lambda c: c.__name__.strip("_"))
def test_a_cell_is_what_it_shows(change: Callable[[Any], str | None], kind: str, tmp_path: Path) -> None:
    source, shown, column = _firms(change, tmp_path / "source.xlsx")
    contract = replace(base_contracts()["registry/firm"], format=kind)
    path = source if kind == "xlsx" else _as(kind, source, tmp_path)
    found, records = _said(path, contract)
    if shown is None:
        assert [(line, at) for _, line, at in found] == [(5, f"{'ABCDEF'[column]}5")]
    else:
        assert (found, records[3][1][column]) == ([], shown)


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_what_a_merge_covers_is_not_shown(kind: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (HEADERS, *rows()):
        sheet.append(row)
    sheet.merge_cells("B4:C6")
    sheet._cells[5, 2] = openpyxl.cell.Cell(sheet, 5, 2, "被盖住的公司")
    sheet._cells[5, 3] = openpyxl.cell.Cell(sheet, 5, 3, "2016-01-01")
    path = tmp_path / "source.xlsx"
    book.save(path)
    contract = replace(base_contracts()["registry/firm"], format=kind)
    with open_file(path if kind == "xlsx" else _as(kind, path, tmp_path), contract) as decoder:
        record = list(decoder)[3]
    assert record.values[1:3] == [rows()[2][1], None]


def test_a_repeated_row_cannot_fill_the_memory(tmp_path: Path) -> None:
    source, _, _ = _firms(_noise, tmp_path / "source.xlsx")
    made = io.BytesIO(written(source, "ods"))
    import zipfile

    with zipfile.ZipFile(made) as archive:
        content = archive.read("content.xml").decode()
    content = content.replace("<table:table-row>", '<table:table-row table:number-rows-repeated="900000">', 3)
    path = tmp_path / "f.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", content)
    with (
        pytest.raises(Unreadable) as told,
        open_file(path, replace(base_contracts()["registry/firm"], format="ods")),
    ):
        pass
    assert told.value.findings[0].rule == "budget.cells"


def test_an_indent_is_seen_in_every_format(tmp_path: Path) -> None:
    contract = base_contracts()["statistics/monthly_indicator"]
    fault = next(f for f in WORKBOOKS if f.folder == "14-excel-indent")
    with fault.file.open("rb") as handle:
        book = openpyxl.load_workbook(handle)
    sheet: Any = book.active
    for cell in sheet["A"]:
        cell.alignment = Alignment(indent=0)
    flat = tmp_path / "flat.xlsx"
    book.save(flat)
    for kind in ("xls", "ods"):
        told = _said(_as(kind, fault.file, tmp_path), replace(contract, format=kind))
        assert told != _said(_as(kind, flat, tmp_path), replace(contract, format=kind))
