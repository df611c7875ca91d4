"""The sheets of a workbook as a person sees them, whatever program wrote it: xlsx, xls and ods by content,
not by name.

A cell's text is what is shown: a share formatted as percent is `4.4%`, a number has the 15 digits that a
spreadsheet keeps, a merged value stands in each of its cells. What shows no value (an error, a formula
that was never calculated) is a fault with its address.
"""

from __future__ import annotations

import operator
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from citylake.ingest.formats.records import Unreadable
from citylake.ingest.limits import SHEET_CELLS, SHEET_COLUMNS, SHEET_ROWS
from citylake.ledger.receipts import Finding

_QUIET = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')  # parts of a number format that show text
_SCALED = re.compile(r"[0#?],+(?![0#?,])")
_DATE = re.compile(r"[dmyhs]|[年月日时分]|上午", re.IGNORECASE)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[0-9.]+)\]")
_SECTIONS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_FILLED = 2_000_000
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows; `number` when it holds one, `fault` the rule that it breaks."""

    text: str
    indent: int = 0
    number: float | None = None
    fault: str = ""


@dataclass
class Sheet:
    """One sheet: its cells that show something, by (row, column) from 0."""

    name: str
    visible: bool
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """Rows up to the last one that shows something."""
        return 1 + max((r for r, _ in self.cells), default=-1)

    @property
    def width(self) -> int:
        """Columns up to the last one that shows something."""
        return 1 + max((c for _, c in self.cells), default=-1)

    def rows(self) -> list[list[Cell | None]]:
        """All rows, each as wide as the sheet."""
        table: list[list[Cell | None]] = [[None] * self.width for _ in range(self.height)]
        for (row, column), cell in self.cells.items():
            table[row][column] = cell
        return table

    def texts(self, most: int) -> list[list[str]]:
        """What the first rows show."""
        rows = range(min(self.height, most))
        blank = Cell("")
        return [[self.cells.get((r, c), blank).text for c in range(self.width)] for r in rows]

    def fill(self, merged: list[tuple[int, int, int, int]], name: str) -> None:
        """Show the value of each merged area (first and last row, first and last column) in each of its rows,
        and nothing of the cells that it covers.
        """
        height, width, seen = self.height, self.width, 0
        for top, bottom, left, right in merged:
            value = self.cells.get((top, left))
            rows, columns = range(top, min(bottom + 1, height)), range(left, min(right + 1, width))
            seen += len(rows) * len(columns)
            check_filled(seen, name)
            for place in ((r, c) for r in rows for c in columns):
                self.cells.pop(place, None)
            if value is not None:
                self.cells |= {(row, left): value for row in rows}


def check_filled(cells: int, name: str) -> None:
    """Unreadable when merges or a row's count of repetitions fill more cells than people do."""
    if cells > _FILLED:
        zh, en = f"合并或重复填满{cells}格,超过上限", f"merges or repetitions fill {cells} cells"
        raise Unreadable(Finding("budget.cells", zh, en, name))


def check_area(height: int, width: int, name: str) -> None:
    """Unreadable when a sheet's cells span more than the limit."""
    if height > SHEET_ROWS or width > SHEET_COLUMNS or height * width > SHEET_CELLS:
        zh, en = (
            f"工作表为{height}行{width}列,超过上限",
            f"a sheet of {height} rows and {width} columns is past the limit",
        )
        raise Unreadable(Finding("budget.cells", zh, en, name, height))


def number_text(value: float) -> str:
    """A number with the digits that a spreadsheet keeps and shows: 15, without an exponent."""
    text = format(Decimal(f"{value:.15g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent_text(value: float) -> str:
    """A number that is shown as percent."""
    return f"{number_text(float(Decimal(f'{value:.15g}') * 100))}%"


def _section(value: float, pattern: str) -> str:
    """The section of a number format that shows a value: by its condition, else by the value's sign."""
    sections = _SECTIONS.split(pattern)[:3]
    for section in sections:
        found = _CONDITION.search(section)
        if found and _COMPARED[found[1]](value, float(found[2])):
            return section
    free = [s for s in sections if not _CONDITION.search(s)] or sections
    if len(free) < len(sections):
        return free[0]
    place = 1 if value < 0 else 2 if value == 0 else 0
    return free[place] if place < len(free) else free[0]


def shown_number(value: float, pattern: str, base: datetime) -> Cell:
    """A number under its format: a percent, a day or moment, or plain. A format that shows thousands or ten
    thousands of it is a fault: nobody can say which of the two was meant.
    """
    section = _section(value, pattern)
    quiet = _QUIET.sub("", section)
    if "%" in quiet:
        return Cell(percent_text(value), number=value)
    if _ELAPSED.search(section):
        return Cell(number_text(value), number=value)
    if _DATE.search(re.sub(r"general", "", quiet, flags=re.IGNORECASE)) or _DATE.search(
        "".join(re.findall(r'"([年月日])"', section))
    ):
        return Cell(moment_text(base, value))
    if _SCALED.search(quiet) or re.search(r"0!\.0", section):
        return Cell(number_text(value), number=value, fault="file.scaled_format")
    return Cell(number_text(value), number=value)


def moment_text(base: datetime, days: float) -> str:
    """A serial day as text; without a time when it is midnight. Days before March 1900 count one day less,
    for spreadsheets know a 29 February 1900.
    """
    if not 0 <= days < 2_958_466:
        return number_text(days)
    shift = 1 if days < 60 and base.year == 1899 else 0
    moment = base + timedelta(days=shift) + timedelta(milliseconds=round(days * 86_400_000))
    return moment.date().isoformat() if moment.time().isoformat() == "00:00:00" else moment.isoformat(" ")


def letters(place: int) -> str:
    """The letters of a column, from 0: A ... Z, AA ..."""
    text, n = "", place + 1
    while n:
        n, rest = divmod(n - 1, 26)
        text = chr(65 + rest) + text
    return text


def read_sheets(path: Path) -> list[Sheet]:
    """Every sheet of a workbook in its order; Unreadable for what is none, with what it is in its place."""
    from citylake.ingest.formats import ods_sheets, xls_sheets, xlsx_sheets

    with path.open("rb") as handle:
        head = handle.read(4096)
    if head.startswith(b"PK"):
        return (ods_sheets if _is_open_document(path) else xlsx_sheets).read(path)
    if head.startswith(b"\xd0\xcf\x11\xe0") or head[:2] == b"\x09\x08":
        return xls_sheets.read(path)
    raise Unreadable(_no_workbook(head, path.name))


def _is_open_document(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "content.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _no_workbook(head: bytes, name: str) -> Finding:
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if text.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<head", b"<style", b"<div")) or (
        text.startswith(b"<") and b"<table" in text
    ):
        zh = "内容是网页(HTML),只是扩展名像工作簿:请在表格软件中打开,另存为.xlsx后再报送"
        en = (
            "the content is a web page (HTML) under a workbook's name: open it in a spreadsheet, save it as"
            " .xlsx, send that"
        )
        return Finding("file.html_inside", zh, en, name, 1)
    if text.startswith(b"<?xml"):
        zh = "内容是XML表格(2003):请在表格软件中另存为.xlsx后再报送"
        en = "the content is an XML spreadsheet of 2003: save it as .xlsx in a spreadsheet, send that"
        return Finding("file.xml_inside", zh, en, name, 1)
    if head and b"\0" not in head:
        zh = "内容是纯文本,不是工作簿:请在表格软件中另存为.xlsx,或按合约格式报送"
        en = "the content is plain text, no workbook: save it as .xlsx, or send what the contract says"
        return Finding("file.text_inside", zh, en, name, 1)
    return unreadable(name).findings[0]


def unreadable(name: str) -> Unreadable:
    """The refusal of a workbook that cannot be opened."""
    return Unreadable(Finding("delivery.malformed", "不是可读的工作簿", "not a readable workbook", name, 1))
