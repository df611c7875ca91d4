"""Periods, and working days as reference data (`schemas/codes/working_days.csv`): deadlines, never clocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from citylake.core.codes import load_codes

BEIJING = ZoneInfo("Asia/Shanghai")


SPAN = "--"
"""Between the first and the last period of a span (ISO 8601-1, 5.5.2; a slash cannot stand in a name)."""


def first_day(period: str) -> date:
    """The day on which a period (`2016`, `2016-Q1`, `2016-03`, `2016-03-14`) or a span of periods
    (`2010-01--2015-12`) begins; ValueError when there is no such day.
    """
    period = period.partition(SPAN)[0]
    quarter = {"Q1": "01", "Q2": "04", "Q3": "07", "Q4": "10"}
    parts = period.split("-")
    month = quarter.get(parts[1], parts[1]) if len(parts) > 1 else "01"
    return date(int(parts[0]), int(month), int(parts[2]) if len(parts) > 2 else 1)


def last_day(period: str) -> date:
    """The day on which a period, or the last one of a span, ends; ValueError when there is no such period."""
    period = period.rpartition(SPAN)[2]
    begun, parts = first_day(period), period.split("-")
    if len(parts) > 2:
        return begun
    months = 12 if len(parts) == 1 else 3 if parts[1].startswith("Q") else 1
    following = begun.month - 1 + months
    return date(begun.year + following // 12, following % 12 + 1, 1) - timedelta(days=1)


def beijing_day(moment: str) -> str:
    """The day in the city, ISO, on which a moment with its offset (ISO) falls."""
    return datetime.fromisoformat(moment).astimezone(BEIJING).date().isoformat()


@lru_cache(maxsize=2)
def _ordinals(root: Path) -> dict[str, int]:
    """Day -> number of working days up to and with it."""
    return {row["code"]: int(row["ordinal"]) for row in load_codes(root, "working_days")}


def working_days_after(root: Path, day: date, count: int) -> date:
    """The `count`-th working day after a day; beyond the calendar's end Monday to Friday count."""
    known = _ordinals(root)
    found, left = day, count
    while left:
        found += timedelta(days=1)
        left -= _works(known, found)
    return found


def working_day_from(root: Path, day: date) -> date:
    """A day itself where people work on it, else the next one on which they do."""
    known, found = _ordinals(root), day
    while not _works(known, found):
        found += timedelta(days=1)
    return found


def _works(known: dict[str, int], day: date) -> bool:
    if day.isoformat() in known:
        return known[day.isoformat()] > known.get((day - timedelta(days=1)).isoformat(), 0)
    return day.weekday() < 5
