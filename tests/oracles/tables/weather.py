"""The tables of weather: hour by hour from the truth."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracles import weather as w
from tests.oracles.city import City
from tests.oracles.credit import covered_to

Rows = list[dict[str, Any]]


def station_day(city: City) -> Rows:
    out: Rows = []
    for kind, shift in (("met_day", w.MET), ("calendar_day", w.CALENDAR)):
        for (station, day), rows in w.days_of(city, shift).items():
            warm, rain = w.warm_of(rows), [Decimal(r["rain_mm"]) for r in rows]
            out.append(
                {
                    "station_code": station,
                    "day": day,
                    "day_kind": kind,
                    "hours_present": len(rows),
                    "rain_hours": len(rain),
                    "rain_mm": sum(rain),
                    "rain_max_1h_mm": max(rain),
                    "rain_trace": False,
                    "rain_class": w.rain_class(sum(rain, Decimal(0))),
                    "temperature_hours": len(warm),
                    "temperature_min": min(warm),
                    "temperature_mean": w.rounded(sum(warm, Decimal(0)) / len(warm), 2),
                    "temperature_mean_4": w.mean_of_four(rows),
                    "temperature_max": max(warm),
                    "freeze_thaw": min(warm) < 0 < max(warm),
                    "complete": len(rows) == 24,
                }
            )
    return out


def gap(city: City) -> Rows:
    seen: dict[str, set[datetime]] = defaultdict(set)
    for row in city.rows("weather/station_hourly"):
        seen[row["station_code"]].add(w.hour_of(row))
    return [
        {
            "station_code": station,
            "element": element,
            "first_hour": first,
            "last_hour": first + (length - 1) * w.HOUR,
            "hours_missing": length,
        }
        for station, hours in seen.items()
        for length, first in w.spells(hours)
        for element in ("rain_mm", "temperature_celsius")
    ]


def station_place(city: City) -> Rows:
    out: Rows = []
    for (station, feed), days in w.stated_places(city).items():
        starts = [d for i, d in enumerate(sorted(days)) if i == 0 or days[d] != days[sorted(days)[i - 1]]]
        for n, start in enumerate(starts):
            latitude, longitude, altitude = days[start]
            before = days[starts[n - 1]] if n else None
            out.append(
                {
                    "station_code": station,
                    "feed": feed,
                    "valid_from": start,
                    "valid_to": starts[n + 1] if n + 1 < len(starts) else None,
                    "latitude": latitude,
                    "longitude": longitude,
                    "altitude_m": altitude,
                    "moved_m": w.great_circle(before, days[start]) if before else None,
                }
            )
    return out


def warning_rain(city: City) -> Rows:
    latest = {r["warning_no"]: r for r in city.rows("weather/warning")}
    covered = max(map(covered_to, city.rows("weather/warning")))
    end = datetime(covered.year, covered.month, covered.day) + timedelta(days=1)
    hours = [
        (r["station_code"], w.hour_of(r), Decimal(r["rain_mm"]))
        for r in city.rows("weather/station_hourly")
        if w.hour_of(r) <= end
    ]
    out: Rows = []
    for number, row in latest.items():
        minutes, station, count, rain, most = w.in_force(row, hours)
        out.append(
            {
                "warning_no": number,
                **{n: row[n] for n in ("warning_kind", "warning_level", "area_name")},
                "issued_at": datetime.fromisoformat(row["issued_at"]),
                "lifted_at": datetime.fromisoformat(row["lifted_at"]) if row["lifted_at"] else None,
                "minutes_in_force": minutes,
                "wettest_station": station,
                "rain_hours": count,
                "rain_mm": rain,
                "rain_max_1h_mm": most,
                "reference_day": covered,
            }
        )
    return out


def daily_check(city: City) -> Rows:
    met, calendar = w.days_of(city, w.MET), w.days_of(city, w.CALENDAR)
    out: Rows = []
    for row in city.rows("weather/climate_daily_rain"):
        kind, amount = w.decoded(int(row["rain_20_20_mm"]))
        out.append(_checked(row, "rain_20_20", kind, amount, met, calendar, w.rain_of, Decimal("0.05")))
    for row in city.rows("weather/climate_daily_temperature"):
        for element, (value, tolerance) in w.ELEMENTS.items():
            text = row[f"{element}_celsius"]
            amount = None if text == w.MISSING else Decimal(text) / 10
            out.append(_checked(row, element, None, amount, met, calendar, value, tolerance))
    return out


def _checked(
    row: dict[str, str],
    element: str,
    kind: str | None,
    amount: Decimal | None,
    met: dict[tuple[str, date], Any],
    calendar: dict[tuple[str, date], Any],
    value: w.Value,
    tolerance: Decimal,
) -> dict[str, Any]:
    key = row["station_code"], w.day_of(row)
    hours, others = met.get(key), calendar.get(key)
    finding, difference = w.finding_of(kind or "", amount, hours, others, value, tolerance)
    return {
        "station_code": key[0],
        "day": key[1],
        "element": element,
        "daily_value": amount,
        "precipitation_kind": kind,
        "hourly_value": value(hours) if hours else None,
        "calendar_day_value": value(others) if others else None,
        "hours_present": len(hours or ()),
        "difference": difference,
        "tolerance": tolerance,
        "agrees": None if difference is None else finding in ("agrees", "trace", "frost"),
        "finding": finding,
    }


TABLES = {
    "weather/station_day": station_day,
    "weather/gap": gap,
    "weather/station_place": station_place,
    "weather/warning_rain": warning_rain,
    "weather/daily_check": daily_check,
}
