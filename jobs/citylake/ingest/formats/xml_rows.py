"""XML rows: one element per record, one child element or attribute per column; no document type, no entities
(XML 1.0, section 2.8).

The parser reads UTF-8. A file in another charset of its contract is decoded strictly on the way, and places
are told in the bytes that came.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

from citylake.contract.meaning import header_key
from citylake.contract.model import Contract
from citylake.ingest.formats.charset import check_charset
from citylake.ingest.formats.records import Record, Unreadable, holds_nothing
from citylake.ingest.limits import DEPTH, RECORD_BYTES
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import foreign

_BLOCK = 1 << 20
_DECLARED = re.compile(r"""\A\ufeff?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# What a declaration may call a charset: GBK and GB 2312 are parts of GB 18030 with the same bytes.
_NAMES = {
    "utf-8": {"utf-8", "utf8", "us-ascii"},
    "gb18030": {"gb18030", "gbk", "gb2312"},
    "utf-16": {"utf-16"},
}
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class XmlRows:
    """A file `<…><ROW><A>1</A>…</ROW>…</…>`; the row's element is the contract's `records`."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is empty or no XML at its start."""
        if not path.stat().st_size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        check_charset(path, contract.encoding)
        self._encoding, self._mark = _codec(path, contract.encoding)
        self._path, self._row, self._contract = path, contract.records or "ROW", contract
        fields = [c for c in contract.columns if c.delivered]
        self._names = {header_key(c.header("")): i for i, c in enumerate(fields)}
        self.columns, self.layout = tuple(c.name for c in fields), ""

    def __iter__(self) -> Iterator[Record]:
        places = _Bytes(self._encoding, self._mark)
        state = _State(self._row, self._names, self._path.name, places, self._contract)
        with self._path.open("rb") as handle:
            handle.seek(self._mark)
            for block in self._texts(handle):
                yield from state.feed(block, last=False)
            yield from state.feed(b"", last=True)

    def _texts(self, handle: BinaryIO) -> Iterator[bytes]:
        """The file as UTF-8; Unreadable where a byte is not in its charset or the declaration names another
        one.
        """
        decoder, line, first = codecs.getincrementaldecoder(self._encoding)("strict"), 1, True
        block = handle.read(_BLOCK)
        while block or not first:
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = line + error.object[: error.start].decode(self._encoding, "replace").count("\n")
                zh, en = f"第{at}行不是{self._encoding}编码", f"line {at} is not {self._encoding}"
                raise Unreadable(Finding("delivery.charset", zh, en, self._path.name, at)) from None
            self._check_declaration(text if first else "")
            line, first = line + text.count("\n"), False
            yield text.encode()
            if not block:
                return
            block = handle.read(_BLOCK)

    def _check_declaration(self, text: str) -> None:
        declared = _DECLARED.match(text)
        allowed = next(
            (names for start, names in _NAMES.items() if self._encoding.startswith(start)), {self._encoding}
        )
        if declared and declared[1].lower() not in allowed:
            zh, en = (
                f"XML声明的编码为{declared[1]},应为{self._encoding}",
                f"the XML declares {declared[1]}, not {self._encoding}",
            )
            raise Unreadable(Finding("delivery.charset", zh, en, self._path.name, 1))


def _codec(path: Path, encoding: str) -> tuple[str, int]:
    """The codec of a file behind its byte order mark, and the length of that mark."""
    with path.open("rb") as handle:
        mark = handle.read(2)
    return (_MARKS[mark], 2) if encoding == "utf-16" and mark in _MARKS else (encoding, 0)


def _local(name: str) -> str:
    """The name of an element or attribute without the prefix of its namespace."""
    return name.rpartition(":")[2]


class _Bytes:
    """Where a place in the UTF-8 that was fed stands in the file; places are asked for in rising order."""

    def __init__(self, encoding: str, start: int) -> None:
        self._encoding, self._original, self._at = encoding, start, 0
        self._held = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes that were fed behind the last place."""
        return len(self._held)

    def feed(self, utf8: bytes) -> None:
        """Take the next part of the text."""
        self._held += utf8

    def original(self, at: int) -> int:
        """The place in the file of a place in the text."""
        part = bytes(self._held[: max(0, at - self._at)])
        del self._held[: len(part)]
        self._at += len(part)
        self._original += len(part if self._encoding == "utf-8" else part.decode().encode(self._encoding))
        return self._original

    def closing(self, element: str) -> int:
        """Length of the closing tag that begins at the last place; 0 when the element was one tag and ended
        there.
        """
        found = re.match(rb"</" + re.escape(element.encode()) + rb"\s*>", self._held)
        return found.end() if found else 0


class _State:
    """The parser's handlers and the row that is being read."""

    def __init__(
        self, row: str, names: dict[str, int], name: str, places: _Bytes, contract: Contract
    ) -> None:
        self._contract, self._ignores = contract, contract.ignores
        self._row, self._names, self._name, self._places = row, names, name, places
        self._depth = self._number = self._line = self._start = self._rows = 0
        self._others: dict[str, None] = {}  # elements below the root while no row came
        self._values: list[str | None] | None = None
        self._error: str | None = None
        self._column: str | None = None
        self._text: list[str] = []
        self._size = 0
        self._done: list[Record] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._begin, self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, block: bytes, last: bool) -> list[Record]:
        """The records that ended in a block."""
        self._places.feed(block)
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            text = expat.ErrorString(error.code)
            raise Unreadable(
                Finding(
                    "delivery.malformed",
                    f"第{error.lineno}行不是合法XML",
                    f"not XML at line {error.lineno}: {text}",
                    self._name,
                    error.lineno,
                )
            ) from None
        if last and not self._rows and self._others:
            raise self._no_row()
        if self._values is None:
            self._places.original(self._parser.CurrentByteIndex)
        elif self._places.waiting > RECORD_BYTES:
            raise self._too_large()
        done, self._done = self._done, []
        return done

    def _no_row(self) -> Unreadable:
        """What the file has in the place of rows."""
        names = "、".join(foreign(self._contract, n) for n in list(self._others)[:5])
        zh, en = f"没有行元素 {self._row};文件中有:{names}", f"no element '{self._row}'; the file has {names}"
        return Unreadable(Finding("delivery.header", zh, en, self._name, 1, self._row))

    def _refuse_doctype(self, *declared: Any) -> None:
        line = self._parser.CurrentLineNumber
        raise Unreadable(
            Finding(
                "file.doctype",
                "不接受文档类型声明与实体",
                "a document type or an entity is declared",
                self._name,
                line,
            )
        )

    def _begin(self, element: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise Unreadable(
                Finding(
                    "budget.depth",
                    f"嵌套超过{DEPTH}层",
                    f"nested more than {DEPTH} deep",
                    self._name,
                    self._parser.CurrentLineNumber,
                )
            )
        if self._depth > 1 and not self._rows and len(self._others) < 20:
            self._others[_local(element)] = None
        if self._values is None and _local(element) == self._row:
            self._rows += 1
            empty: list[str | None] = [None] * len(self._names)
            self._values, self._error, self._size = empty, None, 0
            self._line, self._start = (
                self._parser.CurrentLineNumber,
                self._places.original(self._parser.CurrentByteIndex),
            )
            for key, value in attributes.items():  # others number or describe the row, as ROW NUM="1" does
                if header_key(_local(key)) in self._names:
                    self._put(_local(key), value)
        elif self._values is not None:
            self._error = self._error or ("record.malformed" if self._column is not None else None)
            self._column, self._text = element, []

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._size > RECORD_BYTES:
            raise self._too_large()
        if self._column is not None:
            self._text.append(text)

    def _too_large(self) -> Unreadable:
        return Unreadable(
            Finding(
                "budget.record_bytes",
                "记录过大",
                f"a record of more than {RECORD_BYTES >> 20} MiB",
                self._name,
                self._line,
            )
        )

    def _end(self, element: str) -> None:
        self._depth -= 1
        if self._column == element:
            self._put(element, "".join(self._text))
            self._column = None
        elif self._values is not None and _local(element) == self._row:
            at = (
                self._parser.CurrentByteIndex
            )  # where the closing tag begins, or behind a row that is one tag
            self._places.original(at)
            end = self._places.original(at + self._places.closing(element))
            if self._error or not holds_nothing(self._values):
                self._number += 1
                done = Record(self._number, self._line, self._start, end, self._values, self._error)
                self._done.append(done)
            self._values = None

    def _put(self, key: str, value: str) -> None:
        place = self._names.get(header_key(_local(key)))
        if place is None and self._ignores(_local(key)):
            return
        if place is None or self._values is None:
            self._error = self._error or "record.extra_field"
        elif self._values[place] is not None:
            self._error = self._error or "record.malformed"
        else:
            self._values[place] = value
            if "\ufffd" in value:
                self._error = self._error or "record.replacement_character"
