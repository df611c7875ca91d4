"""Records of persons that were erased: which they are, how their bytes are blanked, who must not come back.

The evidence (chain `erasures`) holds keyed marks of the persons, no identifier, and of every landed file that
was rewritten its hash before and after and the numbers of the blanked records.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import landing_key
from citylake.ingest.formats.blocks import Block
from citylake.ingest.formats.records import Record
from citylake.ledger.evidence import append, events
from citylake.privacy.numbers import is_identifier
from citylake.privacy.scrub import spelled_out
from citylake.privacy.tokens import Tokens
from citylake.storage.store import Store

CHAIN = "erasures"
IN_PLACE = ("csv", "fixed_width")
"""Formats whose records can be blanked where they stand, when nothing is packed around the file."""
_BLANK = ord("*")
_WINDOWS = (re.compile(r"(?=([1-8]\d{16}[\dX]))"), re.compile(r"(?=([1-8]\d{14}))"))
Piece = Block | list[Record]


@dataclass(frozen=True)
class Span:
    """A record of a file by its number and bytes."""

    row: int
    start: int
    end: int


@dataclass(frozen=True)
class Gone:
    """What was erased so far: records by the hash of the file as delivered, and marks of persons."""

    rows: Mapping[str, frozenset[int]] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()


def gone(store: Store) -> Gone:
    """What the evidence says was erased."""
    rows, marks = dict[str, frozenset[int]](), set[str]()
    for event in events(store, CHAIN):
        marks |= set(event.facts.get("subjects", ()))
        for file in event.facts.get("files", ()):
            sha256 = file["key"].rsplit("/", 1)[1]
            rows[sha256] = rows.get(sha256, frozenset()) | set(file["rows"])
    return Gone(rows, frozenset(marks))


def demand_blankable(contract: Contract, what: str) -> None:
    """LakeError `erase.format` for a file whose records cannot be blanked where they stand."""
    if not can_blank(contract):
        raise LakeError(
            "erase.format",
            f"{contract.id} {what} holds a person in a file that cannot be blanked in place",
            now="nothing was changed; the department has to deliver this file as plain text",
        )


def can_blank(contract: Contract) -> bool:
    """Whether records of such a file can be blanked where they stand."""
    return contract.format in IN_PLACE and not contract.container


class Forgetting:
    """Finds the erased records of files while they are decoded; `named` are those of marked persons."""

    def __init__(self, gone: Gone, tokens: Tokens) -> None:
        """`tokens` make the marks."""
        self._gone, self._tokens = gone, tokens
        self.named: dict[str, list[Span]] = {}

    def keep(self, sha256: str, path: Path, contract: Contract, piece: Piece) -> list[bool] | None:
        """Which records of a piece stay; None when all of them do. LakeError `erase.format` where an erased
        person comes in a file whose bytes cannot be blanked: nothing of it is taken in.
        """
        erased = self._gone.rows.get(sha256, frozenset())
        spans = list(_spans(piece)) if erased or self._gone.marks else []
        found = {s.row for s in spans if s.row in erased}
        if self._gone.marks:
            texts = _raw(path, contract, spans) if can_blank(contract) else _cells(piece)
            named = [s for s, t in zip(spans, texts, strict=True) if s.row not in erased and self._names(t)]
            if named:
                demand_blankable(contract, f"file {sha256[:12]}")
                self.named.setdefault(sha256, []).extend(named)
                found |= {s.row for s in named}
        return [s.row not in found for s in spans] if found else None

    def _names(self, text: str) -> bool:
        return not self._gone.marks.isdisjoint(marks_in(text, self._tokens))


def bare_text(text: str) -> str:
    """The digits and Latin letters of a text, whatever marks stand around or inside it."""
    return re.sub("[^0-9A-Z]", "", spelled_out(text).upper())


def marks_in(text: str, tokens: Tokens) -> set[str]:
    """The marks of all persons whose identifiers a text may hold, in any spelling."""
    bare = bare_text(text)
    found = {m[1] for window in _WINDOWS for m in window.finditer(bare)}
    return {tokens.mark(n) for n in found if is_identifier(n)}


def _spans(piece: Piece) -> Iterator[Span]:
    if isinstance(piece, Block):
        for i, (start, end) in enumerate(zip(piece.starts.tolist(), piece.ends.tolist(), strict=True)):
            yield Span(piece.number + i, start, end)
    else:
        yield from (Span(r.number, r.start, r.end) for r in piece)


def _raw(path: Path, contract: Contract, spans: list[Span]) -> Iterator[str]:
    with path.open("rb") as file:
        for span in spans:
            file.seek(span.start)
            yield file.read(span.end - span.start).decode(contract.encoding, "replace")


def _cells(piece: Piece) -> Iterator[str]:
    if isinstance(piece, Block):
        yield from (
            "\n".join(v or "" for v in row)
            for row in zip(*(c.to_pylist() for c in piece.columns), strict=True)
        )
    else:
        yield from ("\n".join(v or "" for v in r.values) for r in piece)


def blanked(body: bytes, contract: Contract, spans: Iterable[Span]) -> bytes:
    """A file with the bytes of some records as `*`; what parts fields and lines stays, so every other record
    stands where it stood.
    """
    kept = set(b"\r\n") | (set(b'"' + contract.delimiter.encode()) if contract.format == "csv" else set())
    out = bytearray(body)
    for span in spans:
        for i in range(span.start, span.end):
            out[i] = out[i] if out[i] in kept else _BLANK
    return bytes(out)


def planned(store: Store, contract: Contract, sha256: str, spans: list[Span]) -> tuple[dict[str, Any], bytes]:
    """What an event says of a landed file that is to be rewritten, and its new bytes."""
    key = landing_key(contract.id, sha256)
    body = store.get(key)
    new = blanked(body, contract, spans)
    before, after = (hashlib.sha256(b).hexdigest() for b in (body, new))
    return {"key": key, "before": before, "after": after, "rows": sorted(s.row for s in spans)}, new


def forget_again(store: Store, contract: Contract, named: dict[str, list[Span]], receipt: int) -> None:
    """Blank the records of erased persons that a later delivery brought, in landing and inbox."""
    plans = [planned(store, contract, sha256, spans) for sha256, spans in named.items()]
    append(
        store,
        CHAIN,
        "suppressed",
        None,
        {"receipt": receipt, "dataset": contract.id, "files": [f for f, _ in plans]},
    )
    for file, new in plans:
        store.put(file["key"], new)
    clear_inbox(store, contract, set(named))


def clear_inbox(store: Store, contract: Contract, delivered: set[str]) -> list[str]:
    """Take the files with these hashes out of the inbox; the keys."""
    keys = [k for k in store.sizes(f"inbox/{contract.id}/") if not k.endswith((".json", ".sig"))]
    gone = [k for k in keys if hashlib.sha256(store.get(k)).hexdigest() in delivered]
    for key in gone:
        store.delete(key)
    return gone
