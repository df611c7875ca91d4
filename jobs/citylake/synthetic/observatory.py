"""What the stations of the city truly observe, hour by hour: the one truth behind the hourly feed, the daily
set, ISD-Lite and the warnings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from citylake.synthetic.world import codes, hours, rain_hours

# A station that moved keeps its number: from that hour it reports the new place.
MOVES = {
    "54333": (
        datetime(2016, 2, 15, 9),
        {"latitude": "42.0167", "longitude": "122.8333", "altitude_m": "33.5"},
    )
}
COLD_NIGHT = date(2016, 1, 23)  # a true extreme
CALM_HOURS = 12


@dataclass(frozen=True)
class Hour:
    """What one station observed in the hour that ends at `at` (Beijing time); rain in 0.1 mm, temperature in
    0.1 degrees Celsius.
    """

    station: str
    at: datetime
    temperature: int
    rain: int
    humidity: int
    wind_direction: int
    wind_speed: float
    lost: bool  # the feed of that hour never arrived

    @property
    def day(self) -> date:
        """The meteorological day: it ends at 20:00."""
        return (self.at + timedelta(hours=3)).date()

    @property
    def calendar_day(self) -> date:
        """The calendar day; midnight ends the day before."""
        return (self.at - timedelta(hours=1)).date()


@lru_cache(maxsize=4)
def observed(seed: int, month: date, root: Path) -> tuple[Hour, ...]:
    """Every hour of a month at every station."""
    rng, rain = Random(f"{seed}/weather/{month}"), rain_hours(seed, month)
    stations = [s["code"] for s in codes(root, "weather_stations")]
    lost, calm = _outages(seed, month, stations), _calm(seed, month, stations)
    found: list[Hour] = []
    for n, at in enumerate(hours(month)):
        for k, station in enumerate(stations):
            wet = rain.get(n, 0.0) * (1 if k == 0 else rng.choice((0, 0.6, 1, 1.3)))
            direction, speed = rng.randrange(0, 360), abs(rng.gauss(2.5, 1.5))
            still = (station, n) in calm
            found.append(
                Hour(
                    station,
                    at,
                    round(_warm(at, k, rng) * 10),
                    round(min(wet, 120) * 10),
                    min(98, int(55 + wet * 8 + rng.gauss(0, 8))),
                    0 if still else direction,
                    0.0 if still else speed,
                    (station, n) in lost,
                )
            )
    return tuple(found)


def _warm(at: datetime, station: int, rng: Random) -> float:
    mean = -11 + 17.5 * (1 - math.cos((at.month - 1) * math.pi / 6))
    cold = 15 if at.date() == COLD_NIGHT and at.hour < 8 else 0
    return mean + 5 * math.sin((at.hour - 9) * math.pi / 12) + rng.gauss(0, 1.2) - station * 0.4 - cold


def _outages(seed: int, month: date, stations: list[str]) -> set[tuple[str, int]]:
    """(station, hour of the month) that never arrived: one long outage, and single hours here and there."""
    rng = Random(f"{seed}/outages/{month}")
    station, start, length = rng.choice(stations), rng.randrange(48, 24 * 25), rng.randrange(14, 40)
    single = {(rng.choice(stations), rng.randrange(24, 24 * 27)) for _ in range(6)}
    return single | {(station, start + h) for h in range(length)}


def _calm(seed: int, month: date, stations: list[str]) -> set[tuple[str, int]]:
    """Twelve hours without wind at one station: true, and no stuck sensor."""
    rng = Random(f"{seed}/calm/{month}")
    station, start = rng.choice(stations), rng.randrange(24 * 26)
    return {(station, start + h) for h in range(CALM_HOURS)}


def place(station: dict[str, str], at: datetime) -> dict[str, str]:
    """Latitude, longitude and altitude of a station at an hour."""
    moved = MOVES.get(station["code"])
    if moved and at >= moved[0]:
        return moved[1]
    return {n: station[n] for n in ("latitude", "longitude", "altitude_m")}


def met_days(
    seed: int, month: date, root: Path
) -> Iterator[tuple[str, date, tuple[Hour, ...], tuple[Hour, ...]]]:
    """(station, day, its 24 hours to 20:00, its 24 hours to midnight) of every meteorological day that ends
    in the month.
    """
    before = (month - timedelta(days=1)).replace(day=1)
    after = (month + timedelta(days=32)).replace(day=1)
    met: dict[tuple[date, str], list[Hour]] = {}
    calendar: dict[tuple[date, str], list[Hour]] = {}
    for hour in (*observed(seed, before, root), *observed(seed, month, root), *observed(seed, after, root)):
        met.setdefault((hour.day, hour.station), []).append(hour)
        calendar.setdefault((hour.calendar_day, hour.station), []).append(hour)
    for day, station in sorted(d for d in met if d[0].replace(day=1) == month):
        yield station, day, tuple(met[day, station]), tuple(calendar[day, station])
