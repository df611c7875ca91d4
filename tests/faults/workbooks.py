"""An xlsx workbook written again as xls and as ods, as a spreadsheet saves it: values, formats, indents,
merges, hidden sheets, errors, formulas without a value, formatted blanks.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import xlrd
import xlwt

_ERRORS = {text: code for code, text in xlrd.error_text_from_code.items()}
_MOST = {"xls": (65_536, 256), "ods": (1_048_576, 16_384)}
_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
    ' xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"'
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)


def written(source: Path, kind: str) -> bytes:
    """The bytes of the workbook in another format (`xls` or `ods`)."""
    with source.open("rb") as handle:
        book = openpyxl.load_workbook(handle)
    return {"xls": _xls, "ods": _ods}[kind](book)


def _cells(sheet: Any, kind: str) -> Iterator[Any]:
    """The cells that hold a value or a format, within the bounds of the format."""
    height, width = _MOST[kind]
    for place in sorted(sheet._cells):
        if place[0] <= height and place[1] <= width:
            yield sheet._cells[place]


def _xls(book: Any) -> bytes:
    made = xlwt.Workbook()
    for sheet in book:
        target = made.add_sheet(sheet.title, cell_overwrite_ok=True)
        target.visibility = int(sheet.sheet_state != "visible")
        for area in sheet.merged_cells.ranges:
            target.merge(area.min_row - 1, area.max_row - 1, area.min_col - 1, area.max_col - 1)
        for cell in _cells(sheet, "xls"):
            style = xlwt.XFStyle()
            style.num_format_str = cell.number_format
            style.alignment.inde = int(cell.alignment.indent)
            if cell.data_type == "e":
                target.row(cell.row - 1).set_cell_error(cell.column - 1, _ERRORS[cell.value], style)
                continue
            value = xlwt.Formula(cell.value[1:]) if cell.data_type == "f" else cell.value
            target.write(cell.row - 1, cell.column - 1, value, style)
    body = io.BytesIO()
    made.save(body)
    return body.getvalue()


def _ods(book: Any) -> bytes:
    formats = sorted({(c.number_format, int(c.alignment.indent)) for s in book for c in _cells(s, "ods")})
    styles = "".join(_style(i, *f) for i, f in enumerate(formats))
    styles += "".join(
        f'<style:style style:name="ta{shown}" style:family="table">'
        f'<style:table-properties table:display="{shown}"/></style:style>'
        for shown in ("true", "false")
    )
    tables = "".join(_table(sheet, formats) for sheet in book)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_SPACES}><office:automatic-styles>'
        f"{styles}</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet>"
        "</office:body></office:document-content>"
    )
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
    return body.getvalue()


def _is_percent(pattern: str) -> bool:
    return "%" in re.sub('"[^"]*"', "", pattern)


def _style(number: int, pattern: str, indent: int) -> str:
    kind = "percentage" if _is_percent(pattern) else "date" if re.search(r"[yd]", pattern) else "number"
    factor = 1000 ** len(re.findall(",+$", pattern.split('"')[0])[0]) if re.search(r"0,+", pattern) else 1
    if "0!.0" in pattern:
        factor = 10_000
    return (
        f'<number:{kind}-style style:name="N{number}">'
        f'<number:number number:display-factor="{factor}"/></number:{kind}-style>'
        f'<style:style style:name="ce{number}" style:family="table-cell" style:data-style-name="N{number}">'
        f'<style:paragraph-properties fo:margin-left="{indent * 0.353:.3f}cm"/></style:style>'
    )


def _table(sheet: Any, formats: list[tuple[str, int]]) -> str:
    shown = "true" if sheet.sheet_state == "visible" else "false"
    spans = {(a.min_row, a.min_col): a for a in sheet.merged_cells.ranges}
    covered = {p for a in spans.values() for p in _places(a)} - spans.keys()
    rows: dict[int, list[Any]] = {}
    for cell in _cells(sheet, "ods"):
        rows.setdefault(cell.row, []).append(cell)
    out, last = [], 0
    for row, cells in sorted(rows.items()):
        if row > last + 1:
            out.append(f'<table:table-row table:number-rows-repeated="{row - last - 1}"><table:table-cell/>')
            out.append("</table:table-row>")
        out.append(f"<table:table-row>{_row(cells, spans, covered, formats)}</table:table-row>")
        last = row
    head = f'<table:table table:name={quoteattr(sheet.title)} table:style-name="ta{shown}">'
    return f"{head}<table:table-column/>{''.join(out)}</table:table>"


def _places(area: Any) -> Iterator[tuple[int, int]]:
    yield from (
        (r, c) for r in range(area.min_row, area.max_row + 1) for c in range(area.min_col, area.max_col + 1)
    )


def _row(cells: list[Any], spans: dict[Any, Any], covered: set[Any], formats: list[tuple[str, int]]) -> str:
    out, last = [], 0
    for cell in cells:
        if cell.column > last + 1:
            out.append(f'<table:table-cell table:number-columns-repeated="{cell.column - last - 1}"/>')
        last = cell.column
        if (cell.row, cell.column) in covered:
            out.append("<table:covered-table-cell/>")
            continue
        area = spans.get((cell.row, cell.column))
        more = f' table:style-name="ce{formats.index((cell.number_format, int(cell.alignment.indent)))}"'
        if area is not None:
            more += f' table:number-columns-spanned="{area.size["columns"]}"'
            more += f' table:number-rows-spanned="{area.size["rows"]}"'
        out.append(_cell(cell, more))
    return "".join(out)


def _cell(cell: Any, more: str) -> str:
    value = cell.value
    if value is None:
        return f"<table:table-cell{more}/>"
    if cell.data_type == "f":
        return f"<table:table-cell{more} table:formula={quoteattr('of:' + value)}/>"
    text = "".join(f"<text:p>{_text(line)}</text:p>" for line in str(value).split("\n"))
    if cell.data_type == "e":
        kind = 'table:formula="of:=1/0" office:value-type="string" calcext:value-type="error"'
    elif isinstance(value, datetime):
        kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    elif isinstance(value, int | float):
        percent = "percentage" if _is_percent(cell.number_format) else "float"
        kind = f'office:value-type="{percent}" office:value="{value!r}"'
    else:
        kind = 'office:value-type="string"'
    return f"<table:table-cell{more} {kind}>{text}</table:table-cell>"


def _text(line: str) -> str:
    """Runs of blanks are elements."""
    return re.sub("^ +| {2,}", lambda m: f'<text:s text:c="{len(m[0])}"/>', escape(line))
