"""JSON documents that hold one array of flat records; nested values stay JSON text, numbers keep their digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract
from citylake.ingest.records import Record, Unreadable
from citylake.ledger.receipts import Finding

_WHITE = " \t\r\n"


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


class JsonRecords:
    """A file `{…, "<records>": [ {…}, … ]}`."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is not UTF-8, not JSON, or has no such array."""
        try:
            self._text = path.read_bytes().decode("utf-8-sig" if contract.encoding == "utf-8" else contract.encoding)
        except UnicodeDecodeError:
            raise Unreadable(Finding("delivery.charset", "文件编码不符", f"the file is not {contract.encoding}", path.name)) from None
        self._bom = 3 if path.read_bytes()[:3] == b"\xef\xbb\xbf" else 0
        fields = [c for c in contract.columns if c.delivered]
        self._names = {c.header(""): c.name for c in fields}
        self.columns, self.layout = tuple(c.name for c in fields), ""
        self._array = self._find(contract.records or "records", path.name)

    def _find(self, member: str, name: str) -> int:
        try:
            json.loads(self._text)
        except json.JSONDecodeError as error:
            raise Unreadable(Finding("delivery.malformed", f"第{error.lineno}行不是合法JSON", f"not JSON at line {error.lineno}", name)) from None
        at = self._text.find(f'"{member}"')
        opened = self._text.find("[", at)
        if at < 0 or opened < 0 or self._text[at + len(member) + 2 : opened].strip() != ":":
            raise Unreadable(Finding("delivery.header", f"缺少数组 {member}", f"no array '{member}'", name))
        return opened + 1

    def __iter__(self) -> Iterator[Record]:
        decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number)
        text, at, number = self._text, self._array, 0
        byte, line, seen = self._bom, 1, 0
        while True:
            while text[at] in _WHITE or text[at] == ",":
                at += 1
            if text[at] == "]":
                return
            value, end = decoder.raw_decode(text, at)
            number += 1
            byte, line = byte + len(text[seen:at].encode()), line + text.count("\n", seen, at)
            last = byte + len(text[at:end].encode())
            yield self._record(number, line, byte, last, value)
            byte, line, seen, at = last, line + text.count("\n", at, end), end, end

    def _record(self, number: int, line: int, start: int, end: int, value: Any) -> Record:
        if not isinstance(value, dict):
            return Record(number, line, start, end, [None] * len(self.columns), "record.malformed")
        found: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        error = "record.extra_field" if found.keys() - self._names.keys() else None
        values = [_text(found.get(header)) for header in self._names]
        return Record(number, line, start, end, values, error)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
