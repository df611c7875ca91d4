"""XML rows: one element per record, one child element or attribute per column; no document type, no entities (XML 1.0, section 2.8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from citylake.contract.model import Contract
from citylake.ingest.budgets import DEPTH, RECORD_BYTES
from citylake.ingest.records import Record, Unreadable
from citylake.ledger.receipts import Finding

_BLOCK = 1 << 20


class XmlRows:
    """A file `<…><ROW><A>1</A>…</ROW>…</…>`; the row's element is the contract's `records`."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is empty or no XML at its start."""
        if not path.stat().st_size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        self._path, self._row = path, contract.records or "ROW"
        fields = [c for c in contract.columns if c.delivered]
        self._names = {c.header(""): i for i, c in enumerate(fields)}
        self.columns, self.layout = tuple(c.name for c in fields), ""

    def __iter__(self) -> Iterator[Record]:
        state = _State(self._row, self._names, self._path.name)
        with self._path.open("rb") as handle:
            while block := handle.read(_BLOCK):
                yield from state.feed(block, last=False)
            yield from state.feed(b"", last=True)


class _State:
    """The parser's handlers and the row that is being read."""

    def __init__(self, row: str, names: dict[str, int], name: str) -> None:
        self._row, self._names, self._name = row, names, name
        self._depth = self._number = self._line = self._start = 0
        self._values: list[str | None] | None = None
        self._error: str | None = None
        self._column: str | None = None
        self._text: list[str] = []
        self._size = 0
        self._done: list[Record] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._begin, self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, block: bytes, last: bool) -> list[Record]:
        """The records that ended in a block."""
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            text = expat.ErrorString(error.code)
            raise Unreadable(
                Finding("delivery.malformed", f"第{error.lineno}行不是合法XML", f"not XML at line {error.lineno}: {text}", self._name, error.lineno)
            ) from None
        except (LookupError, ValueError):
            line = self._parser.CurrentLineNumber
            zh, en = "XML声明的编码不受支持", "the encoding that the XML declares is not supported"
            raise Unreadable(Finding("delivery.charset", zh, en, self._name, line)) from None
        done, self._done = self._done, []
        return done

    def _refuse_doctype(self, *declared: Any) -> None:
        line = self._parser.CurrentLineNumber
        raise Unreadable(Finding("file.doctype", "不接受文档类型声明与实体", "a document type or an entity is declared", self._name, line))

    def _begin(self, element: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise Unreadable(Finding("budget.depth", f"嵌套超过{DEPTH}层", f"nested more than {DEPTH} deep", self._name, self._parser.CurrentLineNumber))
        if self._values is None and element == self._row:
            empty: list[str | None] = [None] * len(self._names)
            self._values, self._error, self._size = empty, None, 0
            self._line, self._start = self._parser.CurrentLineNumber, self._parser.CurrentByteIndex
            for key, value in attributes.items():
                self._put(key, value)
        elif self._values is not None:
            self._error = self._error or ("record.malformed" if self._column is not None else None)
            self._column, self._text = element, []

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._size > RECORD_BYTES:
            raise Unreadable(Finding("budget.record_bytes", "记录过大", f"a record of more than {RECORD_BYTES >> 20} MiB", self._name, self._line))
        if self._column is not None:
            self._text.append(text)

    def _end(self, element: str) -> None:
        self._depth -= 1
        if self._column == element:
            self._put(element, "".join(self._text))
            self._column = None
        elif self._values is not None and element == self._row:
            self._number += 1
            end = self._parser.CurrentByteIndex + len(f"</{element}>".encode())
            self._done.append(Record(self._number, self._line, self._start, end, self._values, self._error))
            self._values = None

    def _put(self, key: str, value: str) -> None:
        place = self._names.get(key)
        if place is None or self._values is None:
            self._error = self._error or "record.extra_field"
        elif self._values[place] is not None:
            self._error = self._error or "record.malformed"
        else:
            self._values[place] = value
            if "\ufffd" in value:
                self._error = self._error or "record.replacement_character"
