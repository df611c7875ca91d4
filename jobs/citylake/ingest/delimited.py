"""Delimited text: strict charset, records by quote parity, columns by header text, byte range of every record.

Splitting happens on bytes: in UTF-8 and GB18030 the bytes of `"`, `,`, CR and LF never occur inside another character.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.records import Record, Unreadable
from citylake.ledger.receipts import Finding

_BOM = b"\xef\xbb\xbf"
_BLOCK = 4 << 20
_UNNAMED = re.compile(r"(F[0-9]+)?")


@dataclass(frozen=True)
class _Header:
    layout: str
    columns: tuple[str, ...]  # contract columns, or for wide files the leading ones
    positions: tuple[int, ...]
    cells: tuple[tuple[str, int], ...]  # wide files: (header text, position) of every cell column
    unnamed: tuple[int, ...]
    width: int


class Delimited:
    """A CSV file of a contract."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Reads the header; Unreadable when it fits no layout of the contract."""
        self._path, self._contract = path, contract
        self._first = next(_raw_records(path), None)
        if self._first is None:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name))
        self._header = _match(self._fields(self._first[3].removeprefix(_BOM)), contract)
        self.layout = self._header.layout
        unpivot = contract.unpivot
        self.columns = (*self._header.columns, unpivot["name"], unpivot["value"]) if unpivot else self._header.columns

    def __iter__(self) -> Iterator[Record]:
        number = 0
        for line, start, end, raw in _raw_records(self._path):
            if line == 1 or not raw.strip():
                continue
            number += 1
            yield from self._record(number, line, start, end, raw)

    def _record(self, number: int, line: int, start: int, end: int, raw: bytes) -> Iterator[Record]:
        header = self._header
        fields, error = self._split(raw)
        if error is None and len(fields) != header.width:
            error = "record.extra_field" if len(fields) > header.width else "record.missing_field"
        if error is None and any(fields[p].strip() for p in header.unnamed):
            error = "record.extra_field"
        values: list[str | None] = [_cell(fields, p) for p in header.positions]
        if not self._contract.unpivot:
            yield Record(number, line, start, end, values, error)
        elif error is not None:
            yield Record(number, line, start, end, [*values, None, None], error)
        else:
            for name, position in header.cells:
                yield Record(number, line, start, end, [*values, name, fields[position]], None)

    def _split(self, raw: bytes) -> tuple[list[str], str | None]:
        try:
            text, error = raw.decode(self._contract.encoding), None
        except UnicodeDecodeError:
            text, error = raw.decode(self._contract.encoding, "replace"), "record.undecodable"
        if error is None and "\0" in text:
            error = "record.nul"
        if '"' not in text:
            return text.split(self._contract.delimiter), error
        try:
            rows = list(csv.reader([text], delimiter=self._contract.delimiter, strict=True))
        except csv.Error:
            return text.split(self._contract.delimiter), error or "record.malformed"
        return rows[0], error

    def _fields(self, raw: bytes) -> list[str]:
        try:
            text = raw.decode(self._contract.encoding)
        except UnicodeDecodeError:
            raise Unreadable(Finding("delivery.charset", f"表头不是{self._contract.encoding}编码", f"the header is not {self._contract.encoding}")) from None
        return [f.strip() for f in next(csv.reader([text], delimiter=self._contract.delimiter))]


def _cell(fields: list[str], position: int) -> str | None:
    return fields[position] if position < len(fields) else None


def _match(header: list[str], contract: Contract) -> _Header:
    """The layout whose header texts the file holds, in any order."""
    found = {text: i for i, text in enumerate(header) if text}
    for layout in contract.layouts or ("",):
        wanted = {c.header(layout): c.name for c in contract.layout_columns(layout) if not _from_cells(contract, c.name)}
        others = [t for t in found if t not in wanted and not _UNNAMED.fullmatch(t)]
        cells = [t for t in others if contract.unpivot and re.fullmatch(contract.unpivot["header"], t)]
        if wanted.keys() <= found.keys() and len(cells) == len(others) and len(found) == sum(1 for t in header if t):
            unnamed = tuple(i for i, text in enumerate(header) if _UNNAMED.fullmatch(text))
            places = tuple((t, found[t]) for t in cells)
            return _Header(layout, tuple(wanted.values()), tuple(found[t] for t in wanted), places, unnamed, len(header))
    raise Unreadable(_explain(found, contract))


def _from_cells(contract: Contract, column: str) -> bool:
    return contract.unpivot is not None and column in (contract.unpivot["name"], contract.unpivot["value"])


def _explain(found: dict[str, int], contract: Contract) -> Finding:
    """Missing and unknown header texts against the nearest layout."""
    options = [{c.header(y) for c in contract.layout_columns(y)} for y in contract.layouts or ("",)]
    nearest = max(options, key=lambda o: len(o & found.keys()))
    missing, unknown = sorted(nearest - found.keys()), sorted(found.keys() - nearest)
    zh = f"表头不符:缺少 {'、'.join(missing) or '无'};多出 {'、'.join(unknown) or '无'}"
    en = f"header differs: missing {', '.join(missing) or 'none'}; unknown {', '.join(unknown) or 'none'}"
    return Finding("delivery.header", zh, en)


def _raw_records(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    """(first line, first byte, end, bytes without line end) of every record; a quoted line end stays inside."""
    line, start, count, held = 1, 0, 0, b""
    with path.open("rb", buffering=_BLOCK) as handle:
        for piece in handle:
            held = held + piece if held else piece
            count += 1
            if b'"' in held and held.count(b'"') % 2:
                continue
            yield line, start, start + len(held), held.rstrip(b"\r\n")
            line, start, count, held = line + count, start + len(held), 0, b""
    if held:
        yield line, start, start + len(held), held.rstrip(b"\r\n")
