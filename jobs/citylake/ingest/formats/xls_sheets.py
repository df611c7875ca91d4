"""Sheets of a binary workbook (BIFF, Excel 97-2003) by xlrd, which tells formats, errors, merges and indents.
Formulas that a program wrote without a value are found in the records themselves ([MS-XLS] 2.4.127).
"""

from __future__ import annotations

import io
import struct
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import xlrd
from xlrd.biffh import FDT, XLRDError
from xlrd.compdoc import CompDocError

from citylake.ingest.formats.sheets import Cell, Sheet, check_area, shown_number, unreadable

_BOF, _FORMULA = 0x0809, 0x0006
_NO_RESULT = (3, b"\xff\xff")  # the result of a formula is an empty text
_TOKENS = 22  # where the tokens of a formula begin
_TEXT_TOKEN = 0x17  # a text inside a formula
_WITHOUT_VALUE = Cell("", fault="file.formula_without_value")
_DAMAGED = (
    XLRDError,
    CompDocError,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    AssertionError,
    AttributeError,
    TypeError,
    struct.error,
)


def read(path: Path) -> list[Sheet]:
    """Every sheet of the workbook; Unreadable when it cannot be read or is locked by a password."""
    try:
        book = xlrd.open_workbook(
            str(path), formatting_info=True, ragged_rows=True, logfile=io.StringIO(), on_demand=True
        )
        return list(_sheets(book, path.name))
    except _DAMAGED:
        raise unreadable(path.name) from None


def _sheets(book: Any, name: str) -> Iterator[Sheet]:
    empty = _without_value(bytes(book.mem[book.base : book.base + book.stream_len]))
    for i in range(book.nsheets):
        begin = book._sh_abs_posn[i] - book.base
        yield _sheet(book, book.sheet_by_index(i), empty[begin], name)


def _without_value(stream: bytes) -> dict[int, set[tuple[int, int]]]:
    """Cells with a formula by the place where their sheet begins, of a workbook that no spreadsheet has
    calculated: none of its formulas has another result than an empty text, which not all of them name.
    """
    found: dict[int, set[tuple[int, int]]] = defaultdict(set)
    sheet, calculated, may_be_empty = 0, False, True
    for at, kind, record in _records(stream):
        if kind == _BOF:
            sheet = at
        elif kind == _FORMULA:
            row, column = struct.unpack_from("<HH", record)
            found[sheet].add((row, column))
            calculated |= (record[6], record[12:14]) != _NO_RESULT
            may_be_empty &= _TEXT_TOKEN in record[_TOKENS:]
    return defaultdict(set) if calculated or may_be_empty else found


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(place, kind, content) of the records of a workbook."""
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield at, kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _sheet(book: Any, source: Any, without_value: set[tuple[int, int]], name: str) -> Sheet:
    sheet = Sheet(source.name, source.visibility == 0)
    base = datetime(1904, 1, 1) if book.datemode else datetime(1899, 12, 30)
    check_area(source.nrows, 1, name)
    for row in range(source.nrows):
        for column, found in enumerate(source.row(row)):
            if (cell := _cell(book, found, base)) is not None:
                sheet.cells[row, column] = cell
    sheet.cells |= dict.fromkeys(without_value, _WITHOUT_VALUE)
    check_area(sheet.height, sheet.width, name)
    sheet.fill([(top, bottom - 1, left, right - 1) for top, bottom, left, right in source.merged_cells], name)
    return sheet


def _cell(book: Any, found: Any, base: datetime) -> Cell | None:
    style = book.xf_list[found.xf_index]
    match found.ctype:
        case xlrd.XL_CELL_TEXT:
            return Cell(found.value, style.alignment.indent_level) if found.value else None
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            return shown_number(found.value, _pattern(book.format_map[style.format_key]), base)
        case xlrd.XL_CELL_ERROR:
            return Cell(xlrd.error_text_from_code.get(found.value, "#ERR"), fault="file.error_cell")
        case xlrd.XL_CELL_BOOLEAN:
            return Cell("TRUE" if found.value else "FALSE")
        case _:
            return None


def _pattern(number_format: Any) -> str:
    """The text of a number format; of those that each language has its own of (27-36, 50-58), a day's."""
    return number_format.format_str or ("yyyy-mm-dd" if number_format.type == FDT else "General")
