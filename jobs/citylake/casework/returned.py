"""The file of refused records as it goes to a clerk and comes back: CSV, or a workbook whose cells are
texts.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from citylake.contract.meaning import guard, header_key
from citylake.ingest.formats.header import RECORD
from citylake.ingest.formats.records import holds_nothing
from citylake.ingest.formats.sheets import read_sheets

WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0")
_DELIMITERS = ",;\t"


def as_csv(rows: Iterable[list[str]]) -> bytes:
    """UTF-8 with a mark, so that spreadsheets read it; what they would run as a formula is guarded."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([guard(t) for t in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def as_workbook(rows: Iterable[list[str]]) -> bytes:
    """An xlsx in which every cell is a text: a spreadsheet changes none of them by itself."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook()
    sheet = book.active or book.create_sheet()
    for r, row in enumerate(rows, start=1):
        for c, text in enumerate(row, start=1):
            cell: Any = sheet.cell(r, c)  # never part of a merged area here
            cell.value, cell.number_format = ILLEGAL_CHARACTERS_RE.sub("", text), "@"
            cell.data_type = "s"  # also where the text begins like a formula
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read_rows(body: bytes) -> list[list[str]]:
    """Header and records of a file that came back, whatever program saved it; rows without a value are none.
    Empty when no row has the column of references.
    """
    rows = _sheet(body) if body.startswith(WORKBOOKS) else _lines(body)
    start = next((i for i, row in enumerate(rows) if RECORD in map(header_key, row)), len(rows))
    return [row for row in rows[start:] if not holds_nothing(row)]


def _sheet(body: bytes) -> list[list[str]]:
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        path = Path(folder) / "records"
        path.write_bytes(body)
        sheets = [s for s in read_sheets(path) if s.visible]
    tables = [[[c.text if c else "" for c in row] for row in s.rows()] for s in sheets]
    return next((t for t in tables if any(RECORD in map(header_key, row) for row in t)), [])


def _lines(body: bytes) -> list[list[str]]:
    text = _decoded(body)
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _decoded(body: bytes) -> str:
    """A Chinese Windows saves in GB18030; what is neither keeps a mark for every byte that is none."""
    for charset in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(charset)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8-sig", "replace")
