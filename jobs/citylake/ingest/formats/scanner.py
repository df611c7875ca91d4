"""Decides what a record of delimited text is (RFC 4180, section 2), on bytes, with the byte range of each.

A quote opens a field only at its start; `""` inside stands for one. CR, LF and CR LF end a record outside
quotes.
In UTF-8 and GB18030 the bytes of `"`, `,`, tab, CR and LF never occur inside another character, so bytes may
be scanned before decoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal

from citylake.ingest.formats.records import Unreadable
from citylake.ingest.limits import RECORD_BYTES, RECORD_LINES
from citylake.ledger.receipts import Finding

_BLOCK = 1 << 20
CTRL_Z = b"\x1a"  # some exports end with it, as DOS did
State = Literal["whole", "open", "malformed"]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record: its first line (from 1), its bytes with line end, and whether its quotes are sound."""

    line: int
    start: int
    raw: bytes
    sound: bool

    @property
    def end(self) -> int:
        """One past the last byte."""
        return self.start + len(self.raw)

    @property
    def body(self) -> bytes:
        """The bytes without the line end."""
        return self.raw.rstrip(b"\r\n")

    @property
    def ended(self) -> bool:
        """Whether a line end closes it."""
        return self.raw[-1:] in (b"\n", b"\r")


@dataclass(frozen=True)
class _Grammar:
    whole: re.Pattern[bytes]  # fields to the end of the record
    open: re.Pattern[bytes]  # fields, then one whose quote is not closed
    close: re.Pattern[bytes]  # what remains of a quoted field, its quote, and fields to the end
    reopen: re.Pattern[bytes]  # what remains of a quoted field, fields, and again an open one
    inside: re.Pattern[bytes]  # nothing but the inside of a quoted field


@lru_cache(maxsize=8)
def _grammar(delimiter: bytes) -> _Grammar:
    d, inside, end = re.escape(delimiter), rb'(?:[^"]++|"")*+', rb"(?:\r\n|\n|\r)?"
    guarded = rb'="[^"\r\n' + d + rb']*+"'  # a text that a spreadsheet is kept from reading as a number
    field = rb'(?:"' + inside + rb'"|' + guarded + rb'|[^"\r\n' + d + rb"]*+)"
    more = rb"(?:" + d + field + rb")*+"
    return _Grammar(
        re.compile(field + more + end),
        re.compile(rb"(?:" + field + d + rb')*+"' + inside),
        re.compile(inside + rb'"' + more + end),
        re.compile(inside + rb'"' + d + rb"(?:" + field + d + rb')*+"' + inside),
        re.compile(inside),
    )


def scan(path: Path, delimiter: str, start: int = 0, line: int = 1) -> Iterator[RawRecord]:
    """Every record of a file from a boundary on; blank lines are records without bytes. Unreadable for a
    quote that is never closed.
    """
    grammar = _grammar(delimiter.encode())
    with path.open("rb") as handle:
        handle.seek(start)
        lines = physical_lines(handle, path.name, start, line)
        for at, first, piece in lines:
            if b'"' in piece:
                yield _quoted(grammar, at, first, piece, lines, path.name)
            elif piece != CTRL_Z:
                yield RawRecord(at, first, piece, True)


def physical_lines(
    handle: BinaryIO, name: str, start: int = 0, line: int = 1
) -> Iterator[tuple[int, int, bytes]]:
    """(line, first byte, bytes) of every physical line, whichever line end it has; `start` and `line` say
    where the handle stands.
    """
    rest = b""
    while block := handle.read(_BLOCK):
        pieces = (rest + block).splitlines(keepends=True)
        rest = pieces.pop()  # may go on in the next block; a CR at its end may be half of CR LF
        if max(len(rest), len(pieces[0]) if pieces else 0) > RECORD_BYTES:
            raise _too_long(name, line)
        for piece in pieces:
            yield line, start, piece
            line, start = line + 1, start + len(piece)
    for piece in rest.splitlines(keepends=True):
        yield line, start, piece
        line, start = line + 1, start + len(piece)


def _too_long(name: str, line: int) -> Unreadable:
    zh, en = (
        f"记录超过{RECORD_BYTES >> 20} MiB或{RECORD_LINES}行",
        f"a record of more than {RECORD_BYTES >> 20} MiB or {RECORD_LINES} lines",
    )
    return Unreadable(Finding("budget.record_bytes", zh, en, name, line))


def _quoted(
    grammar: _Grammar, line: int, start: int, piece: bytes, lines: Iterator[tuple[int, int, bytes]], name: str
) -> RawRecord:
    state, whole = _first(grammar, piece), bytearray(piece)
    while state == "open":
        following = next(lines, None)
        if following is None:
            raise Unreadable(
                Finding(
                    "file.unclosed_quote", "引号未闭合,直至文件末尾", "a quote is never closed", name, line
                )
            )
        whole += following[2]
        if len(whole) > RECORD_BYTES or following[0] - line > RECORD_LINES:
            raise _too_long(name, line)
        state = _next(grammar, following[2])
        if state == "malformed":
            text = "a quoted field that began here swallows later lines"
            raise Unreadable(
                Finding("file.unclosed_quote", "引号未闭合,后续各行被并入同一字段", text, name, line)
            )
    return RawRecord(line, start, bytes(whole), state == "whole")


def _first(grammar: _Grammar, piece: bytes) -> State:
    if grammar.whole.fullmatch(piece):
        return "whole"
    return "open" if grammar.open.fullmatch(piece) else "malformed"


def _next(grammar: _Grammar, piece: bytes) -> State:
    if b'"' not in piece or grammar.inside.fullmatch(piece):
        return "open"
    if grammar.close.fullmatch(piece):
        return "whole"
    return "open" if grammar.reopen.fullmatch(piece) else "malformed"
