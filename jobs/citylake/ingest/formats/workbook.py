"""Workbooks (xlsx, xls, ods) as people file them: title rows, a merged header of several levels, `其中` rows
and notes at the tail.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from citylake.contract.model import Contract
from citylake.ingest.formats.containers import DAMAGED_ZIP
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ingest.limits import DOCUMENT_BYTES, RATIO, RATIO_FREE_BYTES, SHEET_CELLS, SHEET_ROWS
from citylake.ledger.receipts import Finding

IDENTIFIERS = frozenset(
    {
        "uscc",
        "registration_no",
        "taxpayer_no",
        "org_code",
        "resident_id",
        "case_no",
        "component_code",
        "document_no",
    }
)
SCIENTIFIC = re.compile(r"[0-9]([.][0-9]+)?E[+]?[0-9]+", re.IGNORECASE)
_CELL = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_EXACT = 15  # digits that a spreadsheet's number keeps


class Workbook:
    """The first sheet of a workbook as a table; `contract.table` says where its header is and where it
    stops.
    """

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is no workbook or has no such header."""
        self._shape: dict[str, Any] = contract.table or {"below": None, "headerRows": 1, "stop": []}
        self._name, self._size = path.name, path.stat().st_size
        if not self._size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        _check_members(path)
        self._rows = _rows(path)
        fields = [c for c in contract.columns if c.delivered]
        below = self._shape["below"]
        self._top = self._header_row(str(below) if below is not None else fields[0].header(""))
        headers = self._headers()
        parent = self._shape.get("parent", {}).get("column")
        missing = [c.header("") for c in fields if c.name != parent and c.header("") not in headers]
        if missing:
            zh, en = f"表头缺少 {'、'.join(missing)}", f"header lacks {', '.join(missing)}"
            raise Unreadable(Finding("delivery.header", zh, en, path.name, self._top + 1, missing[0]))
        self._places = {c.name: headers[c.header("")] for c in fields if c.name != parent}
        self._exact = {c.name for c in fields if c.type.name in IDENTIFIERS}
        self._parent, self.layout = parent, ""
        self.columns = tuple(c.name for c in fields)

    def _header_row(self, label: str) -> int:
        for i, row in enumerate(self._rows):
            if row and _text(row[0]) == label:
                return i
        raise Unreadable(
            Finding(
                "delivery.header",
                f"找不到表头“{label}”",
                f"no header row beginning with '{label}'",
                self._name,
                1,
                label,
            )
        )

    def _headers(self) -> dict[str, int]:
        """Header text with its levels joined by `/` -> position; a blank top cell repeats the one on its
        left.
        """
        levels = self._rows[self._top : self._top + int(self._shape["headerRows"])]
        names: dict[str, int] = {}
        above = ""
        for i, top in enumerate(levels[0]):
            above = _text(top) or above
            parts = [above, *(_text(level[i]) or "" for level in levels[1:])]
            names.setdefault("/".join(p for p in parts if p), i)
        return names

    def __iter__(self) -> Iterator[Record]:
        number, parent = 0, "-"
        first = self._top + int(self._shape["headerRows"])
        for i, row in enumerate(self._rows[first:], start=first):
            label = _text(row[0]) or ""
            if self._shape["stop"] and label.strip().startswith(tuple(self._shape["stop"])):
                return
            if not label.strip():
                if any(_text(cell) for cell in row):
                    number += 1
                    yield Record(
                        number,
                        i + 1,
                        0,
                        self._size,
                        [self._value(c, row, i, "", "-") for c in self.columns],
                        None,
                    )
                continue
            child, name = self._child(label)
            parent = parent if child else name
            number += 1
            values = [self._value(c, row, i, name, parent if child else "-") for c in self.columns]
            yield Record(
                number,
                i + 1,
                0,
                self._size,
                values,
                "record.replacement_character" if any("\ufffd" in v for v in values if v) else None,
            )

    def _child(self, label: str) -> tuple[bool, str]:
        """Whether a row belongs to the one above it (`其中：` or an indent), and its bare name."""
        if "parent" not in self._shape:
            return False, label
        bare = label.strip(" \u3000")
        for prefix in self._shape["parent"].get("prefixes", []):
            if bare.startswith(prefix):
                return True, bare.removeprefix(prefix).strip(" \u3000")
        return label[:1] in " \u3000", bare

    def _value(self, column: str, row: list[Any], i: int, name: str, parent: str) -> str | None:
        if column == self._parent:
            return parent
        place = self._places[column]
        if column in self._exact:
            self._check_exact(row[place], f"{_letters(place)}{i + 1}", i + 1)
        return (name or None) if place == 0 else _text(row[place])

    def _check_exact(self, cell: Any, address: str, line: int) -> None:
        """An identifier must be text: as a number it has lost its leading zeros and every digit after the
        fifteenth.
        """
        long = isinstance(cell, (int, float)) and abs(cell) >= 10 ** (_EXACT - 1)
        if long or (isinstance(cell, str) and SCIENTIFIC.fullmatch(cell.strip())):
            zh, en = (
                f"单元格{address}中的编号是数值,末位可能已失",
                f"cell {address} holds an identifier as a number: digits are lost",
            )
            raise Unreadable(Finding("file.identifier_as_number", zh, en, self._name, line, address))


def _check_members(path: Path) -> None:
    """Bounds and forbids what an archive of XML may hold; an xls file is no archive and is bounded by its
    size.
    """
    if path.stat().st_size > DOCUMENT_BYTES:
        raise Unreadable(
            Finding("budget.document_bytes", "文件过大", f"more than {DOCUMENT_BYTES >> 20} MiB", path.name)
        )
    if not zipfile.is_zipfile(path):
        return
    try:
        _check_archive(path)
    except DAMAGED_ZIP:
        raise _unreadable(path.name) from None


def _unreadable(name: str) -> Unreadable:
    return Unreadable(Finding("delivery.malformed", "不是可读的工作簿", "not a readable workbook", name, 1))


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        plain = sum(m.file_size for m in members)
        if plain > min(DOCUMENT_BYTES, max(RATIO_FREE_BYTES * 16, path.stat().st_size * RATIO)):
            zh, en = (
                f"工作簿解压超过{RATIO}倍或上限",
                f"unpacks to more than {RATIO} times its size, or past the limit",
            )
            raise Unreadable(Finding("container.ratio", zh, en, path.name))
        for member in (m for m in members if m.filename.endswith((".xml", ".rels"))):
            with archive.open(member) as handle:
                if b"<!DOCTYPE" in (head := handle.read(4096)) or b"<!ENTITY" in head:
                    raise Unreadable(
                        Finding(
                            "file.doctype",
                            "不接受文档类型声明与实体",
                            "a document type or an entity is declared",
                            path.name,
                            1,
                            member.filename,
                        )
                    )
        for member in (m for m in members if re.fullmatch(r"xl/worksheets/[^/]+\.xml", m.filename)):
            with archive.open(member) as handle:
                _check_extent(handle, path.name)


def _check_area(height: int, width: int, name: str) -> None:
    if height > SHEET_ROWS or height * width > SHEET_CELLS:
        zh, en = (
            f"工作表为{height}行{width}列,超过上限",
            f"a sheet of {height} rows and {width} columns is past the limit",
        )
        raise Unreadable(Finding("budget.cells", zh, en, name, height))


def _check_extent(sheet: IO[bytes], name: str) -> None:
    """The rows and columns that an xlsx sheet's cells span; readers hold the whole rectangle, however
    empty.
    """
    height, width, rest = 0, 0, b""
    while block := sheet.read(1 << 20):
        for letters, digits in _CELL.findall(rest + block):
            height = max(height, int(digits))
            width = max(width, sum((c - 64) * 26**i for i, c in enumerate(reversed(letters))))
        _check_area(height, width, name)
        rest = block[-40:]


def _rows(path: Path) -> list[list[Any]]:
    try:
        sheet = _first_sheet(path)
    except (CalamineError, OSError, ValueError):
        raise _unreadable(path.name) from None
    _check_area(sheet.total_height, sheet.total_width, path.name)
    return sheet.to_python(skip_empty_area=False)


def _first_sheet(path: Path) -> CalamineSheet:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0)


def _letters(place: int) -> str:
    """The letters of a column, from 0: A ... Z, AA ..."""
    text, n = "", place + 1
    while n:
        n, rest = divmod(n - 1, 26)
        text = chr(65 + rest) + text
    return text


def _text(cell: Any) -> str | None:
    """A cell as its shortest text: 12.0 is `12`, blank is NULL."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
