"""Rows of a released table beside those of its oracle, cell by cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Near:
    """A number that the lake may give with so much less or more."""

    value: float
    within: float


@dataclass(frozen=True)
class Score:
    """How far a table is what its oracle says: columns compared, those that differ, and why."""

    rows: int
    columns: int
    wrong: Mapping[str, str]  # column -> how many cells differ, with the first of them


def cell(value: Any) -> str:
    """A value as text: decimals without trailing zeros, so that the scale of a type is no difference."""
    match value:
        case bool():
            return str(value)
        case Decimal():
            return f"{value.normalize() + 0:f}"
        case float():
            return f"{value:.9g}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, Near):
        return got is not None and abs(float(got) - wanted.value) <= wanted.within
    return cell(got) == cell(wanted)


def compared(got: Iterable[Row], wanted: Iterable[Row], keys: Sequence[str], columns: Sequence[str]) -> Score:
    """Rows are paired by key; a row that one side lacks is a difference of the key."""
    mine, theirs = (_by_key(rows, keys) for rows in (got, wanted))
    wrong: dict[str, list[str]] = defaultdict(list)
    for key in mine.keys() ^ theirs.keys():
        side = "only in the table" if key in mine else "only in the oracle"
        wrong[" ".join(keys)].append(f"{key} {side}")
    for key in mine.keys() & theirs.keys():
        for column in columns:
            if not _same(mine[key][column], theirs[key][column]):
                wrong[column].append(f"{key}: {cell(mine[key][column])} for {cell(theirs[key][column])}")
    told = {c: f"{len(w)} of {len(theirs)}, {min(w)}" for c, w in wrong.items()}
    return Score(len(mine), len(columns), told)


def _by_key(rows: Iterable[Row], keys: Sequence[str]) -> dict[tuple[str, ...], Row]:
    told = [(tuple(cell(r[k]) for k in keys), r) for r in rows]
    twice = [k for k, n in Counter(k for k, _ in told).items() if n > 1]
    assert not twice, f"several rows of one key: {twice[:3]}"
    return dict(told)
