"""Answers about the air and its polluters, reckoned slowly in plain Python from the truth: limits as the
standards print them.

What a sensor did wrong is read from the marks of the truth (`#<station>`), never detected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

from tests.oracles.city import City

AIR = "environment/air_quality_hourly"
ITEMS = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3")
INDEX = (0, 50, 100, 150, 200, 300, 400, 500)
# HJ 633-2012, table 1: 24 h means, of ozone 8 h.
BOUNDS = {
    "PM2.5": (0, 35, 75, 115, 150, 250, 350, 500),
    "PM10": (0, 50, 150, 250, 350, 420, 500, 600),
    "SO2": (0, 150, 500, 650, 800, 1600, 2100, 2620),
    "NO2": (0, 40, 80, 180, 280, 565, 750, 940),
    "CO": (0, 2, 4, 14, 24, 36, 48, 60),
    "O3": (0, 100, 160, 215, 265, 800),
}
LIMITS = {"PM2.5": 75, "PM10": 150, "SO2": 150, "NO2": 80, "CO": 4, "O3": 160}  # GB 3095-2012, class 2
CLASSES = (50, 100, 150, 200, 300, 500)
Hours = dict[int, Fraction]
Answer = list[tuple[Any, ...]]


@lru_cache(maxsize=4)
def usable_hours(city: City) -> dict[tuple[str, str], dict[str, Hours]]:
    """(station, day) -> item -> hour -> usable value."""
    found: dict[tuple[str, str], dict[str, Hours]] = defaultdict(lambda: {i: {} for i in ITEMS})
    for row in city.rows(AIR):
        for station in (s for s in row if s[0].isdigit() and row["item_code"] in ITEMS):
            hours = found[station, f"{row['date'][:4]}-{row['date'][4:6]}-{row['date'][6:]}"][
                row["item_code"]
            ]
            mark = row.get(f"#{station}")
            if row[station] and mark not in ("stuck", "replay"):
                hours[int(row["hour"])] = Fraction(row[station]) / (1000 if mark == "co_unit" else 1)
    return found


def _mean(item: str, hours: Hours) -> Decimal | None:
    """A day's mean of 20 hours at least; of ozone the largest 8 h mean of six hours at least."""
    if len(hours) < 20:
        return None
    spans = [range(h - 7, h + 1) for h in range(7, 24)] if item == "O3" else [range(24)]
    means = [
        sum(v) / len(v)
        for s in spans
        if len(v := [hours[h] for h in s if h in hours]) >= (6 if item == "O3" else 20)
    ]
    return _rounded(item, max(means)) if means else None


def _rounded(item: str, mean: Fraction) -> Decimal:
    exact = Decimal(mean.numerator) / Decimal(mean.denominator)
    return exact.quantize(Decimal("0.1") if item == "CO" else Decimal(1), ROUND_HALF_EVEN)


def index_of(item: str, mean: Decimal) -> int | None:
    bounds = BOUNDS[item]
    for n in range(1, len(bounds)):
        if mean <= bounds[n]:
            return ceil(
                Fraction(INDEX[n] - INDEX[n - 1])
                * (Fraction(mean) - bounds[n - 1])
                / (bounds[n] - bounds[n - 1])
                + INDEX[n - 1]
            )
    return None if item == "O3" else 500


@lru_cache(maxsize=4)
def station_means(city: City) -> dict[tuple[str, str, str], Decimal]:
    """(station, day, item) -> mean."""
    means = {
        (s, d, i): _mean(i, hours)
        for (s, d), items in usable_hours(city).items()
        for i, hours in items.items()
    }
    return {k: m for k, m in means.items() if m is not None}


@lru_cache(maxsize=4)
def city_means(city: City) -> dict[str, dict[str, Decimal]]:
    """Day -> item -> mean of the stations."""
    grouped: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    for (_, day, item), mean in station_means(city).items():
        grouped[day, item].append(Fraction(mean))
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for (day, item), means in grouped.items():
        found[day][item] = _rounded(item, sum(means) / len(means))
    return found


def graded_days(city: City) -> list[tuple[str, int, list[str]]]:
    """(day, AQI, primary items) of every day that can be graded."""
    out: list[tuple[str, int, list[str]]] = []
    for day, means in sorted(city_means(city).items()):
        indices = {i: v for i in ITEMS if i in means and (v := index_of(i, means[i])) is not None}
        aqi = max(indices.values())
        out.append((day, aqi, [i for i in ITEMS if indices.get(i) == aqi] if aqi > 50 else []))
    return out


def aqi_class_days(city: City) -> Answer:
    counts = Counter(
        (day[:7], str(next(n for n, top in enumerate(CLASSES, 1) if aqi <= top)))
        for day, aqi, _ in graded_days(city)
    )
    return [(month, level, days) for (month, level), days in counts.items()]


def exceedance_days(city: City) -> Answer:
    places = [(s, i, m) for (s, _, i), m in station_means(city).items()]
    places += [("沈阳市", i, m) for means in city_means(city).values() for i, m in means.items()]
    over: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for place, item, mean in places:
        if mean > LIMITS[item]:
            over[place, item].append((mean / LIMITS[item] - 1).quantize(Decimal("0.01"), ROUND_HALF_UP))
    return [(place, item, len(times), max(times)) for (place, item), times in over.items()]


def days_short_of_hours(city: City) -> Answer:
    return [
        (s, d, len(items["PM2.5"]))
        for (s, d), items in usable_hours(city).items()
        if len(items["PM2.5"]) < 20
    ]


def _marked(city: City) -> dict[tuple[str, str, str], list[datetime]]:
    """(station, item, kind) -> hours at fault."""
    found: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for row in city.rows(AIR):
        at = datetime.strptime(f"{row['date']} {row['hour']}", "%Y%m%d %H")
        for mark in (k for k in row if k.startswith("#")):
            found[mark[1:], row["item_code"], row[mark]].append(at)
    return found


def stuck_runs(city: City) -> Answer:
    out: Answer = []
    for (station, item, kind), hours in _marked(city).items():
        if kind in ("stuck", "replay"):
            starts = [h for h in hours if h - timedelta(hours=1) not in hours]
            ends = [h for h in hours if h + timedelta(hours=1) not in hours]
            out += [
                (station, item, kind, f"{a:%Y-%m-%d %H}", int((b - a).total_seconds() // 3600) + 1)
                for a, b in zip(starts, ends, strict=True)
            ]
    return out


def inverted_hours(city: City) -> Answer:
    return [
        (s, n)
        for s, n in sum(
            (
                Counter({s: len(h)})
                for (s, i, k), h in _marked(city).items()
                if (i, k) == ("PM2.5", "inverted")
            ),
            Counter(),
        ).items()
    ]


def primary_pollutants(city: City) -> Answer:
    days = [(day[:7], items) for day, _, items in graded_days(city) if items]
    months, counts = Counter(m for m, _ in days), Counter((m, i) for m, items in days for i in items)
    return [
        (m, i, n, (Decimal(100 * n) / months[m]).quantize(Decimal("0.1"), ROUND_HALF_UP))
        for (m, i), n in counts.items()
    ]


def worst_day(city: City) -> Answer:
    days = graded_days(city)
    most = {m: max(aqi for day, aqi, _ in days if day[:7] == m) for m in {day[:7] for day, _, _ in days}}
    return [
        (day[:7], day, aqi, ",".join(items) if items else None)
        for day, aqi, items in days
        if aqi == most[day[:7]]
    ]


def faults_by_kind(city: City) -> Answer:
    marked = _marked(city)
    kinds = sorted({k for _, _, k in marked} - {"short_mean"})
    return [
        (
            k,
            len({s for s, _, kind in marked if kind == k}),
            sum(len(h) for (_, _, kind), h in marked.items() if kind == k),
        )
        for k in kinds
    ]


def polluters_as_organisations(city: City) -> Answer:
    codes = {
        r["uscc"]
        for d in ("market_regulation/legal_entity", "quality_supervision/organisation_code")
        for r in city.rows(d)
    }
    bodies = {
        r["org_code"]
        for d in ("market_regulation/legal_entity", "quality_supervision/organisation_code")
        for r in city.rows(d)
    }
    last = max(r["_period"] for r in city.rows("environment/polluter"))
    sources = [r for r in city.rows("environment/polluter") if r["_period"] == last and r["uscc"]]
    linked = Counter(r["control_level"] for r in sources if r["uscc"] in codes or r["uscc"][8:17] in bodies)
    return [(level, n, linked[level]) for level, n in Counter(r["control_level"] for r in sources).items()]


ANSWERS = {
    "01-aqi-class-days": aqi_class_days,
    "02-exceedance-days": exceedance_days,
    "03-days-short-of-hours": days_short_of_hours,
    "04-stuck-runs": stuck_runs,
    "05-inverted-hours": inverted_hours,
    "06-primary-pollutants": primary_pollutants,
    "07-worst-day": worst_day,
    "08-faults-by-kind": faults_by_kind,
    "09-polluters-as-organisations": polluters_as_organisations,
}
