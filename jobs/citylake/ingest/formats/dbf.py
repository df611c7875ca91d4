"""dBASE III and Visual FoxPro tables (level 5 header): field descriptors of 32 bytes, records of fixed
length, deleted records marked `*`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from citylake.contract.meaning import header_key
from citylake.contract.model import Contract
from citylake.ingest.formats.charset import check_bytes
from citylake.ingest.formats.records import Record, Unreadable, holds_nothing
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import foreign

_HEAD, _FIELD, _END = 32, 32, 0x0D
_DELETED = b"*"
_FOXPRO = (0x30, 0x31, 0x32)
_BINARY = b"IBYT"  # FoxPro types that are no text: integer, double, currency, moment
_OUTSIDE = b"MGPW"  # types whose value stands in another file
_HIDDEN = 0x01  # flag of a field that the program keeps for itself
_JULIAN = 1_721_425  # day number of 0001-01-01


@dataclass(frozen=True)
class _Place:
    """Where a field stands in a record, and how it is written."""

    start: int
    length: int
    kind: bytes


class Dbf:
    """A table whose field names are the headers of the contract; `line` is the number of the record."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when the header, the fields, the charset or the length of the file do not agree."""
        self._path, self._encoding = path, contract.encoding
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
            if len(head) < _HEAD or (head[0] & 0x07 != 3 and head[0] not in _FOXPRO):
                raise self._refused("delivery.malformed", "不是DBF文件", "not a dBASE table")
            self._count, self._first, self._length = struct.unpack("<IHH", head[4:12])
            descriptors = handle.read(max(0, self._first - _HEAD))
            sample = handle.read(max(1, self._length) * 2_000)
        self._spans = self._fields(descriptors)
        self._check_length(path.stat().st_size)
        check_bytes(self._texts(descriptors, sample), contract.encoding, path.name)
        self._match(contract)
        self.layout = ""

    def _check_length(self, size: int) -> None:
        """The header's counts against the bytes that came."""
        if sum(p.length for p in self._spans.values()) + 1 != self._length:
            raise self._refused(
                "delivery.malformed", "字段长度之和与记录长度不符", "the fields do not add up to the record"
            )
        held = (size - self._first) // self._length
        if held < self._count:
            zh = f"文件短于其记录数:表头写明{self._count}条,实有{held}条"
            en = f"the file is shorter than its header says: {self._count} records, {held} came"
            raise self._refused("file.truncated", zh, en)
        if held > self._count:
            zh = f"表头写明{self._count}条记录,文件中却有{held}条:请用原系统重新导出"
            en = f"the header says {self._count} records, the file holds {held}: export it anew"
            raise self._refused("file.header_count", zh, en)

    def _texts(self, descriptors: bytes, sample: bytes) -> bytes:
        """Field names and values of the first records, each on a line of its own."""
        names = [
            descriptors[i : i + 11].split(b"\0")[0] for i in range(0, len(descriptors) - _FIELD + 1, _FIELD)
        ]
        rows = [sample[i : i + self._length] for i in range(0, len(sample), self._length)]
        places = [p for p in self._spans.values() if p.kind not in _BINARY]
        return b"\n".join([*names, *(r[p.start : p.start + p.length].strip() for r in rows for p in places)])

    def _refused(self, rule: str, zh: str, en: str, column: str = "") -> Unreadable:
        return Unreadable(Finding(rule, zh, en, self._path.name, 1, column))

    def _fields(self, descriptors: bytes) -> dict[str, _Place]:
        """Field name -> place; those that the program keeps for itself count for the length alone."""
        spans: dict[str, _Place] = {}
        place = 1
        for raw in _descriptors(descriptors):
            if len(raw) < _FIELD:
                raise self._refused("delivery.malformed", "字段描述不完整", "a field descriptor is cut off")
            name = _name(raw, self._encoding)
            spans[f"\0{place}" if raw[18] & _HIDDEN else name] = _Place(place, raw[16], raw[11:12])
            place += raw[16]
        return spans

    def _match(self, contract: Contract) -> None:
        wanted = {header_key(c.header("")): c.name for c in contract.columns if c.delivered}
        named = {n for n in self._spans if not n.startswith("\0")}
        others = (n for n in named - wanted.keys() if not contract.ignores(n))
        wrong = [*(wanted.keys() - named), *(foreign(contract, n) for n in others)]
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
        outside = next((h for h in wanted if self._spans[h].kind in _OUTSIDE), None)
        if outside is not None:
            zh, en = (
                f"字段{outside}是备注型,其内容在另一文件中",
                f"the field {outside} is a memo: its text stands in another file",
            )
            raise self._refused("delivery.malformed", zh, en, outside)

    def __iter__(self) -> Iterator[Record]:
        with self._path.open("rb") as handle:
            handle.seek(self._first)
            number = 0
            for i in range(self._count):
                raw = handle.read(self._length)
                if raw[:1] == _DELETED:
                    continue
                start = self._first + i * self._length
                record = self._record(number + 1, i + 1, start, raw)
                if record.error or not holds_nothing(record.values):
                    number += 1
                    yield record

    def _record(self, number: int, line: int, start: int, raw: bytes) -> Record:
        texts = b"".join(raw[p.start : p.start + p.length] for p in self._places if p.kind not in _BINARY)
        error = "record.nul" if b"\0" in texts else None
        try:
            values = [self._value(raw, p, "strict") for p in self._places]
        except UnicodeDecodeError:
            values, error = [self._value(raw, p, "replace") for p in self._places], "record.undecodable"
        return Record(number, line, start, start + len(raw), values, error)

    def _value(self, raw: bytes, place: _Place, errors: str) -> str | None:
        held = raw[place.start : place.start + place.length]
        if place.kind in _BINARY:
            return _binary(held, place.kind)
        return held.decode(self._encoding, errors).strip(" ") or None


def field_names(head: bytes, encoding: str) -> tuple[str, ...]:
    """The names of the fields that a program shows, from the first bytes of a file; () for what is no table,
    whose fields add up to its records.
    """
    if len(head) < _HEAD or (head[0] & 0x07 != 3 and head[0] not in _FOXPRO):
        return ()
    _, first, length = struct.unpack("<IHH", head[4:12])
    fields = [raw for raw in _descriptors(head[_HEAD:first]) if len(raw) == _FIELD]
    if sum(raw[16] for raw in fields) + 1 != length:
        return ()
    return tuple(_name(raw, encoding) for raw in fields if not raw[18] & _HIDDEN)


def _descriptors(body: bytes) -> Iterator[bytes]:
    """The descriptor of each field, up to the mark of their end; the last may be cut off."""
    for at in range(0, len(body), _FIELD):
        if body[at] == _END:
            return
        yield body[at : at + _FIELD]


def _name(descriptor: bytes, encoding: str) -> str:
    return header_key(descriptor[:11].split(b"\0")[0].decode(encoding, "replace"))


def _binary(held: bytes, kind: bytes) -> str | None:
    """A FoxPro value that is no text: integer, double, currency in 1/10000, moment as two counts."""
    match kind:
        case b"I":
            return str(struct.unpack("<i", held)[0])
        case b"B":
            return repr(struct.unpack("<d", held)[0])
        case b"Y":
            return str(Decimal(struct.unpack("<q", held)[0]).scaleb(-4))
        case _:
            day, milliseconds = struct.unpack("<ii", held)
            if not day:
                return None
            time = timedelta(milliseconds=milliseconds)
            return f"{date.fromordinal(day - _JULIAN + 1)} {str(time).zfill(8)}"
