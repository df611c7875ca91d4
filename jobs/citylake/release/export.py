"""Answers as files: CSV, Parquet and workbooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from citylake.core.errors import LakeError

SUFFIXES = (".csv", ".parquet", ".xlsx")
SHEET_ROWS = 1_048_575  # of a workbook, below its header


def export(table: pa.Table, path: Path) -> None:
    """Write a table in the format of the file's suffix; a file that stands there is replaced.

    Moments keep their zone in Parquet and stand as Beijing time in the other two. In a workbook numbers,
    days and flags keep their kind and a text is a text, whatever it begins with.
    """
    check_suffix(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, path)
    elif path.suffix == ".csv":
        import pyarrow.csv as pc

        pc.write_csv(_plain(table), path)
    else:
        _workbook(_plain(table), path)


def check_suffix(path: Path) -> None:
    """LakeError `output.format` unless the suffix names a format."""
    if path.suffix not in SUFFIXES:
        raise LakeError(
            "output.format",
            f"{path.name} ends in none of {', '.join(SUFFIXES)}",
            now="citylake sql '...' --output answer.csv",
        )


def _plain(table: pa.Table) -> pa.Table:
    """Moments without their zone, lists and structs as text: what a flat file can hold."""
    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            naive = [None if v is None else v.replace(tzinfo=None) for v in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(naive, pa.timestamp("us")))
        elif pa.types.is_nested(field.type):
            texts = [None if v is None else str(v) for v in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(texts, pa.string()))
    return table


def _workbook(table: pa.Table, path: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if table.num_rows > SHEET_ROWS:
        raise LakeError(
            "output.too_long",
            f"a sheet holds {SHEET_ROWS:,} rows, the answer has {table.num_rows:,}",
            now="--output answer.parquet or .csv",
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("answer")

    def cell(value: Any) -> Any:
        text = isinstance(value, str)
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value) if text else value)
        if text:
            made.data_type = "s"  # also where it begins like a formula
        return made

    sheet.append([cell(n) for n in table.column_names])
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        sheet.append([cell(v) for v in row])
    book.save(path)
