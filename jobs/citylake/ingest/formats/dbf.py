"""dBASE III tables (level 5 header): field descriptors of 32 bytes, records of fixed length, deleted records
marked `*`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ledger.receipts import Finding

_HEAD, _FIELD, _END = 32, 32, 0x0D
_DELETED = b"*"


class Dbf:
    """A table whose field names are the headers of the contract; `line` is the number of the record."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when the header, the fields or the length of the file do not agree."""
        self._path, self._encoding = path, contract.encoding
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
            if len(head) < _HEAD or head[0] & 0x07 != 3:
                raise self._refused("delivery.malformed", "不是DBF文件", "not a dBASE table")
            self._count, self._first, self._length = struct.unpack("<IHH", head[4:12])
            descriptors = handle.read(max(0, self._first - _HEAD))
        self._spans = self._fields(descriptors)
        if sum(n for _, n in self._spans.values()) + 1 != self._length:
            raise self._refused(
                "delivery.malformed", "字段长度之和与记录长度不符", "the fields do not add up to the record"
            )
        if path.stat().st_size < self._first + self._count * self._length:
            raise self._refused(
                "file.truncated", "文件短于其记录数", "the file is shorter than its count of records says"
            )
        self._match(contract)
        self.layout = ""

    def _refused(self, rule: str, zh: str, en: str, column: str = "") -> Unreadable:
        return Unreadable(Finding(rule, zh, en, self._path.name, 1, column))

    def _fields(self, descriptors: bytes) -> dict[str, tuple[int, int]]:
        """Field name -> (first byte in the record, length)."""
        spans: dict[str, tuple[int, int]] = {}
        at, place = 0, 1
        while at < len(descriptors) and descriptors[at] != _END:
            raw = descriptors[at : at + _FIELD]
            if len(raw) < _FIELD:
                raise self._refused("delivery.malformed", "字段描述不完整", "a field descriptor is cut off")
            name = raw[:11].split(b"\0")[0].decode(self._encoding, "replace")
            spans[name] = (place, raw[16])
            place, at = place + raw[16], at + _FIELD
        return spans

    def _match(self, contract: Contract) -> None:
        wanted = {c.header(""): c.name for c in contract.columns if c.delivered}
        wrong = [*(wanted.keys() - self._spans.keys()), *(self._spans.keys() - wanted.keys())]
        if wrong:
            text = "、".join(sorted(wrong))
            raise self._refused(
                "delivery.header",
                f"字段不符:{text}",
                f"fields differ: {', '.join(sorted(wrong))}",
                sorted(wrong)[0],
            )
        self.columns = tuple(wanted.values())
        self._places = [self._spans[h] for h in wanted]

    def __iter__(self) -> Iterator[Record]:
        with self._path.open("rb") as handle:
            handle.seek(self._first)
            number = 0
            for i in range(self._count):
                raw = handle.read(self._length)
                if raw[:1] == _DELETED:
                    continue
                number += 1
                start = self._first + i * self._length
                yield self._record(number, i + 1, start, raw)

    def _record(self, number: int, line: int, start: int, raw: bytes) -> Record:
        end, error = start + len(raw), None
        try:
            values = [raw[a : a + n].decode(self._encoding).strip(" ") for a, n in self._places]
        except UnicodeDecodeError:
            values, error = (
                [raw[a : a + n].decode(self._encoding, "replace").strip(" ") for a, n in self._places],
                "record.undecodable",
            )
        if error is None and b"\0" in raw:
            error = "record.nul"
        return Record(number, line, start, end, [v or None for v in values], error)
