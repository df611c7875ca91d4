"""Workbooks (xlsx, xls, ods) as people file them: title rows, a merged header of several levels, `其中` rows
and notes at the tail.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from citylake.contract.meaning import header_key, tidy
from citylake.contract.model import Contract
from citylake.ingest.formats.containers import DAMAGED_ZIP
from citylake.ingest.formats.header import differing, twice
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ingest.formats.sheets import Cell, Sheet, check_area, letters, read_sheets, unreadable
from citylake.ingest.limits import DOCUMENT_BYTES, RATIO, RATIO_FREE_BYTES
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import foreign

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
_EXACT = 15  # digits that a spreadsheet's number keeps
_OF_WHICH = ("#", "＃")  # yearbooks mark a part of the row above so
_FAULTS = {
    "file.error_cell": ("是错误值{}", "shows the error {}"),
    "file.formula_without_value": (
        "是公式而没有结果:请在表格软件中打开、重算并保存后再报送",
        "holds a formula without its result: open the file in a spreadsheet, let it calculate, save it",
    ),
    "file.scaled_format": (
        "的格式把数值缩小显示,无法判断所指:请改为普通数字格式",
        "has a format that shows the number divided: use a plain number format",
    ),
}
_Row = list[Cell | None]


@dataclass(frozen=True)
class _Table:
    """Where a sheet holds the contract's table."""

    sheet: Sheet
    rows: list[_Row]
    top: int
    headers: dict[str, int]  # header key -> position


class Workbook:
    """The visible sheet of a workbook that holds the contract's header; `contract.table` says how the header
    is built and where the rows stop.
    """

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is no workbook, has no such header or several sheets with rows."""
        self._contract = contract
        self._shape: dict[str, Any] = contract.table or {"below": None, "headerRows": 1, "stop": []}
        self._name, self._size = path.name, path.stat().st_size
        if not self._size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        _check_members(path)
        self._parent = self._shape.get("parent", {}).get("column")
        fields = [c for c in contract.columns if c.delivered]
        self._wanted = {header_key(c.header("")): c.name for c in fields if c.name != self._parent}
        first = self._shape["below"] or fields[0].header("")
        self._left = set[int]()  # positions of columns that the contract leaves alone
        self._found = self._table(read_sheets(path), header_key(str(first)))
        self._places = {name: self._found.headers[key] for key, name in self._wanted.items()}
        self._label = self._found.headers[header_key(str(first))]
        named = set(self._found.headers.values()) | self._left
        self._unnamed = [i for i in range(self._found.sheet.width) if i not in named]
        self._exact = {c.name for c in fields if c.type.name in IDENTIFIERS}
        self.layout, self.columns = "", tuple(c.name for c in fields)
        self._base = min((c.indent for row in self._body() if (c := row[self._label])), default=0)

    def _body(self) -> list[_Row]:
        return self._found.rows[self._found.top + int(self._shape["headerRows"]) :]

    def _table(self, sheets: list[Sheet], label: str) -> _Table:
        """The one visible sheet that has the header; rows on others are told, never left out silently."""
        found = [t for s in sheets if s.cells and (t := self._in_sheet(s, label)) is not None]
        shown = [t for t in found if t.sheet.visible]
        if not shown:
            raise self._no_header(sheets, found, label)
        table = min(shown, key=lambda t: len(self._wanted.keys() - t.headers.keys()))
        others = [
            s.name for s in sheets if s.visible and s is not table.sheet and _holds_rows(s, len(self._wanted))
        ]
        if others:
            others = [self._called(o) for o in others]
            names, mine = "、".join(others), self._called(table.sheet.name)
            zh, en = (
                f"其他工作表还有数据行未读:{names}。请并入工作表“{mine}”,或分为几个文件",
                f"other sheets hold rows that are not read: {', '.join(others)}; put them into sheet"
                f" '{mine}', or send a file for each",
            )
            raise Unreadable(Finding("file.more_sheets", zh, en, self._name, None, others[0]))
        if table.headers.keys() != self._wanted.keys():
            raise Unreadable(
                differing(self._contract, self._wanted, table.headers, self._name, table.top + 1)
            )
        return table

    def _in_sheet(self, sheet: Sheet, label: str) -> _Table | None:
        rows = sheet.rows()
        for top, row in enumerate(rows):
            if any(cell and header_key(cell.text) == label for cell in row):
                return _Table(sheet, rows, top, self._headers(rows, top))
        return None

    def _no_header(self, sheets: list[Sheet], hidden: list[_Table], label: str) -> Unreadable:
        names = "、".join(self._called(s.name) for s in sheets)
        zh = f"找不到表头“{label}”;工作表:{names}"
        en = f"no header row with '{label}'; the sheets are {names}"
        if hidden:
            name = self._called(hidden[0].sheet.name)
            zh += f"。表头在隐藏的工作表“{name}”中,隐藏的工作表不读"
            en += f"; the header stands in '{name}', a hidden sheet, which is not read"
        return Unreadable(Finding("delivery.header", zh, en, self._name, 1, label))

    def _called(self, sheet: str) -> str:
        """The name of a sheet as it may be told."""
        return foreign(self._contract, sheet)

    def _headers(self, rows: list[_Row], top: int) -> dict[str, int]:
        """Header text with its levels joined by `/` -> position; a blank top cell repeats the one on its
        left.
        """
        levels = rows[top : top + int(self._shape["headerRows"])]
        names: dict[str, int] = {}
        above = ""
        for i, cell in enumerate(levels[0]):
            lower = [header_key(level[i].text) for level in levels[1:] if level[i]]  # pyright: ignore[reportOptionalMemberAccess]
            if cell is None and not lower:
                continue
            above = header_key(cell.text) if cell else above
            parts = [above, *(p for p in lower if p != above)]
            name = "/".join(p for p in parts if p)
            if self._contract.ignores(name):
                self._left.add(i)
                continue
            if name in names:
                raise Unreadable(twice(self._contract, name, self._name, top + 1))
            names[name] = i
        return names

    def __iter__(self) -> Iterator[Record]:
        number, parent = 0, "-"
        first = self._found.top + int(self._shape["headerRows"])
        for i, row in enumerate(self._body(), start=first):
            label = tidy(_shown(row[self._label]))
            if self._shape["stop"] and label.startswith(tuple(self._shape["stop"])):
                return
            if not any((cell and tidy(cell.text)) or (cell and cell.fault) for cell in row):
                continue
            child, name = self._child(row[self._label])
            parent = parent if child or not name else name
            number += 1
            values = [self._value(c, row, i, name, parent if child else "-") for c in self.columns]
            yield Record(number, i + 1, 0, self._size, values, self._error(row, values))

    def _error(self, row: _Row, values: list[str | None]) -> str | None:
        if any(_shown(row[p]).strip() for p in self._unnamed):
            return "record.extra_field"
        return "record.replacement_character" if any("\ufffd" in v for v in values if v) else None

    def _child(self, cell: Cell | None) -> tuple[bool, str]:
        """Whether a row belongs to the one above it (`其中：`, `#` or an indent), and its bare name."""
        label = _shown(cell)
        if "parent" not in self._shape:
            return False, label
        bare = tidy(label)
        for prefix in (*self._shape["parent"].get("prefixes", []), *_OF_WHICH):
            if bare.startswith(prefix):
                return True, tidy(bare.removeprefix(prefix).lstrip(":： "))
        indented = cell is not None and cell.indent > self._base
        return bool(bare) and (indented or label[:1] in " \u3000\u00a0\t"), bare

    def _value(self, column: str, row: _Row, i: int, name: str, parent: str) -> str | None:
        if column == self._parent:
            return parent
        place = self._places[column]
        cell = row[place]
        if cell is not None:
            self._check(cell, column, f"{letters(place)}{i + 1}", i + 1)
        return (name if place == self._label else _shown(cell)) or None

    def _check(self, cell: Cell, column: str, address: str, line: int) -> None:
        """A cell must show a value, and an identifier must be text: as a number it has lost its leading zeros
        and every digit after the fifteenth.
        """
        if cell.fault:
            zh, en = (t.format(cell.text) for t in _FAULTS[cell.fault])
            zh, en = (
                f"工作表“{self._called(self._found.sheet.name)}”单元格{address}{zh}",
                f"cell {address} {en}",
            )
            raise Unreadable(Finding(cell.fault, zh, en, self._name, line, address))
        long = cell.number is not None and abs(cell.number) >= 10 ** (_EXACT - 1)
        if column in self._exact and (long or SCIENTIFIC.fullmatch(cell.text.strip())):
            zh, en = (
                f"单元格{address}中的编号是数值,末位可能已失",
                f"cell {address} holds an identifier as a number: digits are lost",
            )
            raise Unreadable(Finding("file.identifier_as_number", zh, en, self._name, line, address))


def _shown(cell: Cell | None) -> str:
    return cell.text if cell is not None else ""


def _holds_rows(sheet: Sheet, width: int) -> bool:
    """Whether a sheet looks like a table: two rows or more that fill half the columns of the contract."""
    filled: dict[int, int] = {}
    for row, _ in sheet.cells:
        filled[row] = filled.get(row, 0) + 1
    return sum(1 for n in filled.values() if n >= max(2, width // 2)) >= 2


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
        raise unreadable(path.name) from None


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
                _check_rows(handle, path.name)
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


def _check_rows(member: IO[bytes], name: str) -> None:
    """The rows that a part of the archive writes, blank ones with it, counted before it is parsed."""
    rows, rest = 0, b""
    while block := member.read(1 << 20):
        rows += (rest + block).count(b"<row ")
        rest = block[-4:]
        check_area(rows, 1, name)
