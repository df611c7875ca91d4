"""What all themes of the city share: its seed and size, its code lists, its hours and its rain."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from citylake.contract.model import Contract
from citylake.core.settings import ROOT

Row = dict[str, str]


@dataclass(frozen=True)
class World:
    """One city: everything in it follows from the seed; `scale` multiplies the numbers that a theme
    states.
    """

    seed: int
    scale: float
    contracts: Mapping[str, Contract]
    root: Path = ROOT

    def size(self, number: int) -> int:
        """A theme's number at this city's scale."""
        return max(10, int(number * self.scale))


@lru_cache(maxsize=32)
def codes(root: Path, name: str) -> tuple[dict[str, str], ...]:
    """A code list of the project."""
    with (root / "schemas" / "codes" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


@lru_cache(maxsize=64)
def rain_hours(seed: int, month: date) -> dict[int, float]:
    """Hour of the month -> millimetres: a few spells, more in summer; dry otherwise."""
    rng = Random(f"{seed}/rain/{month}")
    out: dict[int, float] = {}
    for _ in range(3 + (5 if month.month in (6, 7, 8) else 0)):
        start, length = rng.randrange(24 * 28), rng.randrange(3, 14)
        peak = rng.uniform(0.4, 3 if month.month in (12, 1, 2) else 18)
        for h in range(length):
            out[start + h] = round(peak * math.sin(math.pi * (h + 1) / (length + 1)), 1)
    return out


def hours(month: date) -> Iterator[datetime]:
    """The hours of a month, Beijing time."""
    at = datetime(month.year, month.month, 1)
    while at.month == month.month:
        yield at
        at += timedelta(hours=1)


def month_end(month: date) -> datetime:
    """09:30 on the first day after a month."""
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime(following.year, following.month, 1, 9, 30)
