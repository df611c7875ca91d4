"""Answers across themes, from the truth: what the oracles of the single themes reckon, put beside each other
by hand.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from citylake.core.settings import ROOT

from tests.oracles import environment, urban_components
from tests.oracles.city import City

Answer = list[tuple[Any, ...]]
NEAR_M = 3000


def drain_cases(city: City) -> Answer:
    """District and dry or wet -> days, cases, cases per 1,000 drains and manholes and day."""
    drains = Counter(
        r["#division"]
        for r in urban_components.known_assets(city)
        if r["class_code"] in urban_components.DRAINS
    )
    cases, stations = (
        urban_components.case_days(city, *urban_components.WATER),
        urban_components.district_stations(city),
    )
    days: dict[tuple[str, str], list[date]] = defaultdict(list)
    for division in drains:
        for (station, day), hours in urban_components.station_days(city).items():
            if station == stations[division] and len(hours) == 24 and all(h["rain_mm"] for h in hours):
                rain = sum(Decimal(h["rain_mm"]) for h in hours)
                days[division, "dry" if rain < Decimal("0.1") else "wet"].append(day)
    return [
        _rate(division, kind, known, sum(cases[division, d] for d in known), drains[division])
        for (division, kind), known in days.items()
    ]


def _rate(division: str, kind: str, days: list[date], cases: int, drains: int) -> tuple[Any, ...]:
    return division, kind, len(days), cases, urban_components.rounded(1000 * cases / (drains * len(days)), 3)


def dust_cases(city: City) -> Answer:
    """Case, nearest air station within 3 km, PM10 of the report's hour there and in the city."""
    with (ROOT / "schemas" / "codes" / "air_stations.csv").open(encoding="utf-8", newline="") as handle:
        places = {r["code"]: (float(r["longitude"]), float(r["latitude"])) for r in csv.DictReader(handle)}
    out: Answer = []
    for case in (c for c in urban_components.reported_cases(city) if c["event_class"] == "工地扬尘"):
        metres, station = min(
            (urban_components.metres(urban_components.point(case), p), s) for s, p in places.items()
        )
        if metres <= NEAR_M:
            at = urban_components.reported_at(case)
            near, whole = (
                _pm10(city, station, at),
                [v for s in places if (v := _pm10(city, s, at)) is not None],
            )
            mean = sum(whole) / len(whole) if whole else None
            out.append(
                (
                    case["case_id"],
                    station,
                    _text(near),
                    _text(mean),
                    None if near is None or mean is None else near > mean,
                )
            )
    return out


def _pm10(city: City, station: str, at: datetime) -> Fraction | None:
    return environment.usable_hours(city).get((station, f"{at:%Y-%m-%d}"), {}).get("PM10", {}).get(at.hour)


def _text(value: Fraction | None) -> Decimal | None:
    return (
        None
        if value is None
        else (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.001"), ROUND_HALF_UP)
    )


def heating_months(city: City) -> Answer:
    """Month -> days, worst AQI, days above 100, days with a mean temperature below zero; January to March lie
    in the season.
    """
    months: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for day, aqi, _ in environment.graded_days(city):
        months[day[:7]].append((aqi, _frost(city, date.fromisoformat(day))))
    return [
        (m, True, len(d), max(a for a, _ in d), sum(a > 100 for a, _ in d), sum(f for _, f in d))
        for m, d in months.items()
    ]


def _frost(city: City, day: date) -> bool:
    """Whether the mean over stations of their mean temperatures on a calendar day (its hours end after 00:00
    up to 24:00) is below zero.
    """
    means: list[Fraction] = []
    for hours in urban_components.station_hours(city).values():
        warm = [
            Fraction(r["temperature_celsius"])
            for t, r in hours
            if r["temperature_celsius"] and (t - timedelta(seconds=1)).date() == day
        ]
        means += [sum(warm) / len(warm)] if warm else []
    return bool(means) and sum(means) / len(means) < 0


ANSWERS = {
    "01-drain-cases-by-rain": drain_cases,
    "02-dust-cases-and-pm10": dust_cases,
    "03-air-in-the-heating-season": heating_months,
}
