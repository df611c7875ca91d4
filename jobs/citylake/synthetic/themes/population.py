"""Population: the register of residents, its movements, and what streets and police stations count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from citylake.synthetic.defects import (
    Defect,
    always,
    apostrophe,
    dotted_date,
    fifteen_digits,
    full_width,
    other_sex,
    three_zeros_id,
    when,
)
from citylake.synthetic.order import Order
from citylake.synthetic.people import month_number
from citylake.synthetic.residents import OLD_COUNTY, Streets, lives, movements, residents
from citylake.synthetic.world import Row, World, codes, month_end

RESIDENTS = 6000
# Permanent residents per 100 registered: people live in the new districts and are registered in the counties.
PERMANENT = {
    "210112": 168,
    "210113": 131,
    "210114": 142,
    "210115": 83,
    "210123": 74,
    "210124": 71,
    "210181": 86,
}
URBAN = 112


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """What the offices report for the month: the register, its movements, and two counts of streets."""
    streets: Streets = {}
    for s in codes(world.root, "streets"):
        streets.setdefault(s["division_code"], []).append(s["code"])
    size = world.size(RESIDENTS)
    register = _order(
        world,
        "civil_affairs/resident",
        month,
        f"人口_{month:%Y%m}.txt",
        "full",
        ("marital_status_code", "90"),
    )
    yield register, residents(world.seed, size, month, streets)
    last = (month_end(month) - timedelta(days=1)).date().isoformat()
    moves = _order(
        world,
        "civil_affairs/movement",
        month,
        f"人口变动_{month:%Y%m}.csv",
        "changes",
        ("registered_on", last),
    )
    yield moves, movements(world.seed, size, month, streets)
    counted = _order(
        world, "civil_affairs/permanent_count", month, f"常住人口_{month:%Y%m}.csv", "changes", None
    )
    yield counted, permanent(_stocks(world.seed, size, month_number(month), streets), month)
    police = _order(
        world, "public_security/street_stock", month, f"户籍人口月报_{month:%Y%m}.csv", "changes", None
    )
    yield police, police_stock(world.seed, size, month, streets)


def _order(
    world: World, dataset: str, month: date, file: str, coverage: str, older: tuple[str, str] | None
) -> Order:
    return Order(
        world.contracts[dataset],
        f"{month:%Y-%m}-001",
        f"{month:%Y-%m}",
        coverage,
        month_end(month),
        file,
        older=older,
    )


def _stocks(seed: int, count: int, month: int, streets: Streets) -> Counter[str]:
    """Registered residents of each street at the end of a month."""
    return Counter(s for life in lives(seed, count, max(month, 0), streets) if (s := life.street(month)))


def permanent(registered: Counter[str], month: date) -> Iterator[Row]:
    """Permanent residents by street, in the codes of the statistics bureau: 辽中 is 210122 there until the
    middle of 2016.
    """
    for street, stock in sorted(registered.items()):
        code = OLD_COUNTY + street[6:] if street.startswith("210115") and month < date(2016, 7, 1) else street
        men = 48 + int(street[-3:]) % 5
        yield {
            "stat_month": month.isoformat(),
            "street_code": code,
            "division_code": code[:6],
            "permanent_residents": str(stock * PERMANENT.get(street[:6], URBAN) // 100),
            "men_pct": f"{men}.4",
            "women_pct": f"{99 - men}.6",
        }


def police_stock(seed: int, count: int, month: date, streets: Streets) -> Iterator[Row]:
    """Registered residents as the police stations count them; one station still reports the month before."""
    n, behind = month_number(month), streets["210103"][0]
    now, before = (_stocks(seed, count, m, streets) for m in (n, n - 1))
    for street, stock in sorted(now.items()):
        told = before[street] if street == behind else stock
        yield {
            "stat_month": month.isoformat(),
            "street_code": street,
            "division_code": street[:6],
            "registered_residents": str(told),
            "households": str(max(told * 10 // 27, 1)),
        }


_RESIDENT = (
    Defect("D32", "resident_id", "resident_id.repaired", "repair", fifteen_digits),
    Defect(
        "D33", "resident_id", "resident_id.repaired", "repair", when(lambda v: v.endswith("X"), str.lower)
    ),
    Defect("D20", "resident_id", "resident_id.check_character", "quarantine", three_zeros_id),
    Defect("D34", "sex_code", "resident.id_agrees_with_sex", "flag", other_sex),
    Defect("D17", "sex_code", "sex_code.repaired", "repair", full_width),
    Defect("D24", "ethnicity_code", "ethnicity_code.repaired", "repair", always("不详")),
    Defect("D50", "birth_date", "birth_date.unparsable", "quarantine", always("20160230")),
    Defect(
        "D44",
        "division_code",
        "division_code.not_valid_on_date",
        "flag",
        when(lambda v: v == "210181", lambda v: "210121"),
    ),
)
_MOVEMENT = (
    Defect("D32", "resident_id", "resident_id.repaired", "repair", fifteen_digits),
    Defect(
        "D33", "resident_id", "resident_id.repaired", "repair", when(lambda v: v.endswith("X"), str.lower)
    ),
    Defect("D20", "resident_id", "resident_id.check_character", "quarantine", three_zeros_id),
    Defect("D44", "division_code", "division_code.not_valid_on_date", "flag", always("210121")),
    Defect("D48", "occurred_on", "occurred_on.repaired", "repair", dotted_date),
    Defect("D51", "registered_on", "movement.registered_after_event", "quarantine", always("2015-12-01")),
)
_PERMANENT = (
    Defect(
        "D56", "women_pct", "permanent_count.shares_sum", "flag", lambda v, row, rng: f"{float(v) + 0.5:.1f}"
    ),
    Defect("D44", "division_code", "division_code.not_valid_on_date", "flag", always("210121")),
    Defect("D17", "permanent_residents", "permanent_residents.repaired", "repair", full_width),
)
_POLICE = (
    Defect("D18", "street_code", "street_code.repaired", "repair", apostrophe),
    Defect("D44", "division_code", "division_code.not_valid_on_date", "flag", always("210121")),
)
DEFECTS = {
    "civil_affairs/resident": _RESIDENT,
    "civil_affairs/movement": _MOVEMENT,
    "civil_affairs/permanent_count": _PERMANENT,
    "public_security/street_stock": _POLICE,
}
