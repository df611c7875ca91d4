"""Workbooks as people file them: title rows, a merged header of several levels, `其中` rows and notes at the tail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from citylake.contract.model import Contract
from citylake.ingest.records import Record, Unreadable
from citylake.ledger.receipts import Finding


class Workbook:
    """The first sheet of a workbook as a table; `contract.table` says where its header is and where it stops."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is no workbook or has no such header."""
        self._shape: dict[str, Any] = contract.table or {}
        self._size = path.stat().st_size
        try:
            book = CalamineWorkbook.from_path(path)
            self._rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
        except CalamineError:
            raise Unreadable(Finding("delivery.malformed", "不是可读的工作簿", "not a readable workbook", path.name)) from None
        self._top = self._header_row(path.name)
        headers = self._headers()
        fields = [c for c in contract.columns if c.delivered]
        parent = self._shape.get("parent", {}).get("column")
        missing = [c.header("") for c in fields if c.name != parent and c.header("") not in headers]
        if missing:
            raise Unreadable(Finding("delivery.header", f"表头缺少 {'、'.join(missing)}", f"header lacks {', '.join(missing)}", path.name))
        self._places = {c.name: headers[c.header("")] for c in fields if c.name != parent}
        self._parent, self.layout = parent, ""
        self.columns = tuple(c.name for c in fields)

    def _header_row(self, name: str) -> int:
        label = self._shape["below"]
        for i, row in enumerate(self._rows):
            if _text(row[0]) == label:
                return i
        raise Unreadable(Finding("delivery.header", f"找不到表头“{label}”", f"no header row beginning with '{label}'", name))

    def _headers(self) -> dict[str, int]:
        """Header text with its levels joined by `/` -> position; a blank top cell repeats the one on its left."""
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
        for i, row in enumerate(self._rows[self._top + int(self._shape["headerRows"]) :], start=self._top + int(self._shape["headerRows"])):
            label = _text(row[0]) or ""
            if label.strip().startswith(tuple(self._shape["stop"])):
                return
            if not label.strip():
                continue
            child, name = self._child(label)
            parent = parent if child else name
            number += 1
            values = [self._value(c, row, name, parent if child else "-") for c in self.columns]
            yield Record(number, i + 1, 0, self._size, values)

    def _child(self, label: str) -> tuple[bool, str]:
        """Whether a row belongs to the one above it (`其中：` or an indent), and its bare name."""
        bare = label.strip(" \u3000")
        for prefix in self._shape.get("parent", {}).get("prefixes", []):
            if bare.startswith(prefix):
                return True, bare.removeprefix(prefix).strip(" \u3000")
        return label[:1] in " \u3000", bare

    def _value(self, column: str, row: list[Any], name: str, parent: str) -> str | None:
        if column == self._parent:
            return parent
        place = self._places[column]
        return name if place == 0 else _text(row[place])


def _text(cell: Any) -> str | None:
    """A cell as its shortest text: 12.0 is `12`, blank is NULL."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
