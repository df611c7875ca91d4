"""JSON documents that hold one array of flat records, and JSON lines; nested values stay JSON text, numbers
keep their digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citylake.contract.meaning import header_key
from citylake.contract.model import Contract
from citylake.ingest.formats.charset import check_charset
from citylake.ingest.formats.json_text import DECODER, SaidTwice, check_depth, decoded
from citylake.ingest.formats.records import Record, Unreadable, holds_nothing
from citylake.ingest.formats.scanner import physical_lines
from citylake.ingest.limits import FIELD_CHARACTERS
from citylake.ledger.receipts import Finding

_HEAD_BYTES = 1 << 20
_WHITE = " \t\r\n"


class _Fields:
    """Turns a JSON object into a record of a contract."""

    def __init__(self, contract: Contract) -> None:
        fields, self._contract = [c for c in contract.columns if c.delivered], contract
        self._names = {header_key(c.header("")): c.name for c in fields}
        self.columns = tuple(c.name for c in fields)

    def record(self, number: int, line: int, start: int, end: int, value: Any) -> Record:
        """A record with what is wrong with it."""
        if not isinstance(value, dict):
            return Record(number, line, start, end, [None] * len(self.columns), "record.malformed")
        found = {header_key(str(k)): v for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if len(found) < len(value):  # pyright: ignore[reportUnknownArgumentType]
            return Record(number, line, start, end, [None] * len(self.columns), "record.malformed")
        others = found.keys() - self._names.keys()
        error = "record.extra_field" if any(not self._contract.ignores(k) for k in others) else None
        values = [_text(found.get(header)) for header in self._names]
        return Record(number, line, start, end, values, error or _unwanted(values))


def _unwanted(values: list[str | None]) -> str | None:
    texts = [v for v in values if v]
    if any("\0" in v for v in texts):
        return "record.nul"
    if any(len(v) > FIELD_CHARACTERS for v in texts):
        return "record.field_too_long"
    return "record.replacement_character" if any("\ufffd" in v for v in texts) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class JsonRecords:
    """A file `{…, "<records>": [ {…}, … ]}`."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is not in its charset, not JSON, too deep, or has no such array."""
        self._name, self._fields = path.name, _Fields(contract)
        self.columns, self.layout = self._fields.columns, ""
        check_charset(path, contract.encoding)
        self._text, self._bom, self._codec = decoded(path, contract.encoding)
        check_depth(self._text, path.name)
        self._array = self._find(contract.records or "records")

    def _find(self, member: str) -> int:
        """Where the array's first element begins; the whole document is parsed on the way. A document may be
        the array itself.
        """
        if self._text[self._white(0) : self._white(0) + 1] == "[":
            found = self._white(0) + 1
            end = self._elements(found)
            if self._text[end:].strip(_WHITE):
                raise self._malformed(end)
            return found
        at = self._skip(0, "{")
        found = -1
        while self._text[at : at + 1] != "}":
            key, at = self._parse(self._white(at))
            at = self._skip(at, ":")
            if key == member and self._text[at : at + 1] == "[":
                found = at + 1
                at = self._elements(found)
            else:
                _, at = self._parse(at)
            at = self._white(at)
            at = self._white(at + 1) if self._text[at : at + 1] == "," else at
            if self._text[at : at + 1] not in ("}", '"'):
                raise self._malformed(at)
        if self._text[at + 1 :].strip(_WHITE):
            raise self._malformed(at + 1)
        if found < 0:
            raise Unreadable(
                Finding(
                    "delivery.header", f"缺少数组 {member}", f"no array '{member}'", self._name, 1, member
                )
            )
        return found

    def _elements(self, at: int) -> int:
        """Parse the array's elements one by one, so that a fault is told with its line; one past the array's
        end.
        """
        at = self._white(at)
        while self._text[at : at + 1] != "]":
            _, at = self._parse(at)
            at = self._white(at)
            if self._text[at : at + 1] == ",":
                at = self._white(at + 1)
                if self._text[at : at + 1] != "]":
                    continue
            if self._text[at : at + 1] != "]" or self._text[at - 1] == ",":
                raise self._malformed(at)
        return at + 1

    def _white(self, at: int) -> int:
        while self._text[at : at + 1] and self._text[at] in _WHITE:
            at += 1
        return at

    def _skip(self, at: int, sign: str) -> int:
        at = self._white(at)
        if self._text[at : at + 1] != sign:
            raise self._malformed(at)
        return self._white(at + 1)

    def _parse(self, at: int) -> tuple[Any, int]:
        try:
            return DECODER.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            raise self._malformed(error.pos) from None
        except SaidTwice:
            raise Unreadable(
                Finding(
                    "file.duplicate_key",
                    "对象中键重复",
                    "a key stands twice in one object",
                    self._name,
                    self._line(at),
                )
            ) from None
        except (ValueError, RecursionError):
            raise self._malformed(at) from None

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1

    def _malformed(self, at: int) -> Unreadable:
        line = self._line(at)
        return Unreadable(
            Finding(
                "delivery.malformed", f"第{line}行不是合法JSON", f"not JSON at line {line}", self._name, line
            )
        )

    def __iter__(self) -> Iterator[Record]:
        text, at, number = self._text, self._array, 0
        byte, line, seen = self._bom, 1, 0
        while True:
            while text[at] in _WHITE or text[at] == ",":
                at += 1
            if text[at] == "]":
                return
            value, end = DECODER.raw_decode(text, at)
            byte, line = byte + self._bytes(seen, at), line + text.count("\n", seen, at)
            last = byte + self._bytes(at, end)
            record = self._fields.record(number + 1, line, byte, last, value)
            if record.error or not holds_nothing(record.values):
                number += 1
                yield record
            byte, line, seen, at = last, line + text.count("\n", at, end), end, end

    def _bytes(self, start: int, end: int) -> int:
        """How many bytes of the file a part of its text takes."""
        return len(self._text[start:end].encode(self._codec, "surrogatepass"))


class JsonLines:
    """One object on each line (a line that is no object is an error of that record)."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is empty."""
        if not path.stat().st_size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        check_charset(path, contract.encoding)
        self._path, self._fields, self._encoding = path, _Fields(contract), contract.encoding
        self.columns, self.layout = self._fields.columns, ""

    def __iter__(self) -> Iterator[Record]:
        number = 0
        with self._path.open("rb") as handle:
            for line, start, piece in physical_lines(handle, self._path.name):
                if not piece.strip():
                    continue
                record = self._record(number + 1, line, start, piece)
                if record.error or not holds_nothing(record.values):
                    number += 1
                    yield record

    def _record(self, number: int, line: int, start: int, piece: bytes) -> Record:
        empty: list[str | None] = [None] * len(self.columns)
        try:
            text = piece.decode(self._encoding).removeprefix("\ufeff").strip()
        except UnicodeDecodeError:
            return Record(number, line, start, start + len(piece), empty, "record.undecodable")
        try:
            check_depth(text, self._path.name, line)
            value = DECODER.decode(text)
        except (ValueError, RecursionError):
            if piece[-1:] not in (b"\n", b"\r"):
                raise Unreadable(
                    Finding(
                        "file.truncated",
                        "末行不完整,文件被截断",
                        "the last record is cut off",
                        self._path.name,
                        line,
                    )
                ) from None
            return Record(number, line, start, start + len(piece), empty, "record.malformed")
        return self._fields.record(number, line, start, start + len(piece), value)


def read_json(path: Path, contract: Contract) -> JsonRecords | JsonLines:
    """A document or lines, by what the file holds: offices name either by either's name."""
    return (JsonLines if is_lines(path, contract) else JsonRecords)(path, contract)


def is_lines(path: Path, contract: Contract) -> bool:
    """Whether a file holds a record on each line; what cannot be told is what the contract says."""
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    text = head.decode(contract.encoding, "ignore").lstrip("\ufeff" + _WHITE)
    line = text.partition("\n")[0]
    promised = contract.format == "jsonl"
    if line[:1] != "{" or line.strip() == "{":
        return promised and line[:1] not in ("[", "{")
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return promised
    known = {header_key(c.header("")) for c in contract.columns if c.delivered}
    hits = sum(header_key(k) in known for k in first)
    nested = any(isinstance(v, list | dict) and header_key(k) not in known for k, v in first.items())
    if nested:  # a document may bear a name of a column beside its array
        return promised and 2 * hits > len(known)
    return promised or hits > 0
