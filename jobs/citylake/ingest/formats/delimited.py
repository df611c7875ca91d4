"""Delimited text: strict charset, records by the scanner, columns by header text, byte range of every
record.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from citylake.contract.meaning import header_key, unguard
from citylake.contract.model import Contract
from citylake.ingest.formats.charset import as_utf8, check_charset
from citylake.ingest.formats.footer import Footer
from citylake.ingest.formats.header import match_header
from citylake.ingest.formats.records import Record, Unreadable, holds_nothing
from citylake.ingest.formats.scanner import RawRecord, scan
from citylake.ingest.limits import COLUMNS, FIELD_CHARACTERS, RECORD_BYTES, too_many_columns
from citylake.ledger.receipts import Finding

csv.field_size_limit(
    RECORD_BYTES
)  # the scanner bounds records; the reader's own limit would call long fields malformed


class Delimited:
    """A CSV file of a contract."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Reads the header; Unreadable when it fits no layout of the contract."""
        check_charset(path, contract.encoding)
        self._name, self.contract = path.name, contract
        self._wide = contract.encoding.startswith("utf-16")
        self.path = as_utf8(path, contract.encoding) if self._wide else path
        self._encoding = "utf-8" if self._wide else contract.encoding
        first = next(islice(scan(self.path, contract.delimiter), contract.preamble, None), None)
        if first is None:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        self.head = first.body.removeprefix("\ufeff".encode(self._encoding))
        self.first_byte, self.first_line = first.end, first.line + len(first.raw.splitlines())
        self._texts, whole = self._header_texts(first.line)
        self._keys = [header_key(t) for t in self._texts]
        self.header = match_header(self._texts, contract, path.name, first.line, whole)
        self.layout = self.header.layout
        unpivot = contract.unpivot
        self.columns = (
            (*self.header.columns, unpivot["name"], unpivot["value"]) if unpivot else self.header.columns
        )

    def __iter__(self) -> Iterator[Record]:
        number, shift = 0, 0
        footer = Footer(self.contract.footer, self._name) if self.contract.footer else None
        for i, raw in enumerate(scan(self.path, self.contract.delimiter)):
            start, end = raw.start, raw.end
            if self._wide:
                start, end = shift, shift + len(raw.raw.decode("utf-8").encode("utf-16-le"))
                shift = end
            if i <= self.contract.preamble or not raw.body.strip():
                continue
            fields, error = self._fields(raw)
            if not error and holds_nothing(fields):
                continue
            if footer is not None and footer.is_total(fields):
                footer.check(fields, self._texts, raw.line)
                continue
            if footer is not None:
                footer.add(fields)
            number += 1
            yield from self._records(number, raw.line, start, end, fields, error)

    def raw_records(self, start: int, line: int) -> Iterator[RawRecord]:
        """Records from a boundary behind the header on."""
        return scan(self.path, self.contract.delimiter, start, line)

    def read(self, raw: RawRecord, number: int) -> list[Record]:
        """The records of one raw record of a file that has no footer; none for a blank line."""
        if not raw.body.strip():
            return []
        fields, error = self._fields(raw)
        if not error and holds_nothing(fields):
            return []
        return list(self._records(number, raw.line, raw.start, raw.end, fields, error))

    def _fields(self, raw: RawRecord) -> tuple[list[str], str | None]:
        """The fields of a record, and what is wrong with it; Unreadable for what no record of a sound file
        can be.
        """
        fields, error = self._split(raw)
        width = self.header.width
        if fields[0].strip() and [header_key(f) for f in fields] == self._keys:
            raise Unreadable(
                Finding(
                    "file.header_repeated",
                    "文件中部再次出现表头(像是几个文件拼接而成):请逐个报送,或删去中部的表头行",
                    "the header stands again inside the file, as when files are joined: send them one by"
                    " one, or take that line out",
                    self._name,
                    raw.line,
                )
            )
        if error is None and len(fields) != width and holds_nothing(fields):
            return [""] * width, None
        if len(fields) > COLUMNS:
            raise too_many_columns(len(fields), self._name, raw.line)
        if not raw.ended and len(fields) < width:
            raise Unreadable(
                Finding(
                    "file.truncated",
                    "末行不完整,文件被截断",
                    "the last record is cut off",
                    self._name,
                    raw.line,
                )
            )
        if error is None and len(fields) != width:
            error = "record.extra_field" if len(fields) > width else "record.missing_field"
        if error is None and any(fields[p].strip() for p in self.header.unnamed):
            error = "record.extra_field"
        return fields, error

    def _split(self, raw: RawRecord) -> tuple[list[str], str | None]:
        error = None if raw.sound else "record.malformed"
        try:
            text = raw.body.decode(self._encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            text, error = raw.body.decode(self._encoding, "replace"), "record.undecodable"
        fields = (
            text.split(self.contract.delimiter)
            if '"' not in text or error
            else next(csv.reader([text], delimiter=self.contract.delimiter))
        )
        return fields, error or _unwanted(text, fields)

    def _records(
        self, number: int, line: int, start: int, end: int, fields: list[str], error: str | None
    ) -> Iterator[Record]:
        header = self.header
        values: list[str | None] = [_cell(fields, p) for p in header.positions]
        if not self.contract.unpivot:
            amends = _cell(fields, header.amends) if header.amends is not None else None
            if header.amends is not None:
                values = [unguard(v) if v else v for v in values]
            yield Record(number, line, start, end, values, error, amends)
        elif error is not None:
            yield Record(number, line, start, end, [*values, None, None], error)
        else:
            for name, position in header.cells:
                yield Record(number, line, start, end, [*values, name, fields[position]], None)

    def _header_texts(self, line: int) -> tuple[list[str], str]:
        try:
            text = self.head.decode(self._encoding)
        except UnicodeDecodeError as error:
            zh, en = (
                f"表头不是{self._encoding}编码(字节{error.start})",
                f"the header is not {self._encoding} (byte {error.start})",
            )
            raise Unreadable(Finding("delivery.charset", zh, en, self._name, line)) from None
        texts = [f.strip() for f in next(csv.reader([text], delimiter=self.contract.delimiter), [])]
        if len(texts) > COLUMNS:
            raise too_many_columns(len(texts), self._name, line)
        return texts, text


def _unwanted(text: str, fields: list[str]) -> str | None:
    """What a readable record may not hold."""
    if "\0" in text:
        return "record.nul"
    if "\ufffd" in text:
        return "record.replacement_character"
    if len(text) > FIELD_CHARACTERS and any(len(f) > FIELD_CHARACTERS for f in fields):
        return "record.field_too_long"
    return None


def _cell(fields: list[str], position: int) -> str | None:
    return fields[position] if position < len(fields) else None
