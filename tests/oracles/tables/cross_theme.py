"""The tables across themes: those of the single themes put beside each other by hand."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.oracles import urban_components as u
from tests.oracles.city import City
from tests.oracles.tables import environment, urban_components, weather
from tests.oracles.tables.macro_economy import listed

Rows = list[dict[str, Any]]
NEAR_M, WATER = 3000, ("道路积水", "检查井溢水")


def drain_rain(city: City) -> Rows:
    daily: dict[tuple[str, str], dict[date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for r in urban_components.component_day(city):
        if r["rain_hours"] == 24 and r["event_class"] in WATER:
            told = daily[r["division_code"], r["rain_class"]][r["met_day"]]
            told[0], told[1] = r["assets"], told[1] + r["cases"]
    out: Rows = []
    for (division, kind), days in daily.items():
        assets, cases = (sum(t[i] for t in days.values()) for i in (0, 1))
        out.append(
            {
                "division_code": division,
                "rain_class": kind,
                "days": len(days),
                "asset_days": assets,
                "cases": cases,
                "cases_per_1000_asset_days": rounded(Decimal(cases * 1000) / assets, 4) if assets else None,
            }
        )
    return out


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def mean(values: list[Decimal], places: int) -> Decimal | None:
    return rounded(sum(values, Decimal(0)) / len(values), places) if values else None


def dust_case(city: City) -> Rows:
    places = {r["code"]: (float(r["longitude"]), float(r["latitude"])) for r in listed("air_stations")}
    hours: dict[datetime, dict[str, Decimal]] = defaultdict(dict)
    for r in environment.station_hour(city):
        if r["item_code"] == "PM10" and r["value"] is not None:
            hours[r["measured_at"]][r["station_code"]] = r["value"]
    out: Rows = []
    for c in (c for c in urban_components.case(city) if c["event_class"] == "工地扬尘"):
        here = (float(c["longitude"]), float(c["latitude"]))
        metres, station = min((u.metres(here, p), s) for s, p in places.items())
        if metres <= NEAR_M:
            hour = c["reported_at"].replace(minute=0, second=0)
            past = [hours[hour - timedelta(hours=n)].get(station) for n in range(24)]
            near, whole = past[0], mean(list(hours[hour].values()), 3)
            out.append(
                {
                    "case_id": c["case_id"],
                    "division_code": c["division_code"],
                    "reported_at": c["reported_at"],
                    "station_code": station,
                    "distance_m": round(metres),
                    "pm10_ugm3": near,
                    "pm10_24h_ugm3": mean([v for v in past if v is not None], 3),
                    "city_pm10_ugm3": whole,
                    "above_city": None if near is None or whole is None else near > whole,
                }
            )
    return out


def heating_day(city: City) -> Rows:
    stations: dict[date, Rows] = defaultdict(list)
    for r in weather.station_day(city):
        if r["day_kind"] == "calendar_day":
            stations[r["day"]].append(r)
    seasons = listed("heating_seasons")
    out: Rows = []
    for d in environment.city_day(city):
        day = d["day"].isoformat()
        season = next((s["code"] for s in seasons if s["valid_from"] <= day <= s["valid_to"]), None)
        told = stations[d["day"]]
        out.append(
            {
                **{n: d[n] for n in ("day", "aqi", "aqi_level", "pm25_ugm3")},
                "heating": season is not None,
                "season": season,
                "temperature_mean": mean([s["temperature_mean"] for s in told], 1),
                "rain_mm": mean([s["rain_mm"] for s in told], 2),
                "weather_stations": len(told) or None,
            }
        )
    return out


TABLES = {
    "cross_theme/drain_rain": drain_rain,
    "cross_theme/dust_case": dust_case,
    "cross_theme/heating_day": heating_day,
}
