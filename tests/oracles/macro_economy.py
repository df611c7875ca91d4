"""The questions on the economy, reckoned slowly from the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from tests.oracles.city import City

Rows = list[tuple[Any, ...]]
CITY = "210100"
DATASETS = (
    "commerce/trade_retail",
    "finance/fiscal_revenue",
    "power_supply/electricity",
    "statistics/district_indicator",
    "statistics/indicator_series",
    "statistics/monthly_indicator",
)
PRINTED_AS = {"万元": ("亿元", Decimal("0.0001")), "万千瓦时": ("亿千瓦时", Decimal("0.0001"))}
INDICES, STOCKS = ("价格",), ("存款", "贷款")
JANUARY_TOO = ("一般公共预算", "进出口总额", "实际利用外资", "全社会用电量", "货运量", "客运量")


@dataclass(frozen=True)
class Release:
    """What one file said about one indicator, region and month, in the unit that the office uses for it
    otherwise.
    """

    code: str
    region: str
    month: date
    source: str
    sent: str
    unit: str
    printed: str
    value: Decimal | None
    month_value: Decimal | None
    growth: Decimal | None


def releases(city: City) -> Iterator[Release]:
    """Every row of truth of the six datasets."""
    for dataset in DATASETS:
        for row in city.rows(dataset):
            unit, factor = PRINTED_AS.get(row["unit_name"], (row["unit_name"], Decimal(1)))
            yield Release(
                row["#code"],
                row.get("#district", CITY),
                date.fromisoformat(row["#month"]),
                dataset,
                row["_sent_at"],
                unit,
                row["unit_name"],
                _number(row, "cumulative_value", factor),
                _number(row, "month_value", factor),
                _number(row, "cumulative_growth_pct", Decimal(1)),
            )


def _number(row: dict[str, str], name: str, factor: Decimal) -> Decimal | None:
    return Decimal(row[name]) * factor + 0 if row.get(name) else None  # + 0: no negative zero


def histories(city: City) -> dict[tuple[str, str, date], list[Release]]:
    """The releases of each indicator, region and month in the order in which they became known."""
    found: dict[tuple[str, str, date], list[Release]] = defaultdict(list)
    for r in sorted(releases(city), key=lambda r: (r.sent, r.source)):
        found[(r.code, r.region, r.month)].append(r)
    return found


def latest(city: City) -> dict[tuple[str, str, date], Release]:
    """The last release of each."""
    return {k: v[-1] for k, v in histories(city).items()}


def _q(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def first_and_latest(city: City) -> Rows:
    """Value changes count, restatements do not."""
    out: Rows = []
    for (code, region, month), told in histories(city).items():
        if region == CITY and month.year == 2016:
            values = [r.value for r in told if r.value is not None]
            changes = sum(a != b for a, b in pairwise(values))
            out.append(
                (code, month, told[0].unit, values[0], values[-1], values[-1] - values[0], 1 + changes)
            )
    return out


def month_from_cumulative(city: City) -> Rows:
    """No office reports January for these two."""
    known, out = latest(city), list[tuple[Any, ...]]()
    for (code, region, month), now in known.items():
        if region != CITY or code not in ("固定资产投资", "社会消费品零售总额") or now.value is None:
            continue
        before = known.get((code, region, month.replace(month=month.month - 1)))
        difference = (
            now.value
            if month.month == 2
            else now.value - before.value
            if before and before.value is not None
            else None
        )
        basis = (
            "not_split" if month.month == 2 else "reported" if now.month_value is not None else "one_vintage"
        )
        out.append(
            (
                code,
                month,
                difference,
                now.month_value if now.month_value is not None else difference if month.month > 2 else None,
                basis,
            )
        )
    return out


def _computed(city: City) -> Iterator[tuple[Release, Decimal, str]]:
    """Growth by levels: of the same release where it names both months, else of what is known now."""
    told = histories(city)
    for (code, region, month), history in told.items():
        now, earlier = history[-1], told.get((code, region, month.replace(year=month.year - 1)), [])
        own = [r for r in earlier if (r.source, r.sent) == (now.source, now.sent)]
        base = (own or earlier)[-1].value if earlier else None
        if now.value is not None and base and not code.split("/")[-1].endswith(("价格", "指数")):
            yield now, (now.value / base - 1) * 100, "one_vintage" if own else "mixed"


def _broken(now: Release, computed: Decimal) -> bool:
    return now.growth is not None and abs(computed) > 20 and abs(computed - now.growth) > 10


def gaps(city: City) -> Rows:
    """Published less computed."""
    return [
        (r.code, r.region, r.month, r.growth, _q(computed), r.growth - _q(computed), basis)
        for r, computed, basis in _computed(city)
        if r.growth is not None and abs(r.growth - _q(computed)) > 1 and not _broken(r, computed)
    ]


def districts(city: City) -> Rows:
    """Places as in sport: after two firsts comes a third."""
    growth = {
        region: r.growth
        for (code, region, month), r in latest(city).items()
        if code == "固定资产投资" and region != CITY and month == date(2016, 3, 1)
    }
    told = [g for g in growth.values() if g is not None]
    return [
        (region, g, None if g is None else 1 + sum(o > g for o in told), g is not None and told.count(g) > 1)
        for region, g in growth.items()
    ]


def breaks(city: City) -> Rows:
    """Indicators of the city that break in each month of 2016."""
    found: dict[str, list[tuple[Release, Decimal]]] = defaultdict(list)
    for r, computed, _ in _computed(city):
        if r.region == CITY and r.month.year == 2016:
            found[r.code].append((r, computed))
    return [
        (
            code,
            min(r.month for r, _ in rows),
            len(rows),
            min(_q(c) for _, c in rows),
            min(r.growth for r, _ in rows if r.growth is not None),
        )
        for code, rows in found.items()
        if all(_broken(r, c) for r, c in rows)
    ]


def known_on(city: City) -> Rows:
    """Releases sent by the end of March 2016."""
    out: Rows = []
    for (code, region, month), told in histories(city).items():
        then = [r for r in told if r.sent <= "2016-03-31T23:59:59"]
        if region == CITY and month == date(2016, 2, 1) and then:
            out.append(
                (code, then[-1].unit, then[-1].value, then[-1].growth, told[-1].value, told[-1].growth)
            )
    return out


def seasons(city: City) -> Rows:
    """Shares of complete years; 1-2 月 is one month; MAD over all months of an indicator."""
    known, shares = latest(city), dict[tuple[str, int, int], float]()
    for (code, region, month), r in known.items():
        december = known.get((code, region, month.replace(month=12)))
        flow = _flow(known, r)
        if region == CITY and december and december.value and flow is not None:
            shares[(code, month.year, month.month)] = float(flow) * 100 / float(december.value)
    profile = {
        (c, m): median(s for (c2, _, m2), s in shares.items() if (c2, m2) == (c, m)) for c, _, m in shares
    }
    off = {k: abs(s - profile[(k[0], k[2])]) for k, s in shares.items()}
    mad = {c: median(v for k, v in off.items() if k[0] == c) for c, _, _ in shares}
    odd = {
        (c, m): sorted(
            f"{y}-{m:02d}" for (c2, y, m2), v in off.items() if (c2, m2) == (c, m) and v > 3 * mad[c]
        )
        for c, m in profile
    }
    return [(c, m, _q(Decimal(repr(p))), ", ".join(odd[(c, m)])) for (c, m), p in profile.items()]


def _flow(known: dict[tuple[str, str, date], Release], r: Release) -> Decimal | None:
    """The amount of a month as far as it can be told; of quarters, stocks and indices none."""
    if r.code.startswith("地区生产总值") or any(w in r.code for w in (*INDICES, *STOCKS)):
        return None
    if r.month_value is not None:
        return r.month_value
    if r.value is None or (r.month.month == 2 and not r.code.startswith(JANUARY_TOO)):
        return r.value
    before = (
        known.get((r.code, r.region, r.month.replace(month=r.month.month - 1))) if r.month.month > 1 else None
    )
    return r.value - before.value if before and before.value is not None else None


def switched_units(city: City) -> Rows:
    """Units as printed."""
    units: dict[str, set[str]] = defaultdict(set)
    for r in releases(city):
        units[r.code].add(r.printed)
    return [(code, ", ".join(sorted(found)), 0) for code, found in units.items() if len(found) > 1]


def revenue_and_firms(city: City) -> Rows:
    """Each taxpayer once, by the earliest day of registration that the office ever told."""
    opened: dict[str, str] = {}
    for row in city.rows("state_taxation/taxpayer"):
        opened[row["taxpayer_no"]] = min(row["registered_on"], opened.get(row["taxpayer_no"], "9999"))
    years = [int(d[:4]) for d in opened.values()]
    return [
        (month, r.value, r.growth, years.count(2015), years.count(2014))
        for (code, region, month), r in latest(city).items()
        if code == "一般公共预算收入/税收收入" and region == CITY and month.year == 2016
    ]


ANSWERS: dict[str, Callable[[City], Rows]] = {
    "01-first-and-latest-values": first_and_latest,
    "02-month-from-cumulative": month_from_cumulative,
    "03-published-against-computed-growth": gaps,
    "04-districts-by-growth": districts,
    "05-level-breaks": breaks,
    "06-known-on-a-date": known_on,
    "07-seasons": seasons,
    "08-switched-units": switched_units,
    "09-revenue-and-new-firms": revenue_and_firms,
}
