"""The tables of urban components: asset by asset and case by case from the truth."""

from __future__ import annotations

import calendar
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from tests.oracles import urban_components as u
from tests.oracles import weather as w
from tests.oracles.city import City
from tests.oracles.credit import covered_to, working_days
from tests.oracles.tables.cells import Near
from tests.oracles.tables.macro_economy import listed

Row = dict[str, Any]
Rows = list[Row]
OPENS, CLOSES = 510, 990  # minutes of the office's day
HEAVY = ("heavy", "rainstorm", "severe_rainstorm", "extreme_rainstorm")
COLUMNS = {"立案": "filed_at", "派遣": "dispatched_at", "处置": "handled_at", "核查": "verified_at"}
DEGREE = 1e-6  # a tenth of a metre


@lru_cache(maxsize=2)
def asset(city: City) -> Rows:
    classes = {c["code"]: c for c in listed("component_classes")}
    boxes = {b["grid_code"]: b for b in city.rows("construction/grid")}
    states: dict[str, set[str]] = defaultdict(set)
    for r in city.rows("construction/component"):
        states[r["object_id"]].add(r["state_code"])
    rows, twins = u.known_assets(city), _twins(city)
    return [
        _asset(r, classes[r["class_code"]], boxes, states[r["object_id"]], twins[r["object_id"]])
        for r in rows
    ]


def _asset(
    row: Row, kind: Row, boxes: dict[str, Row], states: set[str], near: list[tuple[float, str]]
) -> Row:
    inside = u.holds(boxes[row["grid_code"]], row["#longitude"], row["#latitude"])
    old = row["surveyed_on"] < "2014-06-01"
    major = row["class_code"][:2]
    close = [o for far, o in near if far <= 1]
    datum = row["#datum"] if inside else None
    written = datum in ("CGCS2000", None)
    return {
        "object_id": row["object_id"],
        "name": row["name"],
        "class_code": row["class_code"],
        "class_name": kind["label_zh"],
        "class_edition": "CJ/T 214" if old else "GB/T 30428.2-2013",
        "group_name": _group(major, old),
        "class_conflict": None,
        "division_at_issue": row["object_id"][:6],
        "division_now": row["#division"],
        "grid_code": row["grid_code"],
        "found_grid": row["#grid"],
        "in_grid": inside,
        "in_district": True,
        "raw_longitude": Decimal(row["longitude"]),
        "raw_latitude": Decimal(row["latitude"]),
        "declared_datum": "CGCS2000",
        "detected_datum": datum,
        "datum_conflict": None if datum is None else datum != "CGCS2000",
        **{
            axis: Decimal(row[axis]) if written else Near(float(row[f"#{axis}"]), DEGREE)
            for axis in ("longitude", "latitude")
        },
        "manager_name": row["manager_name"],
        "owner_name": row["owner_name"] or None,
        "keeper_name": row["keeper_name"] or None,
        "unowned": not row["owner_name"] or row["class_code"] == "0114",
        "state_code": row["state_code"],
        "other_states": len(states) - 1,
        "material": row["material"] or None,
        "surveyed_on": date.fromisoformat(row["surveyed_on"]),
        "twins_1m": len(close),
        "twins_3m": len(near),
        "twin_of": min([row["object_id"], *close]) if close else None,
        "rain_exposed": kind["weather_join"] == "rain",
        "#x": row["#longitude"],
        "#y": row["#latitude"],
    }


def _group(major: str, old: bool) -> str:
    names = {
        "01": "公用设施",
        "02": "道路交通",
        "03": "市容环境",
        "04": "园林绿化",
        "05": "房屋土地",
        "06": "其他设施",
    }
    return names[major] if old or major < "05" else "其他部件"


@lru_cache(maxsize=2)
def _twins(city: City) -> dict[str, list[tuple[float, str]]]:
    """Asset -> (metres, other) of its like within 3 m."""
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    rows = u.known_assets(city)
    for a in rows:
        for b in rows:
            if a["class_code"] == b["class_code"] and a["object_id"] != b["object_id"]:
                far = u.metres(u.point(a, "#"), u.point(b, "#"))
                if far <= 3:
                    found[a["object_id"]].append((far, b["object_id"]))
    return found


def _until(city: City) -> datetime:
    last = max(covered_to(r) for r in city.rows("construction/component_case"))
    return datetime(last.year, last.month, last.day) + timedelta(days=1)


@lru_cache(maxsize=2)
def case(city: City) -> Rows:
    assets = {a["object_id"]: a for a in asset(city)}
    limits = {r["code"]: Decimal(r["limit_working_hours"]) for r in listed("case_limits")}
    days = set(working_days())
    return [_case(city, r, assets.get(r["object_id"]), limits, days) for r in u.reported_cases(city)]


def _case(city: City, row: Row, known: Row | None, limits: dict[str, Decimal], days: set[date]) -> Row:
    at, deadline = u.reported_at(row), datetime.fromisoformat(row["deadline_at"])
    stages = [(s["stage"], datetime.fromisoformat(s["at"])) for s in json.loads(row["stages"])]
    closed = stages[-1][1] if stages[-1][0] == "结案" else None
    times = {c: max((t for s, t in stages if s == n), default=None) for n, c in COLUMNS.items()}
    names = [s for s, _ in stages]
    spent = {
        n: _office_hours(at, end, days) for n, end in (("filing", times["filed_at"]), ("closing", closed))
    }
    limit = limits.get(row["event_class"])
    grid = u.grid_at(city, row)
    return {
        **{n: row[n] for n in ("case_id", "event_class", "source_kind")},
        "object_id": row["object_id"] or None,
        "class_code": known["class_code"] if known else None,
        "division_code": known["division_now"] if known else grid["division_code"] if grid else "210100",
        "grid_code": grid["grid_code"] if grid else None,
        "longitude": Decimal(row["longitude"]),
        "latitude": Decimal(row["latitude"]),
        "owner_name": known["owner_name"] if known else None,
        "unowned": known["unowned"] if known else not row["object_id"],
        "unmatched": bool(row["object_id"]) and known is None,
        "known_until": _until(city),
        "met_day": u.met_day(at),
        "reported_at": at,
        **times,
        "closed_at": closed,
        "deadline_at": deadline,
        "stage": stages[-1][0],
        "overdue": (closed or _until(city)) > deadline,
        "handled_again": names.count("处置") > 1,
        "reopened": names.count("结案") > (1 if closed else 0),
        "filing_working_hours": spent["filing"],
        "closing_working_hours": spent["closing"],
        "limit_working_hours": limit,
        "over_limit": None if spent["closing"] is None or limit is None else spent["closing"] > limit,
        **_rain_before(city, row, at),
    }


def _office_hours(start: datetime, end: datetime | None, days: set[date]) -> Decimal | None:
    """Hours between two moments that lie in the office hours of working days, day by day."""
    if end is None:
        return None
    seconds, day = 0.0, start.date()
    while day <= end.date():
        if day in days:
            midnight = datetime(day.year, day.month, day.day)
            opens, closes = (midnight + timedelta(minutes=m) for m in (OPENS, CLOSES))
            seconds += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
        day += timedelta(days=1)
    return cents(Decimal(seconds) / 3600)


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _rain_before(city: City, row: Row, at: datetime) -> Row:
    station = u.nearest(city, u.point(row), at)
    hours = [
        (t, Decimal(r["rain_mm"]))
        for t, r in u.station_hours(city)[station]
        if at - timedelta(hours=72) < t <= at and r["rain_mm"]
    ]
    wet = [(mm, t) for t, mm in hours if mm > 0]
    sums = {}
    for n in (1, 3, 24, 72):
        within = [mm for t, mm in hours if t > at - timedelta(hours=n)]
        sums[f"rain_{n}h_mm"] = sum(within, Decimal(0)) if within else None
    return {
        "station_code": station,
        **sums,
        "rain_peak_at": max(wet)[1] if wet else None,
        "rain_peak_mm": max(wet)[0] if wet else None,
    }


@lru_cache(maxsize=2)
def _weather(city: City) -> dict[tuple[str, date], Row]:
    """Station and meteorological day -> what the tables of components say of it."""
    days = {k: v for k, v in w.days_of(city, w.MET).items()}
    rain = {k: w.rain_of(rows) for k, rows in days.items()}
    out: dict[tuple[str, date], Row] = {}
    for (station, day), rows in days.items():
        warm = w.warm_of(rows)
        prior = [
            rain[station, day - timedelta(days=n)]
            for n in (1, 2, 3)
            if (station, day - timedelta(days=n)) in rain
        ]
        out[station, day] = {
            "rain_hours": len(rows),
            "rain_day_mm": rain[station, day],
            "rain_class": w.rain_class(rain[station, day]),
            "max_1h_mm": max(Decimal(r["rain_mm"]) for r in rows),
            "prior_72h_mm": sum(prior, Decimal(0)) if prior else None,
            "freeze_thaw": min(warm) < 0 < max(warm),
        }
    return out


def component_day(city: City) -> Rows:
    assets, cases, weather, stations = asset(city), case(city), _weather(city), u.district_stations(city)
    all_of, wet_of = (
        Counter(a["division_now"] for a in assets),
        Counter(a["division_now"] for a in assets if a["rain_exposed"]),
    )
    events = {e["code"]: e["weather_join"] == "rain" for e in listed("event_classes")}
    grouped: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for c in cases:
        grouped[c["met_day"], c["division_code"], c["event_class"]].append(c)
    days = {d for _, d in weather} | {c["met_day"] for c in cases}
    divisions = set(all_of) | {c["division_code"] for c in cases}
    none = dict.fromkeys(next(iter(weather.values())))
    return [
        {
            "met_day": day,
            "division_code": division,
            "event_class": event,
            "assets": (wet_of if wet else all_of)[division],
            **_counted(grouped[day, division, event]),
            "station_code": stations.get(division),
            **weather.get((stations.get(division, ""), day), none),
        }
        for day in days
        for division in divisions
        for event, wet in events.items()
    ]


def _counted(cases: Rows) -> Row:
    return {
        "cases": len(cases),
        "without_component": sum(c["object_id"] is None for c in cases),
        "closed": sum(c["closed_at"] is not None for c in cases),
        "late_or_open": sum(c["closed_at"] is None or c["overdue"] for c in cases),
        "lateness_unknown": 0,
        **{f"mean_rain_{n}h_mm": mean(c[f"rain_{n}h_mm"] for c in cases) for n in (1, 3, 24, 72)},
        "without_rain_data": sum(c["rain_24h_mm"] is None for c in cases),
    }


def mean(values: Iterable[Decimal | None]) -> Decimal | None:
    told = [v for v in values if v is not None]
    return cents(sum(told, Decimal(0)) / len(told)) if told else None


def component_exposure(city: City) -> Rows:
    last = max(t for hours in u.station_hours(city).values() for t, _ in hours)
    end = date(last.year, last.month, calendar.monthrange(last.year, last.month)[1])
    months: dict[tuple[str, date], Rows] = defaultdict(list)
    for (station, day), told in _weather(city).items():
        if day <= end:
            months[station, day.replace(day=1)].append(told)
    reported: dict[str, list[date]] = defaultdict(list)
    for c in case(city):
        reported[c["object_id"]].append(c["reported_at"].date())
    out: Rows = []
    for a in asset(city):
        at = u.nearest(city, (float(a["#x"]), float(a["#y"])), last)
        for (station, month), days in months.items():
            if station == at and month >= a["surveyed_on"].replace(day=1):
                out.append(_exposed(a, station, month, days, reported[a["object_id"]]))
    return out


def _exposed(a: Row, station: str, month: date, days: Rows, reported: list[date]) -> Row:
    surveyed, length = a["surveyed_on"], calendar.monthrange(month.year, month.month)[1]
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    since = following.replace(year=following.year - 2)
    whole = (following.year - surveyed.year) * 12 + following.month - surveyed.month
    return {
        "object_id": a["object_id"],
        "month": month,
        "class_code": a["class_code"],
        "division_code": a["division_now"],
        "station_code": station,
        "age_months": math.floor(whole - (surveyed.day - 1) / 31),
        "cases_24m": sum(since <= d < following for d in reported),
        "rain_mm": sum((d["rain_day_mm"] for d in days), Decimal(0)),
        "heavy_rain_days": sum(d["rain_class"] in HEAVY for d in days),
        "freeze_thaw_days": sum(d["freeze_thaw"] for d in days),
        "days_short_of_hours": length - sum(d["rain_hours"] == 24 for d in days),
    }


def duty_body_month(city: City) -> Rows:
    grouped: dict[tuple[str, date], Rows] = defaultdict(list)
    for c in case(city):
        owner = "未匹配部件" if c["unmatched"] else "无主" if c["unowned"] else c["owner_name"]
        grouped[owner, c["reported_at"].date().replace(day=1)].append(c)
    return [
        {
            "owner_name": owner,
            "reported_month": month,
            "unowned": owner == "无主",
            "unmatched": owner == "未匹配部件",
            "cases": len(cases),
            "without_component": sum(c["object_id"] is None for c in cases),
            "closed": sum(c["closed_at"] is not None for c in cases),
            "overdue": sum(c["overdue"] for c in cases),
            "overdue_unknown": 0,
            "over_limit": sum(c["over_limit"] is True for c in cases),
            "over_limit_unknown": sum(c["closed_at"] is not None and c["over_limit"] is None for c in cases),
            "handled_again": sum(c["handled_again"] for c in cases),
            "reopened": sum(c["reopened"] for c in cases),
            "mean_closing_working_hours": mean(c["closing_working_hours"] for c in cases),
        }
        for (owner, month), cases in grouped.items()
    ]


def inventory(city: City) -> Rows:
    grouped: dict[tuple[str, str, str], Rows] = defaultdict(list)
    for a in asset(city):
        grouped[a["division_at_issue"], a["class_code"], a["state_code"]].append(a)
    return [
        {
            "division_at_issue": division,
            "class_code": kind,
            "state_code": state,
            "class_name": rows[0]["class_name"],
            "components": len(rows),
            "without_owner": sum(a["owner_name"] is None for a in rows),
            "outside_grid": sum(not a["in_grid"] for a in rows),
            "grid_unknown": 0,
            "surveyed_twice": sum(a["twins_1m"] > 0 for a in rows),
            "first_surveyed_on": min(a["surveyed_on"] for a in rows),
            "last_surveyed_on": max(a["surveyed_on"] for a in rows),
        }
        for (division, kind, state), rows in grouped.items()
    ]


def survey_change(city: City) -> Rows:
    names = {c["code"]: c["label_zh"] for c in listed("component_classes")}
    surveys: dict[date, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    for r in city.rows("construction/component"):
        surveys[date.fromisoformat(f"{r['_period']}-01")][r["grid_code"], r["class_code"]].add(r["object_id"])
    out: Rows = []
    before: dict[tuple[str, str], set[str]] = {}
    for period, now in sorted(surveys.items()):
        for place in before.keys() | now.keys():
            old, new = before.get(place, set()), now.get(place, set())
            if old != new:
                out.append(
                    {
                        "surveyed_period": period,
                        "grid_code": place[0],
                        "class_code": place[1],
                        "class_name": names[place[1]],
                        "components_before": len(old),
                        "added": len(new - old),
                        "vanished": len(old - new),
                        "components_after": len(new),
                    }
                )
        before = now
    return out


TABLES = {
    "urban_components/asset": asset,
    "urban_components/case": case,
    "urban_components/component_day": component_day,
    "urban_components/component_exposure": component_exposure,
    "urban_components/duty_body_month": duty_body_month,
    "urban_components/inventory": inventory,
    "urban_components/survey_change": survey_change,
}
