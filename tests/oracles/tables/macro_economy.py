"""The tables of the economy: release by release from the truth."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any

from citylake.core.settings import ROOT

from tests.oracles import macro_economy as m
from tests.oracles.city import City

Row = dict[str, Any]
Rows = list[Row]
Place = tuple[str, str, date]
CODES = ROOT / "schemas" / "codes"
WORKBOOK = "statistics/monthly_indicator"
MONTH_GROWTH = ("statistics/indicator_series", "statistics/monthly_indicator")  # who prints one
DISTRICTS = 13  # of the city in 2014 to 2016, counties and the county-level city among them


def listed(name: str) -> list[dict[str, str]]:
    with (CODES / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@lru_cache(maxsize=1)
def _dictionary() -> list[dict[str, str]]:
    return listed("indicators")


def entry(code: str, month: date) -> dict[str, str]:
    """The entry of the dictionary that holds in a month."""
    day = month.isoformat()
    return next(
        e
        for e in _dictionary()
        if e["code"] == code and (e["valid_from"] or "0") <= day <= (e["valid_to"] or "9")
    )


@dataclass(frozen=True)
class Said:
    """One value of one release in the unit of the dictionary."""

    place: Place
    measure: str
    source: str
    sent: str
    value: Decimal | None
    printed: str
    raw: str | None
    growth: Decimal | None  # printed beside a level

    @property
    def kind(self) -> str:
        return entry(self.place[0], self.place[2])["kind"]

    @property
    def unit(self) -> str:
        return entry(self.place[0], self.place[2])["unit"]


@lru_cache(maxsize=2)
def said(city: City) -> tuple[Said, ...]:
    return tuple(
        s for dataset in m.DATASETS for row in _news(city.rows(dataset)) for s in _said(dataset, row)
    )


def _news(rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Without rows that say once more what their office said last: the lake takes these for duplicates."""
    last: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        key = (row["#code"], row.get("#district", ""), row["#month"])
        told = {k: v for k, v in row.items() if k[0] not in "_#"}
        if last.get(key) != told:
            yield row
        last[key] = told


def _said(dataset: str, row: dict[str, str]) -> Iterator[Said]:
    place = (row["#code"], row.get("#district", m.CITY), date.fromisoformat(row["#month"]))
    _, factor = m.PRINTED_AS.get(row["unit_name"], ("", Decimal(1)))
    for measure in ("month", "cumulative"):
        growth = row.get(f"{measure}_growth_pct") or None
        level = row.get(f"{measure}_value") or None
        if level is not None or measure == "cumulative":
            value = None if level is None else _exact(Decimal(level) * factor, 8)
            yield Said(
                place,
                f"{measure}_value",
                dataset,
                row["_sent_at"],
                value,
                row["unit_name"],
                _printed(dataset, level),
                None if growth is None else Decimal(growth),
            )
        if growth is not None and (measure == "cumulative" or dataset in MONTH_GROWTH):
            rate = _exact(Decimal(growth), 2)
            yield Said(place, f"{measure}_growth", dataset, row["_sent_at"], rate, "%", f"{rate:.2f}", None)


def _printed(dataset: str, level: str | None) -> str | None:
    """The text of a cell; a number of a workbook has no zeros at its end."""
    return f"{Decimal(level).normalize():f}" if level and dataset == WORKBOOK else level


def _exact(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0


def _year_before(place: Place) -> Place:
    return (*place[:2], place[2].replace(year=place[2].year - 1))


@lru_cache(maxsize=2)
def _last_level(city: City) -> dict[tuple[Place, str], Decimal | None]:
    """What was said last of each level."""
    found: dict[tuple[Place, str], Said] = {}
    for s in said(city):
        known = found.get((s.place, s.measure))
        if known is None or (s.sent, s.value or Decimal("-1e30")) > (
            known.sent,
            known.value or Decimal("-1e30"),
        ):
            found[s.place, s.measure] = s
    return {k: s.value for k, s in found.items()}


def _broken(city: City, s: Said) -> bool:
    before = _last_level(city).get((_year_before(s.place), s.measure))
    if not s.measure.endswith("_value") or not before or s.value is None or s.growth is None:
        return False
    moved = (float(s.value) / float(before) - 1) * 100
    return abs(moved) > 20 and abs(moved - float(s.growth)) > 10


def observation(city: City) -> Rows:
    cumulative = {(s.place, s.source, s.sent): s.value for s in said(city) if s.measure == "cumulative_value"}
    out: Rows = []
    for s in said(city):
        level = s.measure.endswith("_value")
        repeats = (
            s.measure == "month_value"
            and s.place[2].month > 1
            and bool(s.value)
            and s.value == cumulative[s.place, s.source, s.sent]
        )
        out.append(
            {
                **_place(s.place),
                "measure": s.measure,
                "source": s.source,
                "released_at": datetime.fromisoformat(s.sent),
                "value": None if s.value is None else _exact(s.value, 4),
                "unit_name": s.unit if level else "%",
                "printed_unit": s.printed,
                "raw_text": s.raw,
                "unit_state": "converted" if level and s.printed != s.unit else "dictionary",
                "is_cumulative": s.kind == "flow" and (s.measure.startswith("cumulative") or repeats),
                "break_flag": _broken(city, s),
            }
        )
    return out


def _place(place: Place) -> Row:
    return {"indicator_code": place[0], "region_code": place[1], "stat_month": place[2]}


@lru_cache(maxsize=2)
def _releases(city: City) -> dict[Place, list[Row]]:
    """Per indicator, region and month its releases in the order in which they became known."""
    wide: dict[tuple[Place, str, str], Row] = {}
    for row in observation(city):
        place = (row["indicator_code"], row["region_code"], row["stat_month"])
        one = wide.setdefault((place, str(row["released_at"]), row["source"]), {"releases": []})
        one["releases"].append(row)
    found: dict[Place, list[Row]] = defaultdict(list)
    for (place, _, source), one in sorted(wide.items(), key=lambda x: x[0][1:]):
        by = {r["measure"]: r for r in one["releases"]}
        month, whole = by.get("month_value"), by["cumulative_value"]
        levels = [r["unit_name"] for r in one["releases"] if r["unit_name"] != "%"]
        found[place].append(
            {
                **_place(place),
                "source": source,
                "known_from": whole["released_at"],
                "known_to": None,
                "unit_name": max(levels, default="%"),
                "month_value": month["value"] if month and not month["is_cumulative"] else None,
                "month_growth_pct": by["month_growth"]["value"] if "month_growth" in by else None,
                "cumulative_value": whole["value"],
                "cumulative_growth_pct": by["cumulative_growth"]["value"]
                if "cumulative_growth" in by
                else None,
                "unit_state": whole["unit_state"],
                "break_flag": whole["break_flag"],
                "vintage": len(found[place]) + 1,
            }
        )
    for told in found.values():
        for one, following in pairwise(told):
            one["known_to"] = following["known_from"]
    return found


def indicator_asof(city: City) -> Rows:
    return [row for told in _releases(city).values() for row in told]


def indicator_month(city: City) -> Rows:
    told = _releases(city)
    rows = [_month(told, place) for place in told]
    _seasons(rows)
    return rows


def _month(told: dict[Place, list[Row]], place: Place) -> Row:
    now, known = told[place][-1], entry(place[0], place[2])
    value, whole = now["cumulative_value"], known["kind"] == "flow"
    basis, month = _basis(told, place, known["cumulative_rule"])
    computed, growth_basis = (None, None) if known["kind"] == "index" else _growth(told, place)
    published = now["cumulative_growth_pct"]
    parent = told.get((known["parent"], *place[1:]))
    above = parent[-1]["cumulative_value"] if parent and known["kind"] != "index" else None
    return {
        **_place(place),
        "series_kind": known["kind"],
        "unit_name": now["unit_name"],
        "month_value": month,
        "month_basis": basis,
        "negative_difference": basis in ("one_vintage", "mixed") and month is not None and month < 0,
        "cumulative_value": value,
        "month_growth_published_pct": now["month_growth_pct"],
        "cumulative_growth_published_pct": published,
        "cumulative_growth_computed_pct": computed,
        "growth_basis": growth_basis,
        "growth_gap_points": None if published is None or computed is None else published - computed,
        "level_break": now["break_flag"],
        "unit_state": now["unit_state"],
        "share_of_parent_pct": _exact(value * 100 / above, 4) if value is not None and above else None,
        "vintages": now["vintage"],
        "source": now["source"],
        "vintage_known_from": now["known_from"],
        "#flow": value if basis == "not_split" else month,
        "#year": _december(told, place) if whole else None,
    }


def _before(told: dict[Place, list[Row]], place: Place, months: int) -> tuple[Decimal | None, str]:
    """The cumulative value so many months before: of the same release, else as any release had it."""
    at = place[2].year * 12 + place[2].month - 1 - months
    earlier = told.get((*place[:2], date(at // 12, at % 12 + 1, 1)), [])
    now = told[place][-1]
    own = [r for r in earlier if (r["source"], r["known_from"]) == (now["source"], now["known_from"])]
    for rows, name in ((own, "one_vintage"), (earlier[-1:], "mixed")):
        if rows and rows[-1]["cumulative_value"] is not None:
            return rows[-1]["cumulative_value"], name
    return None, "none"


def _basis(told: dict[Place, list[Row]], place: Place, rule: str) -> tuple[str, Decimal | None]:
    now, month = told[place][-1], place[2].month
    value = now["cumulative_value"]
    if now["month_value"] is not None:
        return "reported", now["month_value"]
    if rule == "from_february" and month <= 2:
        return "not_split", None
    if rule not in ("every_month", "from_february") or value is None:
        return "none", None
    if month == 1:
        return "january", value
    before, basis = _before(told, place, 1)
    return basis, None if before is None else value - before


def _growth(told: dict[Place, list[Row]], place: Place) -> tuple[Decimal | None, str | None]:
    value, (before, basis) = told[place][-1]["cumulative_value"], _before(told, place, 12)
    if value is None or not before:
        return None, None
    return _exact((value - before) / before * 100, 4), basis


def _december(told: dict[Place, list[Row]], place: Place) -> Decimal | None:
    last = told.get((*place[:2], place[2].replace(month=12)))
    return last[-1]["cumulative_value"] if last else None


def _seasons(rows: Rows) -> None:
    """Fills the shares of a year, the middle of a month over the years, and whether it lies off."""
    shares: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in rows:
        flow, year = row.pop("#flow"), row.pop("#year")
        row["#share"] = float(flow) * 100 / float(year) if flow is not None and year else None
        if row["#share"] is not None:
            shares[row["indicator_code"], row["region_code"], row["stat_month"].month].append(row["#share"])
    middle = {k: median(v) for k, v in shares.items()}
    off: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (code, region, month), found in shares.items():
        off[code, region] += [abs(s - middle[code, region, month]) for s in found]
    for row in rows:
        share, series = row.pop("#share"), (row["indicator_code"], row["region_code"])
        profile = middle.get((*series, row["stat_month"].month))
        row["share_of_year_pct"] = _rounded(share)
        row["season_share_pct"] = None if share is None or profile is None else _rounded(profile)
        row["out_of_season"] = (
            None if share is None or profile is None else abs(share - profile) > 3 * median(off[series])
        )


def _rounded(value: float | None) -> Decimal | None:
    return None if value is None else _exact(Decimal(repr(value)), 4)


def revision(city: City) -> Rows:
    found: dict[tuple[Place, str], Rows] = defaultdict(list)
    for row in observation(city):
        if row["value"] is not None:
            place = (row["indicator_code"], row["region_code"], row["stat_month"])
            found[place, row["measure"]].append(row)
    out: Rows = []
    for (place, measure), rows in found.items():
        told = sorted(rows, key=lambda r: (r["released_at"], r["source"]))
        values, first, last = [r["value"] for r in told], told[0], told[-1]
        moved = last["value"] - first["value"]
        out.append(
            {
                **_place(place),
                "measure": measure,
                "unit_name": first["unit_name"],
                "first_value": first["value"],
                "first_released_at": first["released_at"],
                "latest_value": last["value"],
                "latest_released_at": last["released_at"],
                "revision": moved,
                "revision_pct": _exact(moved / abs(first["value"]) * 100, 4) if first["value"] else None,
                "releases": len(told),
                "vintages": 1 + sum(a != b for a, b in pairwise(values)),
            }
        )
    return out


def reconciliation(city: City) -> Rows:
    now = {place: told[-1]["cumulative_value"] for place, told in _releases(city).items()}
    out: Rows = []
    for place, whole in now.items():
        known = entry(place[0], place[2])
        kinds = known["additive_over"].split()
        if "districts" in kinds and place[1] == m.CITY:
            parts = [v for p, v in now.items() if p[0] == place[0] and p[2] == place[2] and p[1] != m.CITY]
            out += [_sum("districts", "districts", place, whole, parts, DISTRICTS, known)] if parts else []
        if "parts" in kinds:
            below = [
                e
                for e in _dictionary()
                if e["parent"] == place[0] and e["part_of"] and e == entry_or_none(e["code"], place[2])
            ]
            for name in {e["part_of"] for e in below}:
                codes = [e["code"] for e in below if e["part_of"] == name]
                parts = [now.get((c, *place[1:])) for c in codes]
                if any(p is not None for p in parts):
                    out.append(_sum("parts", name, place, whole, parts, len(codes), known))
    return out


def entry_or_none(code: str, month: date) -> dict[str, str] | None:
    try:
        return entry(code, month)
    except StopIteration:
        return None


def _sum(
    kind: str,
    name: str,
    place: Place,
    whole: Decimal | None,
    parts: list[Decimal | None],
    expected: int,
    known: dict[str, str],
) -> Row:
    told = [p for p in parts if p is not None]
    total = sum(told, Decimal(0)) if told else None
    gap = None if total is None or whole is None else total - whole
    share = _exact(gap * 100 / abs(whole), 4) if gap is not None and whole else None
    tolerance = Decimal(known["tolerance_pct"])
    return {
        "kind": kind,
        "partition_name": name,
        **_place(place),
        "whole_value": whole,
        "parts_sum": total,
        "parts_count": len(told),
        "parts_expected": expected,
        "gap": gap,
        "gap_pct": share,
        "tolerance_pct": tolerance,
        "within": None if len(told) != expected or share is None else abs(share) <= tolerance,
    }


def revenue_and_firms(city: City) -> Rows:
    opened: dict[str, str] = {}
    for row in city.rows("state_taxation/taxpayer"):
        opened[row["taxpayer_no"]] = min(row["registered_on"], opened.get(row["taxpayer_no"], "9999"))
    years = [int(d[:4]) for d in opened.values()]
    return [
        {
            "stat_month": month,
            "tax_revenue": told[-1]["cumulative_value"],
            "tax_revenue_growth_pct": told[-1]["cumulative_growth_pct"],
            "opened_last_year": years.count(month.year - 1),
            "opened_year_before": years.count(month.year - 2),
        }
        for (code, region, month), told in _releases(city).items()
        if code == "一般公共预算收入/税收收入" and region == m.CITY
    ]


TABLES = {
    "macro_economy/observation": observation,
    "macro_economy/indicator_asof": indicator_asof,
    "macro_economy/indicator_month": indicator_month,
    "macro_economy/revision": revision,
    "macro_economy/reconciliation": reconciliation,
    "macro_economy/revenue_and_firms": revenue_and_firms,
}
