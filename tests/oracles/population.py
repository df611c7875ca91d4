"""Population: answers counted person by person from the true registers, with a slow suppression of their
own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.oracles.city import City

FLOWS = ("births", "moved_in", "deaths", "moved_out")
Counts = dict[str, dict[str, int]]  # area -> measure -> count


def today(street: str) -> str:
    """辽中县 is 辽中区 today."""
    return "210115" + street[6:] if street.startswith("210122") else street


def periods_of(city: City) -> list[str]:
    return sorted({r["_period"] for r in city.rows("civil_affairs/resident")})


def _stocks(city: City, period: str) -> Counter[str]:
    return Counter(
        today(r["street_code"]) for r in city.rows("civil_affairs/resident") if r["_period"] == period
    )


def _flows(city: City, period: str) -> Counter[tuple[str, str]]:
    """(street, flow) -> movements registered in the month."""
    found: Counter[tuple[str, str]] = Counter()
    for r in city.rows("civil_affairs/movement"):
        if r["registered_on"][:7] == period:
            kind = {"11": "births", "12": "moved_in", "30": "moved_in", "21": "deaths", "22": "moved_out"}[
                r["kind_code"]
            ]
            found[today(r["street_code"]), kind] += 1
            if r["kind_code"] == "30":
                found[today(r["from_street_code"]), "moved_out"] += 1
    return found


def withheld(cells: Counts, *, also: Iterable[str] = (), total: bool = False) -> set[str]:
    """What of one group is withheld: small ones, then the smallest of the rest until two are and what is
    withheld sums up to ten in every count.
    """
    hidden = {a for a, c in cells.items() if min(c.values()) < 10} | set(also)
    if not hidden and not total:
        return hidden
    for area in sorted(cells.keys() - hidden, key=lambda a: (min(cells[a].values()), a)):
        sums = [sum(cells[a][m] for a in hidden) for m in next(iter(cells.values()))]
        if len(hidden) >= 2 and min(sums) >= 10:
            break
        hidden.add(area)
    return hidden


def _tree(streets: Counts, also: set[str]) -> set[str]:
    """The withheld among city, districts and streets; `also` are withheld for another reason."""
    districts: Counts = defaultdict(lambda: defaultdict(int))
    for street, counts in streets.items():
        for m, n in counts.items():
            districts[street[:6]][m] += n
    city = {"210100": {m: sum(d[m] for d in districts.values()) for m in next(iter(streets.values()))}}
    hidden = withheld(city, also=also & city.keys()) | (
        above := withheld(districts, also=also & districts.keys())
    )
    for district in districts:
        below = {s: c for s, c in streets.items() if s[:6] == district}
        hidden |= withheld(below, also=also & below.keys(), total=district in above)
    return hidden


def _areas(street: str) -> tuple[str, str, str]:
    return "210100", street[:6], street


class Month:
    """One month of the register: stocks and flows of every area, and what of them is withheld."""

    def __init__(self, city: City, period: str, before: Month | None) -> None:
        stocks, flows = _stocks(city, period), _flows(city, period)
        held = {s for s, n in before.stock.items() if n and len(s) == 9} if before else set[str]()
        self.streets = sorted({*stocks, *held, *(s for s, _ in flows)})
        self.stock, self.flow = Counter[str](), Counter[tuple[str, str]]()
        for street in self.streets:
            for area in _areas(street):
                self.stock[area] += stocks[street]
                for f in FLOWS:
                    self.flow[area, f] += flows[street, f]
        self.before = before.stock if before else None
        self.stock_hidden = _tree({s: {"n": stocks[s]} for s in self.streets}, set())
        earlier = before.stock_hidden | (set(self.stock) - set(before.stock)) if before else set[str]()
        self.flow_hidden = _tree({s: self._judged(s) for s in self.streets}, self.stock_hidden | earlier)
        self.before_hidden = earlier

    def _judged(self, street: str) -> dict[str, int]:
        flows = {f: self.flow[street, f] for f in FLOWS}
        return flows | {
            "turnover": min(flows["births"] + flows["moved_in"], flows["deaths"] + flows["moved_out"])
        }

    def gap(self, area: str) -> int:
        """Register less expectation."""
        assert self.before is not None
        births, came, died, left = (self.flow[area, f] for f in FLOWS)
        return self.stock[area] - (self.before[area] + births + came - died - left)


def months_of(city: City) -> dict[date, Month]:
    found: dict[date, Month] = {}
    last: Month | None = None
    for period in periods_of(city):
        last = found[date.fromisoformat(f"{period}-01")] = Month(city, period, last)
    return found


def _balance(city: City) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for day, month in months_of(city).items():
        if month.before is not None and "210100" not in month.before_hidden:
            told = "210100" not in month.flow_hidden
            flows = [month.flow["210100", f] if told else None for f in FLOWS]
            gap = month.gap("210100") if told else None
            stock = month.stock["210100"]
            rows.append(
                (day, month.before["210100"], *flows, None if gap is None else stock - gap, stock, gap)
            )
    return rows


def _unbalanced(city: City) -> list[tuple[Any, ...]]:
    return [
        (s, day, None if s in m.stock_hidden else m.stock[s], None if s in m.flow_hidden else m.gap(s))
        for day, m in months_of(city).items()
        if m.before is not None
        for s in m.streets
        if m.gap(s)
    ]


def _beside(city: City) -> list[tuple[Any, ...]]:
    period = periods_of(city)[-1]
    month = list(months_of(city).values())[-1]
    permanent: Counts = defaultdict(lambda: {"n": 0})
    for r in city.rows("civil_affairs/permanent_count"):
        if r["stat_month"][:7] == period:
            permanent[today(r["street_code"])[:6]]["n"] += int(r["permanent_residents"])
    hidden = withheld(permanent)
    permanent["210100"] = {"n": sum(p["n"] for p in permanent.values())}
    rows: list[tuple[Any, ...]] = []
    for area in sorted({a for a in month.stock if len(a) == 6} | permanent.keys()):
        registered = None if area in month.stock_hidden else month.stock[area]
        lived = None if area in hidden or area not in permanent else permanent[area]["n"]
        ratio = (
            None
            if lived is None or not registered
            else (Decimal(lived) / registered).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        )
        rows.append((area, registered, lived, ratio))
    return rows


def _disagreeing(city: City) -> list[tuple[Any, ...]]:
    found: dict[tuple[str, date], list[int]] = defaultdict(list)
    months = months_of(city)
    for r in city.rows("public_security/street_stock"):
        day, street = date.fromisoformat(r["stat_month"]), today(r["street_code"])
        told = int(r["registered_residents"])
        if street in months[day].streets and street not in months[day].stock_hidden and told >= 10:
            found[street[:6], day].append(abs(told - months[day].stock[street]))
    return [(d, day, len(n), sum(map(bool, n)), max(n)) for (d, day), n in found.items() if any(n)]


def _ages(city: City) -> list[tuple[Any, ...]]:
    as_of = date.fromisoformat(f"{periods_of(city)[-1]}-01")
    cells: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for r in city.rows("civil_affairs/resident"):
        if r["_period"] == periods_of(city)[-1]:
            born = r["birth_date"]
            age = as_of.year - int(born[:4]) - (f"{as_of:%m%d}" < born[4:])
            cells[today(r["street_code"])[:6]][r["sex_code"], min(max(age, 0), 100) // 5 * 5] += 1
    above = withheld({d: {"n": sum(c.values())} for d, c in cells.items()})
    return [
        _aged(d, c, withheld({f"{s}/{a:03d}": {"n": n} for (s, a), n in c.items()}, total=d in above))
        for d, c in cells.items()
    ]


def _aged(district: str, cells: Counter[tuple[str, int]], hidden: set[str]) -> tuple[Any, ...]:
    def total(wanted: Callable[[int], bool]) -> int | None:
        shown = [n for (s, a), n in cells.items() if wanted(a) and f"{s}/{a:03d}" not in hidden]
        return sum(shown) if shown else None

    return district, total(lambda a: a < 15), total(lambda a: a >= 60), len(hidden)


def _growing(city: City) -> list[tuple[Any, ...]]:
    """From the first month in which a district's stock is shown to the last one."""
    shown: dict[str, list[int]] = defaultdict(list)
    for month in months_of(city).values():
        for area in (a for a in month.stock if len(a) == 6 and a != "210100" and a not in month.stock_hidden):
            shown[area].append(month.stock[area])
    return [(a, n[0], n[-1], n[-1] - n[0]) for a, n in shown.items()]


ANSWERS = {
    "01-does-the-register-balance": _balance,
    "02-streets-that-do-not-balance": _unbalanced,
    "03-registered-beside-permanent": _beside,
    "04-departments-that-disagree": _disagreeing,
    "05-children-and-elders": _ages,
    "06-districts-that-grow": _growing,
}
