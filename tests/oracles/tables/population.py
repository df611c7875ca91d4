"""The tables of population: counted person by person, withheld by the slow rule of the questions' oracles."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.oracles import population as p
from tests.oracles.city import City

Row = dict[str, Any]
Rows = list[Row]


def movement_balance(city: City) -> Rows:
    return [_area(m, day, a) for day, m in p.months_of(city).items() for a in m.stock]


def _area(month: p.Month, day: date, area: str) -> Row:
    level = "city" if area == "210100" else "district" if len(area) == 6 else "street"
    above = {"city": None, "district": "210100", "street": area[:6]}[level]
    stock_hidden = area in month.stock_hidden
    flows_hidden = area in month.flow_hidden
    before = month.before
    started = before is not None
    stock_before = before[area] if before is not None else None
    flows = {f: month.flow[area, f] for f in p.FLOWS}
    gap = month.gap(area) if started else None
    expected = None if gap is None else month.stock[area] - gap
    told = {**flows, "expected_stock": expected, "gap": gap, "gap_permille": None}
    if expected is not None and gap is not None and expected >= 1000:
        told["gap_permille"] = int(1000 * gap / expected)
    shown = {n: None if flows_hidden else v for n, v in told.items()}
    return {
        "area_code": area,
        "stat_month": day,
        "area_level": level,
        "parent_code": above,
        "stock_before": None if area in month.before_hidden else stock_before,
        "register_stock": None if stock_hidden else month.stock[area],
        **shown,
        "balanced": None if gap is None else gap == 0,
        "stock_withheld": stock_hidden,
        "flows_withheld": flows_hidden,
    }


def household_and_permanent(city: City) -> Rows:
    return [r for period in p.periods_of(city) for r in _beside(city, period)]


def _beside(city: City, period: str) -> Rows:
    day = date.fromisoformat(f"{period}-01")
    month = p.months_of(city)[day]
    streets: Counter[str] = Counter()
    lived: p.Counts = defaultdict(lambda: {"n": 0})
    for r in city.rows("civil_affairs/permanent_count"):
        if r["stat_month"][:7] == period:
            area = p.today(r["street_code"])[:6]
            lived[area]["n"] += int(r["permanent_residents"])
            streets[area] += 1
    hidden = p.withheld(lived)
    whole = {"210100": {"n": sum(c["n"] for c in lived.values())}}
    hidden |= p.withheld(whole)
    lived |= whole
    streets["210100"] = sum(streets.values())
    out: Rows = []
    for area in {a for a in month.stock if len(a) == 6} | lived.keys():
        registered = None if area in month.stock_hidden or area not in month.stock else month.stock[area]
        permanent = None if area in hidden or area not in lived else lived[area]["n"]
        ratio = None
        if registered and permanent is not None:
            ratio = (Decimal(permanent) / registered).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        out.append(
            {
                "area_code": area,
                "stat_month": day,
                "area_level": "city" if area == "210100" else "district",
                "registered_residents": registered,
                "permanent_residents": permanent,
                "permanent_per_registered": ratio,
                "streets_counted": streets[area],
                "registered_withheld": area in month.stock_hidden,
                "permanent_withheld": area in hidden,
            }
        )
    return out


def department_agreement(city: City) -> Rows:
    months = p.months_of(city)
    police: Counter[tuple[str, date]] = Counter()
    for r in city.rows("public_security/street_stock"):
        police[p.today(r["street_code"]), date.fromisoformat(r["stat_month"])] = int(
            r["registered_residents"]
        )
    registered = {(s, d): m for d, m in months.items() for s in m.streets}
    out: Rows = []
    for street, day in police.keys() | registered.keys():
        month = registered.get((street, day))
        told = police.get((street, day))
        hidden = (month is not None and street in month.stock_hidden) or (told is not None and told < 10)
        stock = None if hidden or month is None else month.stock[street]
        shown = None if hidden else told
        difference = None if stock is None or shown is None else shown - stock
        out.append(
            {
                "street_code": street,
                "stat_month": day,
                "division_code": street[:6],
                "reported_by": "public_security"
                if month is None
                else "civil_affairs"
                if told is None
                else "both",
                "register_stock": stock,
                "police_stock": shown,
                "difference": difference,
                "agrees": None if difference is None else difference == 0,
                "withheld": hidden,
            }
        )
    return out


def resident_count(city: City) -> Rows:
    period = p.periods_of(city)[-1]
    as_of = date.fromisoformat(f"{period}-01")
    cells: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for r in city.rows("civil_affairs/resident"):
        if r["_period"] == period:
            born = r["birth_date"]
            age = as_of.year - int(born[:4]) - (f"{as_of:%m%d}" < born[4:])
            cells[p.today(r["street_code"])[:6]][r["sex_code"], min(max(age, 0), 100) // 5 * 5] += 1
    above = p.withheld({d: {"n": sum(c.values())} for d, c in cells.items()})
    out: Rows = []
    for district, found in cells.items():
        named = {f"{s}/{a:03d}": {"n": n} for (s, a), n in found.items()}
        hidden = p.withheld(named, total=district in above)
        for (sex, age), n in found.items():
            suppressed = f"{sex}/{age:03d}" in hidden
            out.append(
                {
                    "as_of": as_of,
                    "division_code": district,
                    "sex_code": sex,
                    "age_from": age,
                    "residents": None if suppressed else n,
                    "suppressed": suppressed,
                }
            )
    return out


TABLES = {
    "population/movement_balance": movement_balance,
    "population/household_and_permanent": household_and_permanent,
    "population/department_agreement": department_agreement,
    "population/resident_count": resident_count,
}
