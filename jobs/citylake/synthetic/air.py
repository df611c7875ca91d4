"""The air of the synthetic city as its platform records it: hours of every station, with sensors that fail
and a truth about them.

A cell whose sensor or platform is at fault has a mark beside it: `#<station>` holds the kind (a code of
`sensor_faults`), which is never
delivered. Numbers are thousandths of the unit until they are written (CO mg/m3, others ug/m3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from citylake.synthetic.world import Row, codes, hours

LEVELS = {
    "PM10": 100,
    "PM2.5": 62,
    "SO2": 60,
    "NO2": 45,
    "O3": 55,
    "CO": 1.1,
}  # the order in which they are made: PM2.5 is a part of PM10
PARTICLE_DAYS = ("PM2.5", "PM10")
ENOUGH = 20  # hours of which the platform makes a day's mean
TOP = 1_900_000
CO_TOP = 150_000  # thousandths of mg/m3; above it a value of CO is one in ug/m3
Cells = dict[str, dict[str, int | None]]  # item -> station -> thousandths


@dataclass(frozen=True)
class Spell:
    """One fault, or one thing that looks like a fault, of a sensor or the platform, both ends included."""

    id: str  # of the defect catalogue; "" where it has none
    kind: str
    stations: tuple[str, ...]
    item: str  # "" = all
    first: datetime
    last: datetime

    def covers(self, at: datetime, item: str, station: str) -> bool:
        """Whether a cell lies in it."""
        return self.first <= at <= self.last and station in self.stations and self.item in ("", item)

    def logged(self) -> Iterator[dict[str, Any]]:
        """Its lines of truth, one per station."""
        for station in self.stations:
            facts = {"id": self.id or self.kind, "kind": self.kind, "station": station, "item": self.item}
            yield facts | {"from": self.first.isoformat(), "to": self.last.isoformat()}


# Kind -> (id, how many a month, stations, items, shortest, longest in hours). Outages, calms and peaks are
# facts of the city, not faults.
PLAN: dict[str, tuple[str, int, int, tuple[str, ...], int, int]] = {
    "stuck": ("D63", 2, 1, tuple(LEVELS), 26, 70),
    "replay": ("D64", 1, 2, tuple(LEVELS), 26, 50),
    "inverted": ("D66", 3, 1, PARTICLE_DAYS[:1], 1, 6),
    "co_unit": ("D67", 1, 1, ("CO",), 6, 60),
    "other_edition": ("D68", 1, 1, ("AQI",), 24, 48),
    "short_mean": ("D69", 2, 1, ("",), 6, 15),
    "clock_shift": ("", 1, 1, ("",), 48, 96),
    "outage": ("", 2, 1, ("",), 6, 15),
    "calm": ("", 2, 1, ("SO2", "NO2", "O3"), 8, 18),
}
CONTROLS = ("outage", "calm", "peak")
SHIFT = 8  # hours by which a clock in UTC is late


@lru_cache(maxsize=32)
def spells(seed: int, month: date, root: Path) -> tuple[Spell, ...]:
    """What goes wrong in a month: every spell in a week and at stations of its own, so that none hides
    another.
    """
    rng, stations = Random(f"{seed}/sensors/{month}"), on_duty(month, root)
    free = [(week, s) for week in range(4) for s in stations]
    found = [_peak(rng, month, stations)]
    for kind, (number, count, together, items, least, most) in PLAN.items():
        for _ in range(count):
            week = rng.choice([w for w in range(4) if sum(f[0] == w for f in free) >= together])
            chosen = rng.sample([s for w, s in free if w == week], together)
            free = [f for f in free if f[0] != week or f[1] not in chosen]
            first, last = _within(
                rng, kind, datetime(month.year, month.month, 1 + 7 * week), rng.randint(least, most)
            )
            found.append(Spell(number, kind, tuple(sorted(chosen)), rng.choice(items), first, last))
    return tuple(found)


def _peak(rng: Random, month: date, stations: tuple[str, ...]) -> Spell:
    """An hour of fireworks: every neighbour shows it, so it is true."""
    at = datetime(month.year, month.month, rng.randrange(2, 28), 22)
    return Spell("D65", "peak", stations, "", at, at)


def _within(rng: Random, kind: str, week: datetime, length: int) -> tuple[datetime, datetime]:
    """Whole days for a clock and an edition, one day for what takes a day's hours, any hours for the
    others.
    """
    if kind in ("clock_shift", "other_edition"):
        first = week + timedelta(days=rng.randrange(1, 3))
        return first, first + timedelta(hours=length // 24 * 24 - 1)
    if kind in ("short_mean", "outage"):
        first = week + timedelta(days=rng.randrange(7), hours=rng.randrange(0, 24 - length - 1))
    else:
        first = week + timedelta(hours=rng.randrange(12, 7 * 24 - 72))
    return first, first + timedelta(hours=length - 1)


def on_duty(month: date, root: Path) -> tuple[str, ...]:
    """The stations of a month: they come and go."""
    first, last = f"{month:%Y-%m}-01", f"{month:%Y-%m}-31"
    return tuple(
        s["code"]
        for s in codes(root, "air_stations")
        if s["valid_from"] <= last and (not s["valid_to"] or s["valid_to"] >= first)
    )


def air(seed: int, month: date, root: Path) -> Iterator[Row]:
    """Hourly lines, one column per station: six items, the platform's AQI, and at 23:00 its day means of
    particles.
    """
    stations, planned = on_duty(month, root), spells(seed, month, root)
    rng, held = Random(f"{seed}/air/{month}"), dict[tuple[str, str], int | None]()
    past: list[Cells] = []
    today: list[Cells] = []
    for at, level in _city(seed, month):
        true = _true(rng, at, level, stations, planned)
        past = [*past[-SHIFT:], true]
        recorded, marks = _recorded(at, true, past, held, planned)
        today = [*(today if at.hour else ()), _sound(recorded, marks)]
        for item in (*LEVELS, "AQI"):
            cells = recorded[item] if item != "AQI" else _aqi_cells(at, recorded, marks, planned, root)
            yield _line(at, item, cells, marks.get(item, {}))
        if at.hour == 23:
            yield from _day_means(at, today, planned)


def _city(seed: int, month: date) -> Iterator[tuple[datetime, float]]:
    """Every hour and how much of the usual the whole city has: smog days in winter are true extremes."""
    rng = Random(f"{seed}/city air/{month}")
    smog = {rng.randrange(1, 28) for _ in range(3)} if month.month in (1, 2, 3, 11, 12) else set[int]()
    days = {d: math.exp(rng.gauss(-0.1, 0.4)) for d in range(1, 32)}
    swing = 0.0
    for at in hours(month):
        swing = 0.7 * swing + rng.gauss(0, 0.16)
        day = 4.5 if at.day in smog else days[at.day]
        yield (
            at,
            (1.2 if month.month in (1, 2, 11, 12) else 0.8)
            * day
            * math.exp(swing)
            * (1 + 0.25 * math.sin((at.hour - 6) * math.pi / 12)),
        )


def _true(
    rng: Random, at: datetime, level: float, stations: tuple[str, ...], planned: tuple[Spell, ...]
) -> Cells:
    """What the air holds at every station; one cell in a hundred is missing, and all of a station without
    power.
    """
    out: Cells = {item: {} for item in LEVELS}
    for s in stations:
        active = [p.kind for p in planned if p.covers(at, "", s)]
        for item, usual in LEVELS.items():
            near = rng.uniform(0.8, 1.2)
            value = usual * level * near * 1000 * (3 if "peak" in active else 1)
            if item == "PM2.5":
                value = (out["PM10"][s] or value) * rng.uniform(0.5, 0.75)
            step = 10 if item == "CO" else 1000
            whole = max(min(int(value), TOP) // step * step, step)
            missing = rng.random() < 0.01 or "outage" in active or "short_mean" in active
            out[item][s] = None if missing else whole
    return out


def _recorded(
    at: datetime,
    true: Cells,
    past: list[Cells],
    held: dict[tuple[str, str], int | None],
    planned: tuple[Spell, ...],
) -> tuple[Cells, dict[str, dict[str, str]]]:
    """What the platform records of it, and the kind of fault per item and station."""
    recorded: Cells = {item: dict(cells) for item, cells in true.items()}
    marks: dict[str, dict[str, str]] = {}
    for spell in (
        p
        for p in planned
        if p.first <= at <= p.last and p.kind not in ("outage", "peak", "short_mean", "other_edition")
    ):
        for s in spell.stations:
            for item in (spell.item,) if spell.item else tuple(LEVELS):
                recorded[item][s] = _faulty(spell, s, item, recorded, past, held)
                if spell.kind not in CONTROLS:
                    marks.setdefault(item, {})[s] = spell.kind
            if spell.kind == "inverted":
                marks.setdefault("PM10", {})[s] = spell.kind
    for spell in (p for p in planned if p.last < at <= p.last + timedelta(hours=3)):
        for s in spell.stations:
            for item, cells in recorded.items():
                after = cells[s]
                if after is not None:
                    cells[s] = _unlike(after, [held.get((s, item + spell.first.isoformat()))])
    return recorded, marks


def _faulty(
    spell: Spell,
    station: str,
    item: str,
    now: Cells,
    past: list[Cells],
    held: dict[tuple[str, str], int | None],
) -> int | None:
    """The number that a sensor at fault gives."""
    if spell.kind == "clock_shift":
        return past[0][item][station]
    if spell.kind == "inverted":
        now["PM10"][station] = now["PM10"][station] or 90_000
        return min((now["PM10"][station] or 0) * 6 // 5 // 1000 * 1000 + 3000, TOP + 90_000)
    if spell.kind == "co_unit":
        return (now[item][station] or 1000) * 1000
    key = (station, item + spell.first.isoformat())
    return held.setdefault(
        key, _unlike(now[item][station] or 30_000, [hour[item][station] for hour in past[-4:-1]])
    )


def _unlike(value: int, others: Sequence[int | None]) -> int:
    """The value, or the next that is none of the others: a run of equal values begins and ends where the
    truth says.
    """
    while value in others:
        value += 1000
    return value


def _sound(recorded: Cells, marks: dict[str, dict[str, str]]) -> Cells:
    """What the platform's own review leaves for a day's mean."""
    return {
        i: {s: None if marks.get(i, {}).get(s) in ("stuck", "replay") else v for s, v in cells.items()}
        for i, cells in recorded.items()
    }


def _day_means(at: datetime, today: list[Cells], planned: tuple[Spell, ...]) -> Iterator[Row]:
    """24 h means of particles; a station short of hours has none, but for one whose platform does not count
    them (D69).
    """
    for item in PARTICLE_DAYS:
        cells, marks = dict[str, int | None](), dict[str, str]()
        for s in today[-1][item]:
            known = [v for v in (hour[item].get(s) for hour in today) if v is not None]
            careless = any(
                p.kind == "short_mean" and s in p.stations and p.first.date() == at.date() for p in planned
            )
            cells[s] = (
                round(sum(known) / len(known) / 1000) * 1000
                if known and (careless or len(known) >= ENOUGH)
                else None
            )
            if careless and known:
                marks[s] = "short_mean"
        yield _line(at, f"{item}_24h", cells, marks)


def _aqi_cells(
    at: datetime, recorded: Cells, marks: dict[str, dict[str, str]], planned: tuple[Spell, ...], root: Path
) -> dict[str, int | None]:
    """The platform's AQI of the hour by the edition of 2012; where the wrong edition gives another number the
    cell is marked.
    """
    out: dict[str, int | None] = {}
    for s in recorded["CO"]:
        found = {item: cells[s] for item, cells in recorded.items() if cells[s] is not None}
        if marks.get("CO", {}).get(s) == "co_unit":
            found["CO"] = (found["CO"] or 0) // 1000
        right = aqi(found, "HJ 633-2012", root)
        wrong = (
            aqi(found, "HJ 633-2026", root)
            if any(p.kind == "other_edition" and p.covers(at, "AQI", s) for p in planned)
            else right
        )
        if wrong != right and len(found) == len(LEVELS):
            marks.setdefault("AQI", {})[s] = "other_edition"
        out[s] = None if right is None else (wrong or right) * 1000
    return out


def aqi(values: dict[str, int | None], edition: str, root: Path) -> int | None:
    """The hourly index of thousandths by item."""
    each = [_index(v, _bands(root, edition, item)) for item, v in values.items() if v is not None]
    return max((i for i in each if i is not None), default=None)


def _index(value: int, bands: tuple[tuple[int, int | None, int | None, int | None], ...]) -> int | None:
    for low, high, index_low, index_high in bands:
        if high is None or value <= high * 1000:
            if high is None or index_low is None or index_high is None:
                return index_low
            return index_low + -((value - low * 1000) * (index_low - index_high) // ((high - low) * 1000))
    return None


@lru_cache(maxsize=64)
def _bands(root: Path, edition: str, item: str) -> tuple[tuple[int, int | None, int | None, int | None], ...]:
    rows = [
        r
        for r in codes(root, "aqi_breakpoints")
        if (r["edition"], r["item_code"], r["averaging"]) == (edition, item, "1h")
    ]
    return tuple(
        (int(r["bp_lo"]), *(int(r[c]) if r[c] else None for c in ("bp_hi", "iaqi_lo", "iaqi_hi")))
        for r in rows
    )  # pyright: ignore[reportReturnType]


def _line(at: datetime, item: str, cells: dict[str, int | None], marks: dict[str, str]) -> Row:
    texts = {
        s: "" if v is None else f"{v / 1000:.2f}".removesuffix(".00") if item == "CO" else str(v // 1000)
        for s, v in cells.items()
    }
    return {
        "date": f"{at:%Y%m%d}",
        "hour": str(at.hour),
        "item_code": item,
        **texts,
        **{f"#{s}": kind for s, kind in marks.items()},
        **_in_another_unit(cells, marks),
    }


def _in_another_unit(cells: dict[str, int | None], marks: dict[str, str]) -> Row:
    """The truth about a line whose cell is so large that no CO in mg/m3 can be: a row rule must flag it."""
    for station, kind in marks.items():
        if kind == "co_unit" and (cells[station] or 0) > CO_TOP:
            return {
                "#finding": "D67",
                "#station": station,
                "#rule": "air_quality_hourly.co_in_ugm3",
                "#expect": "flag",
            }
    return {}
