"""Which column of a file is which column of the contract when the header differs: renamed, split, added,
dropped, in another order.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

from citylake.contract.meaning import header_key
from citylake.contract.model import Column, Contract
from citylake.drift.profile import accepts, is_strict, likeness, share
from citylake.drift.sample import UNNAMED, Sample, header_columns

_PAIRED = 0.5  # least score of a renaming
_JOINTS = ("", " ", "T", "-", "/", "·")


@dataclass(frozen=True)
class Renamed:
    """A column under another header text."""

    column: Column
    position: int
    score: float


@dataclass(frozen=True)
class Split:
    """A column whose values now stand in two."""

    column: Column
    positions: tuple[int, int]
    score: float


@dataclass
class Alignment:
    """A file's header against the nearest layout of its contract."""

    layout: str
    placed: dict[str, int]  # contract column -> position
    missing: list[Column]
    unknown: list[int]
    renamed: list[Renamed] = field(default_factory=list)
    split: list[Split] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    @property
    def positions(self) -> dict[str, int]:
        """Contract column -> position, renamed ones included."""
        return self.placed | {r.column.name: r.position for r in self.renamed}


def align(sample: Sample, contract: Contract, reference: Sample | None, root: Path) -> Alignment:
    """The nearest layout, then splits and renamings among what is left, then the order."""
    found = max(
        (_nearest(sample, contract, y) for y in contract.layouts or ("",)),
        key=lambda a: (len(a.placed), -len(a.missing), -_disorder(a, contract)),
    )
    old = align(reference, contract, None, root) if reference is not None and found.missing else None
    matcher = _Matcher(sample, reference, old, contract, found, root)
    found.split = matcher.splits()
    found.renamed = matcher.renamings()
    gone = {r.column.name for r in found.renamed} | {s.column.name for s in found.split}
    used = {r.position for r in found.renamed} | {p for s in found.split for p in s.positions}
    found.missing = [c for c in found.missing if c.name not in gone]
    found.unknown = [p for p in found.unknown if p not in used]
    if contract.format not in ("json", "jsonl"):
        found.moved = _moved(found, contract)
    return found


def _nearest(sample: Sample, contract: Contract, layout: str) -> Alignment:
    wanted = {header_key(c.header(layout)): c for c in header_columns(contract, layout)}
    placed = {wanted[t].name: i for i, t in enumerate(sample.header) if t in wanted}
    unknown = [i for i, t in enumerate(sample.header) if t not in wanted and not _ignored(t, contract)]
    return Alignment(layout, placed, [c for c in wanted.values() if c.name not in placed], unknown)


def _ignored(text: str, contract: Contract) -> bool:
    """Unnamed columns, those that the contract leaves alone, and the cell columns of a wide file, are no
    drift.
    """
    return (
        bool(UNNAMED.fullmatch(text))
        or contract.ignores(text)
        or (contract.unpivot is not None and re.fullmatch(contract.unpivot["header"], text) is not None)
    )


def _disorder(found: Alignment, contract: Contract) -> int:
    return len(_moved(found, contract))


def _moved(found: Alignment, contract: Contract) -> list[str]:
    """The fewest columns that must move to restore the contract's order."""
    positions = found.positions
    wanted = [c.name for c in header_columns(contract, found.layout) if c.name in positions]
    actual = sorted(wanted, key=lambda n: positions[n])
    kept: set[str] = set()
    for block in difflib.SequenceMatcher(a=wanted, b=actual, autojunk=False).get_matching_blocks():
        kept.update(wanted[block.a : block.a + block.size])
    return [n for n in actual if n not in kept]


class _Matcher:
    """Scores how well a column of the file can be a missing column of the contract."""

    def __init__(
        self,
        sample: Sample,
        reference: Sample | None,
        old: Alignment | None,
        contract: Contract,
        found: Alignment,
        root: Path,
    ) -> None:
        self._sample, self._reference, self._old = sample, reference, old
        self._contract, self._found, self._root = contract, found, root
        self._order = [c.name for c in header_columns(contract, found.layout)]
        self._split: list[Split] = []

    def splits(self) -> list[Split]:
        """A missing column whose values are two neighbouring new columns put together."""
        for column in self._found.missing:
            pairs = [
                (a, b)
                for a, b in zip(self._found.unknown, self._found.unknown[1:], strict=False)
                if b == a + 1
            ]
            scored = [Split(column, p, s) for p in pairs if (s := self._joined(column, p)) > 0]
            if scored:
                self._split.append(max(scored, key=lambda s: s.score))
        return self._split

    def renamings(self) -> list[Renamed]:
        """The best pairs of a missing and an unknown column, each used once."""
        done = {s.column.name for s in self._split}
        used = {p for s in self._split for p in s.positions}
        missing = [c for c in self._found.missing if c.name not in done]
        pairs = [
            Renamed(c, p, self._score(c, p)) for c in missing for p in self._found.unknown if p not in used
        ]
        out: list[Renamed] = []
        for pair in sorted(pairs, key=lambda r: -r.score):
            if pair.score >= _PAIRED and pair.column.name not in done and pair.position not in used:
                out.append(pair)
                done.add(pair.column.name)
                used.add(pair.position)
        return out

    def _joined(self, column: Column, pair: tuple[int, int]) -> float:
        """How much better two columns together fit than the better one alone; 0 where they do not."""
        a, b = pair
        rows = [
            (r[a].strip(), r[b].strip())
            for r in self._sample.rows
            if len(r) > b and (r[a].strip() or r[b].strip())
        ]
        if not rows:
            return 0.0
        whole = max(self._fit(column, [x + j + y for x, y in rows]) for j in _JOINTS)
        alone = max(self._fit(column, self._sample.values(p)) for p in pair)
        return whole if whole >= 0.8 and whole > alone + 0.2 else 0.0

    def _score(self, column: Column, position: int) -> float:
        """Header text, place between the same neighbours, and values, weighed."""
        fit = self._fit(column, self._sample.values(position))
        if fit < 0.3:
            return 0.0
        return round(0.3 * self._text(column, position) + 0.3 * self._place(column, position) + 0.4 * fit, 3)

    def _text(self, column: Column, position: int) -> float:
        new = self._sample.header[position].lower()
        names = {
            column.header(self._found.layout),
            column.label.zh,
            column.label.en,
            column.name,
            *column.headers.values(),
        }
        return max(difflib.SequenceMatcher(None, new, n.lower()).ratio() for n in names)

    def _place(self, column: Column, position: int) -> float:
        """1 where the neighbours on both sides are the contract's, one half for one side."""
        at = self._order.index(column.name)
        before = self._found.placed.get(self._order[at - 1]) if at else -1
        after = (
            self._found.placed.get(self._order[at + 1])
            if at + 1 < len(self._order)
            else len(self._sample.header)
        )
        return ((before == position - 1) + (after == position + 1)) / 2

    def _fit(self, column: Column, values: list[str]) -> float:
        """Values against the type and against the same column of the reference."""
        taken = share(values, accepts(column, self._root)) if values else 0.5
        if self._reference is None or self._old is None or column.name not in self._old.positions:
            return taken if is_strict(column, self._root) else taken * 0.7
        return taken * likeness(values, self._reference.values(self._old.positions[column.name]))
