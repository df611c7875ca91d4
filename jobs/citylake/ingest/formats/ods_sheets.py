"""Sheets of an OpenDocument spreadsheet (ODF 1.3, part 3, clause 9): values by their type and format,
repeated cells, merges, indents and hidden sheets; a file keeps the shown text beside each value.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from citylake.ingest.formats.containers import DAMAGED_ZIP
from citylake.ingest.formats.ods_styles import Shown, Styles
from citylake.ingest.formats.sheets import (
    Cell,
    Sheet,
    check_area,
    check_filled,
    moment_text,
    number_text,
    percent_text,
    unreadable,
)

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_NUMBERS = ("float", "currency", "percentage")
_BASE = datetime(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A cell that shows something, from which column on, how often, and how many rows it spans."""

    column: int
    count: int
    cell: Cell
    rows: int


def read(path: Path) -> list[Sheet]:
    """Every sheet of the document; Unreadable when it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            root = ElementTree.fromstring(archive.read("content.xml"))
            more = [ElementTree.fromstring(archive.read(n)) for n in archive.namelist() if n == "styles.xml"]
        styles, hidden = Styles(root, *more), _hidden(root)
        return [_sheet(t, styles, hidden, path.name) for t in root.iter(f"{_TABLE}table")]
    except (*DAMAGED_ZIP, ElementTree.ParseError, KeyError):
        raise unreadable(path.name) from None


def _hidden(root: ElementTree.Element) -> set[str]:
    return {
        s.get(f"{_STYLE}name", "")
        for s in root.iter(f"{_STYLE}style")
        if any(p.get(f"{_TABLE}display") == "false" for p in s)
    }


def _sheet(table: ElementTree.Element, styles: Styles, hidden: set[str], name: str) -> Sheet:
    sheet = Sheet(table.get(f"{_TABLE}name", ""), table.get(f"{_TABLE}style-name", "") not in hidden)
    columns = _column_styles(table)
    row, merged = 0, list[tuple[int, int, int, int]]()
    for line in table.iter(f"{_TABLE}table-row"):
        count = int(line.get(f"{_TABLE}number-rows-repeated", "1"))
        shown = list(_cells(line, styles, columns, name))
        check_filled((count - 1) * sum(p.count for p in shown), name)
        for r in range(row, row + count) if shown else ():
            check_area(r + 1, shown[-1].column + shown[-1].count, name)
            for p in shown:
                sheet.cells |= {(r, c): p.cell for c in range(p.column, p.column + p.count)}
                merged += [(r, r + p.rows - 1, p.column, p.column)] if p.rows > 1 else []
        row += count
    sheet.fill(merged, name)
    return sheet


def _column_styles(table: ElementTree.Element) -> list[tuple[int, str]]:
    """(first column behind, style) of the runs of columns that have a style for their cells."""
    end, runs = 0, list[tuple[int, str]]()
    for column in table.iter(f"{_TABLE}table-column"):
        end += int(column.get(f"{_TABLE}number-columns-repeated", "1"))
        runs.append((end, column.get(f"{_TABLE}default-cell-style-name", "")))
    return runs


def _cells(
    line: ElementTree.Element, styles: Styles, columns: list[tuple[int, str]], name: str
) -> Iterator[_Placed]:
    column, whole = 0, line.get(f"{_TABLE}default-cell-style-name")
    for element in line:
        if element.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        count = int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        if element.tag == f"{_TABLE}table-cell":
            inherited = whole or next((s for end, s in columns if column < end), "")
            style = styles.shown(element.get(f"{_TABLE}style-name") or inherited)
            if (cell := _cell(element, style)) is not None:
                check_area(1, column + count, name)
                yield _Placed(column, count, cell, int(element.get(f"{_TABLE}number-rows-spanned", "1")))
        column += count


def _cell(element: ElementTree.Element, style: Shown) -> Cell | None:
    kind = element.get(f"{_OFFICE}value-type", "")
    text = "\n".join(_shown(p) for p in element.findall(f"{_TEXT}p"))
    text = text or element.get(f"{_OFFICE}string-value", "")
    value = element.get(f"{_OFFICE}value")
    formula = element.get(f"{_TABLE}formula")
    if element.get(f"{_CALC}value-type") == "error" or (formula and text.startswith(("#", "Err:"))):
        return Cell(text, fault="file.error_cell")
    if formula and ((not kind and not text) or (kind in _NUMBERS and value is None)):
        return Cell(text, fault="file.formula_without_value")
    if kind in _NUMBERS and value is not None:
        return _number(float(value), kind, style)
    if kind == "date":
        return Cell(_moment(element.get(f"{_OFFICE}date-value", text)))
    return Cell(text, style.indent) if text else None


def _number(value: float, kind: str, style: Shown) -> Cell:
    if kind == "percentage" or style.percent:
        return Cell(percent_text(value), number=value)
    if style.date:
        return Cell(moment_text(_BASE, value))
    return Cell(number_text(value), number=value, fault="file.scaled_format" if style.scaled else "")


def _moment(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (
        found.date().isoformat()
        if "T" not in text or found.time().isoformat() == "00:00:00"
        else found.isoformat(" ")
    )


def _shown(paragraph: ElementTree.Element) -> str:
    """The text of a paragraph; a run of blanks is one element with its count, a reading above a word is no
    part of it.
    """
    parts = [paragraph.text or ""]
    for element in paragraph:
        match element.tag.removeprefix(_TEXT):
            case "s":
                parts.append(" " * int(element.get(f"{_TEXT}c", "1")))
            case "line-break":
                parts.append("\n")
            case "tab":
                parts.append("\t")
            case "ruby-text":
                pass
            case _:
                parts.append(_shown(element))
        parts.append(element.tail or "")
    return "".join(parts)
