"""Runs of plain delimited text, parsed a block at a time by pyarrow; whatever is not plain goes record by
record.

A block is plain when nothing in it could be read in two ways: its quotes follow RFC 4180 to the letter, every
record has the same number
of delimiters outside quotes, no CR stands alone, no NUL, every byte is in the charset. Both ways give the
same records
(tests/decoding/test_blocks.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from citylake.contract.meaning import BLANKS, INVISIBLE
from citylake.ingest.formats.delimited import Delimited
from citylake.ingest.formats.records import Decoder, Record
from citylake.ingest.formats.scanner import CTRL_Z
from citylake.ingest.limits import FIELD_CHARACTERS

_BLOCK = 4 << 20
_SLOW_ROWS = 50_000
_NOTHING = f"^[ {BLANKS}{INVISIBLE}]*$"
_LF, _CR, _QUOTE = 0x0A, 0x0D, 0x22
_EDGE = np.isin(np.arange(256), (_LF, _CR, _QUOTE))  # bytes that may stand beside a quote, and the delimiter
_SAFE = b",;\t"  # bytes that never occur inside a character of GB18030
_LOST = {"utf-8": "\ufffd".encode(), "gb18030": "\ufffd".encode("gb18030")}


@dataclass(frozen=True)
class Block:
    """Plain records: text by delivered column, and where each record stands."""

    number: int  # of the first record, from 1
    lines: np.ndarray  # from 1
    starts: np.ndarray
    ends: np.ndarray
    columns: list[pa.Array]  # in the decoder's column order

    def __len__(self) -> int:
        return len(self.starts)


def pieces(decoder: Decoder) -> Iterator[Block | list[Record]]:
    """All records of a file in order, in blocks where they are plain."""
    if isinstance(decoder, Delimited) and _may_be_plain(decoder):
        yield from _Reader(decoder).pieces()
        return
    records = map(_whole, decoder)
    while held := list(islice(records, _SLOW_ROWS)):
        yield held


def _whole(record: Record) -> Record:
    """A record whose texts can be written in UTF-8; half of a surrogate pair is no character, whatever
    format it came in.
    """
    try:
        "".join(v for v in record.values if v).encode()
    except UnicodeEncodeError:
        values = [v and v.encode("utf-8", "replace").decode() for v in record.values]
        return replace(record, values=values, error=record.error or "record.surrogate")
    return record


def _may_be_plain(decoder: Delimited) -> bool:
    contract, header = decoder.contract, decoder.header
    simple = not (
        contract.unpivot
        or contract.footer
        or contract.preamble
        or header.unnamed
        or header.amends is not None
    )
    return (
        simple
        and contract.encoding in _LOST
        and contract.delimiter.encode() in [bytes([c]) for c in _SAFE]
        and header.width > 1
    )


class _Reader:
    """Walks through a file, by blocks or, where one is not plain, by records up to the first boundary behind
    it.
    """

    def __init__(self, decoder: Delimited) -> None:
        self._decoder, self._path = decoder, decoder.path
        self._number, self._line, self._at = 1, decoder.first_line, decoder.first_byte

    def pieces(self) -> Iterator[Block | list[Record]]:
        size = self._path.stat().st_size
        while self._at < size:
            body = _whole_records(self._path, self._at)
            block = self._plain(body) if body else None
            if block is not None:
                yield block
                self._number, self._line, self._at = (
                    self._number + len(block),
                    self._line + (_breaks(body) if b'"' in body else len(block)),
                    self._at + len(body),
                )
            else:
                yield from self._slow(self._at + max(len(body), 1))

    def _slow(self, until: int) -> Iterator[list[Record]]:
        """Records one by one until one ends at or behind a byte."""
        held: list[Record] = []
        for raw in self._decoder.raw_records(self._at, self._line):
            records = self._decoder.read(raw, self._number)
            held += records
            self._number += 1 if records else 0
            self._line, self._at = raw.line + len(raw.raw.splitlines()), raw.end
            if raw.end >= until:
                break
        else:
            self._at = self._path.stat().st_size
        if held:
            yield held

    def _plain(self, body: bytes) -> Block | None:
        contract, header = self._decoder.contract, self._decoder.header
        odd = (
            b"\0",
            CTRL_Z,
            _LOST[contract.encoding],
            "\ufeff".encode(contract.encoding),
            self._decoder.head,
        )
        if any(sign in body for sign in odd):
            return None
        quoted = b'"' in body
        marks = np.frombuffer(body, np.uint8)
        if quoted and not _sound(marks, ord(contract.delimiter)):
            return None
        outside = _outside(marks) if quoted else np.ones(len(marks), bool)
        lone = (marks[:-1] == _CR) & (marks[1:] != _LF)
        if (lone & outside[:-1]).any():
            return None
        ends = np.flatnonzero((marks == _LF) & outside) + 1
        if np.diff(ends, prepend=0).max(initial=0) > FIELD_CHARACTERS:
            return None  # a field of it may be too long
        fields = np.diff(
            np.searchsorted(np.flatnonzero((marks == ord(contract.delimiter)) & outside), ends), prepend=0
        )
        if (fields != header.width - 1).any():
            return None
        columns = _parsed(body, contract.encoding, self._decoder, quoted)
        if columns is None or any(len(c) != len(ends) for c in columns):
            return None
        if _some_hold_nothing(columns):
            return None
        starts = np.concatenate(([0], ends[:-1]))
        breaks = np.flatnonzero(np.append(lone, False) | (marks == _LF)) if quoted else ends - 1
        return Block(
            self._number,
            self._line + np.searchsorted(breaks, starts),
            starts + self._at,
            ends + self._at,
            columns,
        )


def _some_hold_nothing(columns: list[pa.Array]) -> bool:
    """Whether some record has nothing but blanks in the wanted columns."""
    empty: Any = None
    for column in columns:
        mine = pc.match_substring_regex(column, _NOTHING)  # pyright: ignore[reportAttributeAccessIssue]
        empty = mine if empty is None else pc.and_(empty, mine)  # pyright: ignore[reportAttributeAccessIssue]
        if not pc.any(empty).as_py():  # pyright: ignore[reportAttributeAccessIssue]
            return False
    return empty is not None


def _outside(marks: np.ndarray) -> np.ndarray:
    """Where a byte stands outside quotes: behind an even number of them."""
    return np.cumsum(marks == _QUOTE, dtype=np.uint8) & 1 == 0  # the count may run over: 256 is even


def _sound(marks: np.ndarray, delimiter: int) -> bool:
    """Whether whole records have quotes as RFC 4180 says: one that opens begins a field, one that closes ends
    it, or two stand together.
    """
    quotes = np.flatnonzero(marks == _QUOTE)
    if len(quotes) % 2:
        return False
    before, after = (
        marks[quotes[::2] - 1],
        marks[np.minimum(quotes[1::2] + 1, len(marks) - 1)],
    )  # the block ends with a line end
    opens = _EDGE[before] | (before == delimiter) | (quotes[::2] == 0)
    return bool(opens.all() and (_EDGE[after] | (after == delimiter)).all())


def _breaks(body: bytes) -> int:
    """Physical lines in a block that ends with one."""
    return body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n")


def _whole_records(path: Path, at: int) -> bytes:
    """A block from a boundary on, cut behind its last record; empty when it holds none."""
    with path.open("rb") as handle:
        handle.seek(at)
        body = handle.read(_BLOCK)
    if b'"' not in body:
        return body[: body.rfind(b"\n") + 1]
    marks = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero((marks == _LF) & _outside(marks))
    return body[: int(ends[-1]) + 1] if len(ends) else b""


def _parsed(body: bytes, encoding: str, decoder: Delimited, quoted: bool) -> list[pa.Array] | None:
    """The wanted columns as text; None when a byte is not in the charset."""
    try:
        text = body if encoding == "utf-8" else body.decode(encoding).encode()
        names = [str(i) for i in range(decoder.header.width)]
        wanted = [names[p] for p in decoder.header.positions]
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(text) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=decoder.contract.delimiter,
                quote_char='"' if quoted else False,
                escape_char=False,
                ignore_empty_lines=False,
                newlines_in_values=quoted,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
                include_columns=wanted,
                check_utf8=True,
            ),
        )
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return None
    return [c.combine_chunks() for c in table.columns]
