"""Slow answers to the questions on urban components, from the truth: loops over lists, distances and boxes by
hand.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.oracles.city import City

Row = dict[str, str]
Answer = list[tuple[Any, ...]]
DRAINS, WATER = ("0102", "0103", "0104"), ("道路积水", "检查井溢水")


def known_assets(city: City, back: int = 0) -> list[Row]:
    """The last full delivery of the register, or the one so many before it."""
    rows = city.rows("construction/component")
    delivery = sorted({r["_delivery"] for r in rows})[-1 - back]
    return [r for r in rows if r["_delivery"] == delivery]


@lru_cache(maxsize=4)
def reported_cases(city: City) -> tuple[Row, ...]:
    """Every case as it was sent last."""
    return tuple({r["case_id"]: r for r in city.rows("construction/component_case")}.values())


def holds(box: Row, longitude: str, latitude: str) -> bool:
    return float(box["west"]) <= float(longitude) < float(box["east"]) and float(box["south"]) <= float(
        latitude
    ) < float(box["north"])


def grid_at(city: City, row: Row) -> Row | None:
    """The grid that holds a point."""
    boxes = city.rows("construction/grid")
    return next((b for b in boxes if holds(b, row["longitude"], row["latitude"])), None)


def _division(city: City, case: Row) -> str:
    """The district of the grid in which a case lies; the city's assets stand in the district that their code
    tells.
    """
    boxes = city.rows("construction/grid")
    return next(
        (b["division_code"] for b in boxes if holds(b, case["longitude"], case["latitude"])), "210100"
    )


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    return 111320 * math.hypot((b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2)), b[1] - a[1])


def point(row: Row, mark: str = "") -> tuple[float, float]:
    return float(row[f"{mark}longitude"]), float(row[f"{mark}latitude"])


@lru_cache(maxsize=4)
def station_hours(city: City) -> dict[str, list[tuple[datetime, Row]]]:
    """Station -> its hours in order."""
    found: dict[str, dict[datetime, Row]] = defaultdict(dict)
    for r in city.rows("weather/station_hourly"):
        found[r["station_code"]][
            datetime(int(r["year"]), int(r["month"]), int(r["day"])) + timedelta(hours=int(r["hour"]))
        ] = r
    return {s: sorted(h.items()) for s, h in found.items()}


def nearest(city: City, at: tuple[float, float], moment: datetime) -> str:
    """The nearest station by its last place that it had shown by then."""
    places = {s: [r for t, r in h if t <= moment][-1:] for s, h in station_hours(city).items()}
    return min((metres(at, point(p[0])), s) for s, p in places.items() if p)[1]


def met_day(moment: datetime) -> date:
    day = moment.date()
    return day + timedelta(days=1) if moment > datetime(day.year, day.month, day.day, 20) else day


@lru_cache(maxsize=4)
def station_days(city: City) -> dict[tuple[str, date], list[Row]]:
    found: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for station, hours in station_hours(city).items():
        for moment, row in hours:
            found[station, met_day(moment)].append(row)
    return found


def district_stations(city: City) -> dict[str, str]:
    """District -> station nearest to the middle of its assets."""
    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for r in known_assets(city):
        places[r["#division"]].append(point(r, "#"))
    last = max(t for h in station_hours(city).values() for t, _ in h)
    middles = {d: (sum(x for x, _ in p) / len(p), sum(y for _, y in p) / len(p)) for d, p in places.items()}
    return {d: nearest(city, m, last) for d, m in middles.items()}


def reported_at(case: Row) -> datetime:
    return datetime.fromisoformat(case["reported_at"])


def case_days(city: City, *classes: str) -> Counter[tuple[str, date]]:
    return Counter(
        (_division(city, c), met_day(reported_at(c)))
        for c in reported_cases(city)
        if c["event_class"] in classes
    )


def drain_cases(city: City) -> Answer:
    drains = Counter(r["#division"] for r in known_assets(city) if r["class_code"] in DRAINS)
    cases, days = case_days(city, *WATER), defaultdict[tuple[str, str], list[date]](list)
    stations = district_stations(city)
    for division in drains:
        for (station, day), hours in station_days(city).items():
            rain = sum(Decimal(h["rain_mm"]) for h in hours if h["rain_mm"])
            if station == stations[division] and len(hours) == 24 and (rain < Decimal("0.1") or rain >= 25):
                days[division, "dry" if rain < 25 else "heavy"].append(day)
    return [
        _rate(division, kind, known, sum(cases[division, d] for d in known), drains[division])
        for (division, kind), known in days.items()
    ]


def _rate(division: str, kind: str, days: list[date], cases: int, assets: int) -> tuple[Any, ...]:
    return division, kind, len(days), cases, assets, rounded(1000 * cases / (assets * len(days)), 3)


def rounded(value: float, digits: int) -> float:
    """Half up, as SQL rounds."""
    return math.floor(value * 10**digits + 0.5) / 10**digits


def lag_hours(city: City) -> Answer:
    lags: Counter[int] = Counter()
    for case in (c for c in reported_cases(city) if c["event_class"] == "道路积水"):
        at = reported_at(case)
        hours = station_hours(city)[nearest(city, point(case), at)]
        wet = [
            (Decimal(r["rain_mm"]), t)
            for t, r in hours
            if at - timedelta(hours=72) < t <= at and r["rain_mm"] and Decimal(r["rain_mm"]) > 0
        ]
        if wet:
            lags[int((at - max(wet)[1]).total_seconds() // 3600)] += 1
    return list(lags.items())


def three_cases(city: City) -> Answer:
    states: dict[str, set[str]] = defaultdict(set)
    for r in city.rows("construction/component"):
        states[r["object_id"]].add(r["state_code"])
    counts = Counter(c["object_id"] for c in reported_cases(city))
    now = [r for r in known_assets(city) if counts[r["object_id"]] >= 3 and len(states[r["object_id"]]) == 1]
    return [(r["object_id"], r["name"], r["state_code"], counts[r["object_id"]]) for r in now]


def overdue_shares(city: City) -> Answer:
    assets = {r["object_id"]: r for r in known_assets(city)}
    year, month = map(int, max(r["_period"] for r in city.rows("construction/component_case")).split("-"))
    known = f"{year + month // 12}-{month % 12 + 1:02d}-01 00:00:00"  # the end of the last month delivered
    found: dict[tuple[bool, str], list[bool]] = defaultdict(list)
    for case in reported_cases(city):
        asset, last = assets.get(case["object_id"]), json.loads(case["stages"])[-1]
        owned = asset is not None and asset["owner_name"] != "" and asset["class_code"] != "0114"
        ended = last["at"] if last["stage"] == "结案" else known
        found[not owned, asset["owner_name"] if asset and owned else "无主"].append(
            ended > case["deadline_at"]
        )
    return [(*k, len(v), sum(v), rounded(sum(v) / len(v), 4)) for k, v in found.items()]


def survey_changes(city: City) -> Answer:
    def placed(rows: list[Row]) -> dict[tuple[str, str], set[str]]:
        out: dict[tuple[str, str], set[str]] = defaultdict(set)
        for r in rows:
            out[r["grid_code"], r["class_code"]].add(r["object_id"])
        return out

    now, before = placed(known_assets(city)), placed(known_assets(city, 1))
    both = [(k, before.get(k, set()), now.get(k, set())) for k in now.keys() | before.keys()]
    return [(*k, len(old), len(old - new), len(new - old), len(new)) for k, old, new in both if old != new]


def outside(city: City) -> Answer:
    boxes = {b["grid_code"]: b for b in city.rows("construction/grid")}
    wrong = [
        r for r in known_assets(city) if not holds(boxes[r["grid_code"]], r["#longitude"], r["#latitude"])
    ]
    return [(r["object_id"], r["grid_code"], r["#grid"], False, True) for r in wrong]


def freeze_thaw(city: City) -> Answer:
    cases, stations = case_days(city, "路面塌陷"), district_stations(city)
    found: dict[bool, list[int]] = defaultdict(list)
    for division, mine in stations.items():
        for (station, day), hours in station_days(city).items():
            if station == mine:
                warm = [float(h["temperature_celsius"]) for h in hours if h["temperature_celsius"]]
                found[min(warm) < 0 < max(warm)].append(cases[division, day])
    return [(k, len(v), sum(v), rounded(100 * sum(v) / len(v), 3)) for k, v in found.items()]


def twins(city: City) -> Answer:
    rows = sorted(known_assets(city), key=lambda r: r["object_id"])
    pairs: Answer = []
    for i, a in enumerate(rows):
        near = [
            b
            for b in rows[i + 1 :]
            if a["class_code"] == b["class_code"] and metres(point(a, "#"), point(b, "#")) <= 1
        ]
        pairs += [(a["object_id"], b["object_id"], b["class_code"]) for b in near]
    return pairs


ANSWERS = {
    "01-drain-cases-on-heavy-rain-days": drain_cases,
    "02-hours-from-rain-peak-to-flood": lag_hours,
    "03-three-cases-and-no-change": three_cases,
    "04-overdue-share-of-owners": overdue_shares,
    "05-vanished-and-new-since-last-survey": survey_changes,
    "06-outside-grid-or-district": outside,
    "07-freeze-thaw-and-collapse": freeze_thaw,
    "10-surveyed-twice": twins,
}
