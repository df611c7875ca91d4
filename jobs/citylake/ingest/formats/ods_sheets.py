"""Sheets of an OpenDocument spreadsheet (ODF 1.3, part 3, clause 9): values by their type, repeated cells,
merges and hidden sheets; a file keeps the shown text beside each value.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from citylake.ingest.formats.containers import DAMAGED_ZIP
from citylake.ingest.formats.sheets import Cell, Sheet, check_area, number_text, unreadable

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"


def read(path: Path) -> list[Sheet]:
    """Every sheet of the document; Unreadable when it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            root = ElementTree.fromstring(archive.read("content.xml"))
        hidden = _hidden(root)
        return [_sheet(t, hidden, path.name) for t in root.iter(f"{_TABLE}table")]
    except (*DAMAGED_ZIP, ElementTree.ParseError, KeyError):
        raise unreadable(path.name) from None


def _hidden(root: ElementTree.Element) -> set[str]:
    return {
        s.get(f"{_STYLE}name", "")
        for s in root.iter(f"{_STYLE}style")
        if any(p.get(f"{_TABLE}display") == "false" for p in s)
    }


def _sheet(table: ElementTree.Element, hidden: set[str], name: str) -> Sheet:
    sheet = Sheet(table.get(f"{_TABLE}name", ""), table.get(f"{_TABLE}style-name", "") not in hidden)
    row, merged = 0, list[tuple[int, int, int, int]]()
    for line in table.iter(f"{_TABLE}table-row"):
        count = int(line.get(f"{_TABLE}number-rows-repeated", "1"))
        shown = list(_cells(line))
        for r in range(row, row + count) if shown else ():
            check_area(r + 1, max(c for c, _, _ in shown) + 1, name)
            for column, cell, rows in shown:
                sheet.cells[r, column] = cell
                merged += [(r, r + rows - 1, column, column)] if rows > 1 else []
        row += count
    for area in merged:
        sheet.fill(area)
    return sheet


def _cells(line: ElementTree.Element) -> Iterator[tuple[int, Cell, int]]:
    """(column, cell, rows that it spans) of the cells that show something."""
    column = 0
    for element in line:
        if element.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        count = int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        cell = _cell(element) if element.tag == f"{_TABLE}table-cell" else None
        if cell is not None:
            check_area(1, column + count, "")
            rows = int(element.get(f"{_TABLE}number-rows-spanned", "1"))
            yield from ((c, cell, rows) for c in range(column, column + count))
        column += count


def _cell(element: ElementTree.Element) -> Cell | None:
    kind = element.get(f"{_OFFICE}value-type", "")
    text = "\n".join(_shown(p) for p in element.findall(f"{_TEXT}p"))
    formula = element.get(f"{_TABLE}formula")
    if formula and (text.startswith(("#", "Err:")) or (not kind and not text)):
        return Cell(text, fault="file.error_cell" if text else "file.formula_without_value")
    match kind:
        case "float" | "currency":
            value = float(element.get(f"{_OFFICE}value", "nan"))
            return Cell(number_text(value), number=value)
        case "percentage":
            value = float(element.get(f"{_OFFICE}value", "nan"))
            return Cell(f"{number_text(value * 100)}%", number=value)
        case "date":
            return Cell(_moment(element.get(f"{_OFFICE}date-value", text)))
        case _:
            return Cell(text) if text else None


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
    """The text of a paragraph; a run of blanks is one element with its count."""
    parts = [paragraph.text or ""]
    for element in paragraph:
        if element.tag == f"{_TEXT}s":
            parts.append(" " * int(element.get(f"{_TEXT}c", "1")))
        elif element.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif element.tag == f"{_TEXT}tab":
            parts.append("\t")
        else:
            parts.append(_shown(element))
        parts.append(element.tail or "")
    return "".join(parts)
