"""Answers to the questions about weather, from the truth of the city by plain Python: slow, and without the
marts' code.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.oracles.city import City

Tuple = tuple[Any, ...]
Key = tuple[str, date]
LIMITS = (
    (Decimal("250"), "extreme_rainstorm"),
    (Decimal("100"), "severe_rainstorm"),
    (Decimal("50"), "rainstorm"),
    (Decimal("25"), "heavy"),
)
LIMITS_BELOW = ((Decimal("10"), "moderate"), (Decimal("0.1"), "light"))
HOUR, MISSING = timedelta(hours=1), "32766"
MET, CALENDAR = (
    timedelta(hours=3),
    -HOUR,
)  # an hour that ends at 20:00 is of that day; one that ends at 00:00 of the day before


def hour_of(row: dict[str, str]) -> datetime:
    return datetime(int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]))


def days_of(city: City, shift: timedelta) -> dict[Key, list[dict[str, str]]]:
    """The hourly rows of every station and day; `shift` says where the day ends."""
    found: dict[Key, list[dict[str, str]]] = defaultdict(list)
    for row in city.rows("weather/station_hourly"):
        found[row["station_code"], (hour_of(row) + shift).date()].append(row)
    return found


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def rain_of(rows: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(r["rain_mm"]) for r in rows), Decimal(0))


def warm_of(rows: list[dict[str, str]]) -> list[Decimal]:
    return [Decimal(r["temperature_celsius"]) for r in rows]


def rain_class(amount: Decimal) -> str:
    return next((name for limit, name in (*LIMITS, *LIMITS_BELOW) if amount >= limit), "none")


def rain_class_days(city: City) -> list[Tuple]:
    """Days by station, month and class; a day with fewer than 24 hours has a gap."""
    days, short = Counter[Tuple](), Counter[Tuple]()
    for (station, day), rows in days_of(city, MET).items():
        key = station, f"{day:%Y-%m}", rain_class(rain_of(rows))
        days[key] += 1
        short[key] += len(rows) < 24
    return [(*key, n, short[key]) for key, n in days.items()]


def day_boundary_changes_class(city: City) -> list[Tuple]:
    """Days of both kinds whose classes differ."""
    calendar = days_of(city, CALENDAR)
    pairs = (
        (k, rain_of(rows), rain_of(calendar[k])) for k, rows in days_of(city, MET).items() if k in calendar
    )
    return [
        (station, day, a, rain_class(a), b, rain_class(b))
        for (station, day), a, b in pairs
        if rain_class(a) != rain_class(b)
    ]


def longest_gap(city: City) -> list[Tuple]:
    """The longest run of hours without a row between the first and the last row of a station."""
    seen: dict[str, set[datetime]] = defaultdict(set)
    for row in city.rows("weather/station_hourly"):
        seen[row["station_code"]].add(hour_of(row))
    found = []
    for station, hours in seen.items():
        found_spells = spells(hours)
        if found_spells:
            length, first = max(found_spells, key=lambda s: (s[0], -s[1].timestamp()))
            found.append((station, f"{first:%Y-%m-%d %H:%M}", length, len(found_spells)))
    return found


def spells(hours: set[datetime]) -> list[tuple[int, datetime]]:
    """(hours missing, first missing hour)."""
    found, at, last, length = [], min(hours), max(hours), 0
    while at <= last:
        if at in hours:
            if length:
                found.append((length, at - length * HOUR))
            length = 0
        else:
            length += 1
        at += HOUR
    return found


def freeze_thaw_days(city: City) -> list[Tuple]:
    """Calendar days with hours below and above 0 degrees."""
    days, both = Counter[Tuple](), Counter[Tuple]()
    lowest: dict[Tuple, Decimal] = {}
    for (station, day), rows in days_of(city, CALENDAR).items():
        key, warm = (station, f"{day:%Y-%m}"), warm_of(rows)
        days[key] += 1
        both[key] += min(warm) < 0 < max(warm)
        lowest[key] = min(lowest.get(key, min(warm)), min(warm))
    return [(*key, both[key], n, lowest[key]) for key, n in days.items()]


def decoded(code: int) -> tuple[str, Decimal | None]:
    """Kind and amount of a precipitation of the daily set; exact codes first."""
    exact = {32766: ("missing", None), 32700: ("trace", Decimal(0)), 32744: ("blank", None)}
    if code in exact:
        return exact[code]
    for base, kind in ((32000, "frost"), (31000, "rain_and_snow"), (30000, "snow"), (0, "measured")):
        if code >= base:
            return kind, Decimal(code - base) / 10
    raise ValueError(code)


def snow_frost_trace_days(city: City) -> list[Tuple]:
    """Days and amounts of the daily set by kind; an amount that is never there stays unknown."""
    days = Counter[Tuple]()
    amounts: dict[Tuple, Decimal | None] = {}
    for row in city.rows("weather/climate_daily_rain"):
        kind, amount = decoded(int(row["rain_20_20_mm"]))
        key = row["station_code"], kind
        days[key] += 1
        amounts[key] = amount if amounts.get(key) is None else amounts[key] + (amount or Decimal(0))  # pyright: ignore[reportOptionalOperand]
    return [(*key, n, amounts[key]) for key, n in days.items()]


def warnings_with_their_rain(city: City) -> list[Tuple]:
    """Rain of the wettest station between issue and lifting; the last sending of a warning counts."""
    latest = {r["warning_no"]: r for r in city.rows("weather/warning")}
    hours = [
        (r["station_code"], hour_of(r), Decimal(r["rain_mm"])) for r in city.rows("weather/station_hourly")
    ]
    found: list[Tuple] = []
    for number, row in latest.items():
        if row["warning_kind"] in ("暴雨", "暴雪"):
            found.append((number, row["warning_kind"], row["warning_level"], *in_force(row, hours)))
    return found


def in_force(row: dict[str, str], hours: list[tuple[str, datetime, Decimal]]) -> Tuple:
    issued = datetime.fromisoformat(row["issued_at"])
    lifted = datetime.fromisoformat(row["lifted_at"]) if row["lifted_at"] else None
    fell: dict[str, list[Decimal]] = defaultdict(list)
    for station, at, mm in hours:
        if at > issued and (lifted is None or at <= lifted):
            fell[station].append(mm)
    minutes = int((lifted - issued).total_seconds() // 60) if lifted else None
    if not fell:
        return minutes, None, 0, None, None
    station = min(fell, key=lambda s: (-sum(fell[s]), s))
    return minutes, station, len(fell[station]), sum(fell[station]), max(fell[station])


def daily_set_against_hours(city: City) -> list[Tuple]:
    """How many days of each finding, and the largest difference among them."""
    days = Counter[Tuple]()
    largest: dict[Tuple, Decimal] = {}
    for station, day, element, finding, difference in _compared(city):
        key = station, f"{day:%Y-%m}", element, finding
        days[key] += 1
        if difference is not None:
            largest[key] = max(largest.get(key, Decimal(0)), abs(difference))
    return [(*key, n, largest.get(key)) for key, n in days.items()]


def _compared(city: City) -> Iterator[tuple[str, date, str, str, Decimal | None]]:
    met, calendar = days_of(city, MET), days_of(city, CALENDAR)
    for row in city.rows("weather/climate_daily_rain"):
        key = row["station_code"], day_of(row)
        kind, amount = decoded(int(row["rain_20_20_mm"]))
        yield (
            *key,
            "rain_20_20",
            *finding_of(kind, amount, met.get(key), calendar.get(key), rain_of, Decimal("0.05")),
        )
    for row in city.rows("weather/climate_daily_temperature"):
        key = row["station_code"], day_of(row)
        for element, (value, tolerance) in ELEMENTS.items():
            text = row[f"{element}_celsius"]
            amount = None if text == MISSING else Decimal(text) / 10
            yield *key, element, *finding_of("", amount, met.get(key), calendar.get(key), value, tolerance)


def day_of(row: dict[str, str]) -> date:
    return date(int(row["year"]), int(row["month"]), int(row["day"]))


def mean_of_four(rows: list[dict[str, str]]) -> Decimal | None:
    four = [Decimal(r["temperature_celsius"]) for r in rows if r["hour"] in ("2", "8", "14", "20")]
    return (sum(four, Decimal(0)) / 4).quantize(Decimal("0.01"), ROUND_HALF_UP) if len(four) == 4 else None


Value = Callable[[list[dict[str, str]]], Decimal | None]
ELEMENTS: dict[str, tuple[Value, Decimal]] = {
    "temperature_mean": (mean_of_four, Decimal("0.1")),
    "temperature_max": (lambda rows: max(warm_of(rows)), Decimal(2)),
    "temperature_min": (lambda rows: min(warm_of(rows)), Decimal(2)),
}


def finding_of(
    kind: str, daily: Decimal | None, met: Any, calendar: Any, value: Value, tolerance: Decimal
) -> tuple[str, Decimal | None]:
    """The first cause that fits, and daily set minus hours."""
    hourly, other = value(met) if met else None, value(calendar) if calendar else None
    if daily is None:
        return "no_daily_value", None
    if hourly is None:
        return "no_hourly_value", None
    difference = daily - hourly
    if kind in ("trace", "frost") and hourly < Decimal("0.1"):
        return kind, difference
    causes = (
        ("agrees", abs(difference) <= tolerance),
        ("hours_missing", len(met) < 24),
        ("calendar_day", other is not None and abs(daily - other) <= tolerance),
        ("tenfold", abs(daily * 10 - hourly) <= tolerance or abs(daily - hourly * 10) <= tolerance),
    )
    return next((name for name, fits in causes if fits), "differs"), difference


def stated_places(city: City) -> dict[tuple[str, str], dict[date, Tuple]]:
    """Station and feed -> the place that it states on each of its days."""
    stated: dict[tuple[str, str], dict[date, Tuple]] = defaultdict(dict)
    for row in city.rows("weather/station_hourly"):
        stated[row["station_code"], "hourly"][(hour_of(row) + CALENDAR).date()] = _place(row)
    for dataset in ("weather/climate_daily_rain", "weather/climate_daily_temperature"):
        for row in city.rows(dataset):
            stated[row["station_code"], "daily"][day_of(row)] = _place_of_minutes(row)
    return stated


def station_moves(city: City) -> list[Tuple]:
    """Days on which a feed states another place for a station than on its day before."""
    found: list[Tuple] = []
    for (station, feed), days in stated_places(city).items():
        for before, day in zip(sorted(days), sorted(days)[1:], strict=False):
            if days[day] != days[before]:
                found.append((station, feed, day, *days[day], great_circle(days[before], days[day])))
    return found


def _place(row: dict[str, str]) -> Tuple:
    return tuple(Decimal(row[n]) for n in ("latitude", "longitude", "altitude_m"))


def _place_of_minutes(row: dict[str, str]) -> Tuple:
    degrees = [Decimal(row[n][:-2]) + Decimal(row[n][-2:]) / 60 for n in ("latitude", "longitude")]
    return *(d.quantize(Decimal("0.0000001"), ROUND_HALF_UP) for d in degrees), Decimal(
        int(row["altitude_m"]) % 100000
    ) / 10


def great_circle(a: Tuple, b: Tuple) -> int:
    """Along a great circle, by the law of cosines of the chord on a sphere of 6371008.8 m."""
    points = [(math.radians(p[0]), math.radians(p[1])) for p in (a, b)]
    flat = [
        (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)) for lat, lon in points
    ]
    return round(2 * 6371008.8 * math.asin(math.dist(*flat) / 2))


ANSWERS: dict[str, Callable[[City], list[Tuple]]] = {
    "01-rain-class-days": rain_class_days,
    "02-day-boundary-changes-class": day_boundary_changes_class,
    "03-longest-gap": longest_gap,
    "04-freeze-thaw-days": freeze_thaw_days,
    "05-snow-frost-trace-days": snow_frost_trace_days,
    "06-warnings-with-their-rain": warnings_with_their_rain,
    "07-daily-set-against-hours": daily_set_against_hours,
    "08-station-moves": station_moves,
}
