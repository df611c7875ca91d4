"""The tables of the air and its polluters: what a sensor did wrong is read from the marks of the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

from tests.oracles import environment as e
from tests.oracles.city import City

Row = dict[str, Any]
Rows = list[Row]
EDITION = "HJ 633-2012"
NAMES = {"PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3"}
MEANS = {
    "PM2.5": "pm25_ugm3",
    "PM10": "pm10_ugm3",
    "SO2": "so2_ugm3",
    "NO2": "no2_ugm3",
    "CO": "co_mgm3",
    "O3": "o3_8h_ugm3",
}
# HJ 633-2012, table 1: hourly means; particles have no hourly table and are graded by that of the day.
HOURLY = {
    "PM2.5": e.BOUNDS["PM2.5"],
    "PM10": e.BOUNDS["PM10"],
    "SO2": (0, 150, 500, 650, 800),
    "NO2": (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    "CO": (0, 5, 10, 35, 60, 90, 120, 150),
    "O3": (0, 160, 200, 300, 400, 800, 1000, 1200),
}
PLATFORM = {"PM2.5_24h": "pm25", "PM10_24h": "pm10"}


def _stations(row: dict[str, str]) -> list[str]:
    return [s for s in row if s[0].isdigit()]


def _at(row: dict[str, str]) -> datetime:
    return datetime.strptime(f"{row['date']} {row['hour']}", "%Y%m%d %H")


@lru_cache(maxsize=2)
def station_hour(city: City) -> Rows:
    rows = [
        _hour(station, row, row.get(f"#{station}")) for row in city.rows(e.AIR) for station in _stations(row)
    ]
    by_hour: dict[tuple[str, datetime], dict[str, Row]] = defaultdict(dict)
    for r in rows:
        by_hour[r["station_code"], r["measured_at"]][r["item_code"]] = r
    for items in by_hour.values():
        _index(items)
        fine, coarse = (items.get(i, {}).get("value") for i in ("PM2.5", "PM10"))
        if fine is not None and coarse is not None and fine > coarse:
            items["PM2.5"]["is_inverted"] = items["PM10"]["is_inverted"] = True
    return rows


def _hour(station: str, row: dict[str, str], mark: str | None) -> Row:
    delivered = Decimal(row[station]) if row[station] else None
    left_out = delivered is None or mark in ("stuck", "replay")
    value = None if left_out or delivered is None else delivered / (1000 if mark == "co_unit" else 1)
    return {
        "station_code": station,
        "measured_at": _at(row),
        "item_code": row["item_code"],
        "delivered_value": delivered,
        "value": value,
        "is_negative": False,
        "is_missing_code": False,
        **{f"is_{k}": mark == k for k in ("stuck", "replay", "co_unit", "other_edition", "clock_shift")},
        "is_inverted": False,
    }


def _index(items: dict[str, Row]) -> None:
    """Puts the index by the edition in force in the place of one by another edition."""
    told = items.get("AQI")
    if told is not None and told["is_other_edition"]:
        values = {i: items[i]["delivered_value"] for i in HOURLY if items[i]["delivered_value"] is not None}
        values = {i: v / 1000 if items[i]["is_co_unit"] else v for i, v in values.items()}
        told["value"] = max(_graded(HOURLY[i], Fraction(v)) for i, v in values.items())


def _graded(bounds: tuple[int, ...], value: Fraction) -> int:
    for n in range(1, len(bounds)):
        if value <= bounds[n]:
            low, high = e.INDEX[n - 1], e.INDEX[n]
            return low + ceil(Fraction(high - low) * (value - bounds[n - 1]) / (bounds[n] - bounds[n - 1]))
    return 500


def _summary(day: str, means: dict[str, Decimal]) -> Row:
    indices = {i: v for i in e.ITEMS if i in means and (v := e.index_of(i, means[i])) is not None}
    aqi = max(indices.values(), default=None)
    level = None if aqi is None else str(next(n for n, top in enumerate(e.CLASSES, 1) if aqi <= top))
    primary = [i for i in e.ITEMS if indices.get(i) == aqi] if aqi is not None and aqi > 50 else []
    return {
        "day": date.fromisoformat(day),
        "edition": EDITION,
        "aqi": aqi,
        "aqi_level": level,
        "primary_items": ",".join(primary) or None,
        "graded_items": len(indices),
        **{c: means.get(i) for i, c in MEANS.items()},
        **{f"{NAMES[i]}_iaqi": indices.get(i) for i in e.ITEMS},
    }


@lru_cache(maxsize=2)
def station_day(city: City) -> Rows:
    means: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    for (station, day, item), mean in e.station_means(city).items():
        means[station, day][item] = mean
    platform = {
        (r["station_code"], r["measured_at"].date(), r["item_code"]): r["value"]
        for r in station_hour(city)
        if r["item_code"] in PLATFORM and r["measured_at"].hour == 23
    }
    out: Rows = []
    for (station, day), items in e.usable_hours(city).items():
        row = {"station_code": station, **_summary(day, means[station, day])}
        row |= {f"{NAMES[i]}_hours": len(hours) for i, hours in items.items()}
        row |= {f"{n}_delivered_ugm3": platform.get((station, row["day"], i)) for i, n in PLATFORM.items()}
        out.append(row)
    return out


def city_day(city: City) -> Rows:
    stations: Counter[date] = Counter(r["day"] for r in station_day(city) if r["graded_items"])
    return [
        {**(row := _summary(day, means)), "stations": stations[row["day"]]}
        for day, means in e.city_means(city).items()
    ]


def exceedance(city: City) -> Rows:
    told = [(s, d, i, m) for (s, d, i), m in e.station_means(city).items()]
    told += [("沈阳市", d, i, m) for d, means in e.city_means(city).items() for i, m in means.items()]
    return [
        {
            "place": place,
            "day": date.fromisoformat(day),
            "item_code": item,
            "standard": "GB 3095-2012",
            "averaging": "8h" if item == "O3" else "24h",
            "mean_value": mean,
            "limit_value": e.LIMITS[item],
            "times_over": (mean / e.LIMITS[item] - 1).quantize(Decimal("0.01"), ROUND_HALF_UP),
        }
        for place, day, item, mean in told
        if mean > e.LIMITS[item]
    ]


def sensor_fault(city: City) -> Rows:
    kinds = ("stuck", "replay", "inverted", "co_unit", "other_edition", "clock_shift")
    series: dict[tuple[str, str, str], Rows] = defaultdict(list)
    for r in station_hour(city):
        for kind in kinds:
            if r[f"is_{kind}"]:
                series[r["station_code"], r["item_code"], kind].append(r)
    out: Rows = []
    for (station, item, kind), rows in series.items():
        for spell in _spells(sorted(rows, key=lambda r: r["measured_at"])):
            values = [r["delivered_value"] for r in spell if r["delivered_value"] is not None]
            out.append(
                {
                    "station_code": station,
                    "item_code": item,
                    "kind": kind,
                    "started_at": spell[0]["measured_at"],
                    "ended_at": spell[-1]["measured_at"],
                    "hours": len(spell),
                    "evidence": f"{min(values):.3f} - {max(values):.3f}" if values else "none delivered",
                }
            )
    return out + _short_means(city)


def _spells(rows: Rows) -> list[Rows]:
    """Hours of a fault that follow each other with at most three sound ones between."""
    spells: list[Rows] = []
    for row in rows:
        if spells and row["measured_at"] - spells[-1][-1]["measured_at"] <= timedelta(hours=4):
            spells[-1].append(row)
        else:
            spells.append([row])
    return spells


def _short_means(city: City) -> Rows:
    out: Rows = []
    for r in station_day(city):
        for item, name in PLATFORM.items():
            delivered, start = r[f"{name}_delivered_ugm3"], datetime.combine(r["day"], datetime.min.time())
            if delivered is not None and r[f"{name}_ugm3"] is None:
                out.append(
                    {
                        "station_code": r["station_code"],
                        "item_code": item,
                        "kind": "short_mean",
                        "started_at": start,
                        "ended_at": start + timedelta(hours=23),
                        "hours": r[f"{name}_hours"],
                        "evidence": f"mean {delivered:.3f} of {r[f'{name}_hours']} valid hours",
                    }
                )
    return out


def polluter_entity(city: City) -> Rows:
    registers = (
        "market_regulation/legal_entity",
        "quality_supervision/organisation_code",
        "public_sector_reform/institution",
        "civil_affairs/social_organisation",
    )
    by_code, by_body, by_name = (
        {r[c]: r["#organisation"] for d in registers for r in city.rows(d) if r.get(c)}
        for c in ("uscc", "org_code", "name")
    )
    packets: dict[str, Counter[bool]] = defaultdict(Counter)
    for p in {
        (p["monitor_no"], p["data_time"], p["pollutant_code"], p["command_code"]): p
        for p in city.rows("environment/emission_packet")
    }.values():
        packets[p["monitor_no"]][p["device_flag"] not in ("N", "")] += 1
    last = max(r["_period"] for r in city.rows("environment/polluter"))
    return [
        {
            **{n: r[n] or None for n in ("polluter_code", "name", "uscc", "division_code", "control_level")},
            **_linked(r, by_code, by_body, by_name),
            "packets_sound": packets[r["monitor_no"]][False],
            "packets_flagged": packets[r["monitor_no"]][True],
        }
        for r in city.rows("environment/polluter")
        if r["_period"] == last
    ]


def _linked(
    row: dict[str, str], by_code: dict[str, str], by_body: dict[str, str], by_name: dict[str, str]
) -> Row:
    for method, known, key in (
        ("uscc", by_code, row["uscc"]),
        ("org_code", by_body, row["uscc"][8:17]),
        ("name", by_name, row["name"]),
    ):
        if key and key in known:
            return {"entity_id": known[key], "method": method}
    return {"entity_id": None, "method": "none"}


TABLES = {
    "environment/station_hour": station_hour,
    "environment/station_day": station_day,
    "environment/city_day": city_day,
    "environment/exceedance": exceedance,
    "environment/sensor_fault": sensor_fault,
    "environment/polluter_entity": polluter_entity,
}
