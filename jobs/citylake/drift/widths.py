"""Fixed-width records of another length or order: the places of the fields are searched for, scored by what
the types take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from citylake.contract.model import Column, Contract
from citylake.drift.profile import accepts, is_strict, likeness, share
from citylake.drift.sample import Sample

_SCORED = 300  # records that score a guess
_GAIN = 0.05  # how much better than the contract's places another order must be
Spans = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Shift:
    """The places of the fields in a file, and what happened to which of them."""

    kind: str  # widened added dropped reordered; "" for none
    spans: Spans
    columns: tuple[str, ...] = ()
    record_bytes: int = 0
    added: tuple[int, int] | None = None  # bytes of a new field, from 0
    score: float = 1.0


def contracted(contract: Contract) -> Spans:
    """Field -> (first byte from 0, one past the last) as the contract says."""
    return {c.name: (c.start, c.end) for c in contract.columns if c.start is not None and c.end is not None}


def find_shift(sample: Sample, contract: Contract, reference: Sample | None, root: Path) -> Shift:
    """The likeliest places of the fields."""
    lengths = Counter(len(line) for line in sample.lines)
    length = lengths.most_common(1)[0][0] if lengths else 0
    promised = contract.record_bytes or length
    scorer = _Scorer(sample, contract, reference, root)
    guesses = list(_guesses(contracted(contract), promised, length, scorer))
    # A guess that takes the field itself as the place of change wins over its neighbour when they read alike.
    return (
        max(guesses, key=lambda g: round(g.score, 3))
        if guesses
        else Shift("", contracted(contract), record_bytes=length)
    )


def _guesses(spans: Spans, promised: int, length: int, scorer: _Scorer) -> Iterator[Shift]:
    if length > promised:
        yield from _longer(spans, promised, length, scorer)
    elif length < promised:
        yield from _shorter(spans, promised - length, length, scorer)
    else:
        yield from _swapped(spans, length, scorer)


def _longer(spans: Spans, promised: int, length: int, scorer: _Scorer) -> Iterator[Shift]:
    extra = length - promised
    if scorer.filled((promised, length)):
        yield Shift("added", spans, (), length, (promised, length), scorer.score(spans))
    for name, (_, end) in spans.items():
        moved = {
            n: (a + extra if a >= end else a, b + extra if b >= end else b) for n, (a, b) in spans.items()
        }
        yield Shift("widened", moved, (name,), length, score=scorer.score(moved))


def _shorter(spans: Spans, gone: int, length: int, scorer: _Scorer) -> Iterator[Shift]:
    for name, (start, end) in spans.items():
        if end - start == gone:
            left = {
                n: (a - gone, b - gone) if a >= end else (a, b) for n, (a, b) in spans.items() if n != name
            }
            yield Shift("dropped", left, (name,), length, score=scorer.score(left))


def _swapped(spans: Spans, length: int, scorer: _Scorer) -> Iterator[Shift]:
    plain = scorer.score(spans)
    yield Shift("", spans, (), length, score=plain)
    names = list(spans)
    for i, j in combinations(range(len(names)), 2):
        order = [*names]
        order[i], order[j] = order[j], order[i]
        moved = _placed(order, spans)
        if (score := scorer.score(moved)) > plain + _GAIN:
            yield Shift("reordered", moved, (names[i], names[j]), length, score=score)


def _placed(order: list[str], spans: Spans) -> Spans:
    """The fields one after another in another order, from where the first begins."""
    at, out = min(a for a, _ in spans.values()), Spans()
    for name in order:
        width = spans[name][1] - spans[name][0]
        out[name] = (at, at + width)
        at += width
    return {n: out[n] for n in spans}


class _Scorer:
    """How well guessed places read."""

    def __init__(self, sample: Sample, contract: Contract, reference: Sample | None, root: Path) -> None:
        self._lines, self._encoding, self._root = sample.lines[:_SCORED], sample.encoding, root
        self._columns = {c.name: c for c in contract.columns}
        self._before: dict[str, list[str]] | None = None
        if reference is not None:
            self._before = {
                n: cut(reference.lines[:_SCORED], s, reference.encoding)
                for n, s in contracted(contract).items()
            }
        self._known: dict[tuple[str, tuple[int, int]], float] = {}

    def score(self, spans: Spans) -> float:
        """The mean over the fields."""
        return sum(self._field(n, s) for n, s in spans.items()) / len(spans)

    def filled(self, span: tuple[int, int]) -> bool:
        """Whether some record holds anything there."""
        return any(line[span[0] : span[1]].strip() for line in self._lines)

    def _field(self, name: str, span: tuple[int, int]) -> float:
        if (name, span) not in self._known:
            self._known[name, span] = self._measure(self._columns[name], span)
        return self._known[name, span]

    def _measure(self, column: Column, span: tuple[int, int]) -> float:
        values = cut(self._lines, span, self._encoding)
        taken = share(values, accepts(column, self._root))
        if any("\ufffd" in v for v in values[:50]):
            taken *= 0.5
        if self._before is None:
            return taken if is_strict(column, self._root) or not values else taken * 0.9
        return taken * likeness(values, self._before[column.name])


def cut(lines: list[bytes], span: tuple[int, int], encoding: str) -> list[str]:
    """The values of a field that are not blank."""
    texts = (line[span[0] : span[1]].decode(encoding, "replace").strip() for line in lines)
    return [t for t in texts if t]
