"""Sheets of a binary workbook (BIFF, Excel 97-2003) by xlrd, which tells formats, errors, merges and indents.
BIFF keeps a value beside each formula, so none can lack it.
"""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError

from citylake.ingest.formats.sheets import Cell, Sheet, check_area, shown_number, unreadable


def read(path: Path) -> list[Sheet]:
    """Every sheet of the workbook; Unreadable when it cannot be read or is locked by a password."""
    try:
        book = xlrd.open_workbook(str(path), formatting_info=True, logfile=io.StringIO())
        return [_sheet(book, book.sheet_by_index(i), path.name) for i in range(book.nsheets)]
    except (
        XLRDError,
        CompDocError,
        OSError,
        ValueError,
        IndexError,
        KeyError,
        AssertionError,
        TypeError,
    ):
        raise unreadable(path.name) from None


def _sheet(book: Any, source: Any, name: str) -> Sheet:
    sheet = Sheet(source.name, source.visibility == 0)
    base = datetime(1904, 1, 1) if book.datemode else datetime(1899, 12, 30)
    check_area(source.nrows, 1, name)
    for row in range(source.nrows):
        for column, found in enumerate(source.row(row)):
            if (cell := _cell(book, found, base)) is not None:
                sheet.cells[row, column] = cell
    check_area(sheet.height, sheet.width, name)
    for top, bottom, left, right in source.merged_cells:
        sheet.fill((top, bottom - 1, left, right - 1))
    return sheet


def _cell(book: Any, found: Any, base: datetime) -> Cell | None:
    style = book.xf_list[found.xf_index]
    match found.ctype:
        case xlrd.XL_CELL_TEXT:
            return Cell(found.value, style.alignment.indent_level) if found.value else None
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            return shown_number(found.value, book.format_map[style.format_key].format_str, base)
        case xlrd.XL_CELL_ERROR:
            return Cell(xlrd.error_text_from_code.get(found.value, "#ERR"), fault="file.error_cell")
        case xlrd.XL_CELL_BOOLEAN:
            return Cell("TRUE" if found.value else "FALSE")
        case _:
            return None
