"""The registered residents of the synthetic city as lives: who is there in a month, and who was born, came,
moved, left or died in it.

Register and movements are told from the same lives, so that stock(t) = stock(t-1) + births + in - deaths -
out holds for every street.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from citylake.synthetic.identifiers import resident_id
from citylake.synthetic.people import DISTRICTS, month_number, person, weighted
from citylake.synthetic.world import Row

AGES = (4, 4, 3, 4, 5, 7, 8, 7, 8, 8, 9, 9, 8, 6, 4, 3, 2, 1)  # percent per five-year band from 0
BORN, ARRIVED = 100, 67  # of so many residents one a month is born, one comes
LEAVING, MOVING = (
    0.025,
    0.015,
    # shares a month that leave (40 % by death), and that move within the city; far above a real city's, so
    # that
    # counts show
)
TO_ESTATE = 0.35  # share of those who come that move into one new estate
BIRTH, CAME, DIED, WENT, MOVED = "11", "12", "21", "22", "30"  # schemas/codes/movement_kinds.csv
OLD_COUNTY, NEW_DISTRICT = "210122", "210115"
# Codes under which older identifiers were issued; they stay in the identifier for good: (first birth year of
# the next code, code).
ISSUED = {
    "210115": ((2016, OLD_COUNTY),),
    "210181": ((1993, "210121"), (1995, "219013")),
    "210123": ((1984, "212125"), (1992, "211225")),
    "210124": ((1984, "212126"), (1992, "211226")),
}
Streets = dict[str, list[str]]


@dataclass(frozen=True)
class Life:
    """One resident; months count from January 2016, and those who were there before came in month -1."""

    row: Row  # what the register says whatever the street
    came: int
    born_here: bool
    moved: int | None
    left: int | None
    died: bool
    streets: tuple[str, str]  # before and after the move

    def street(self, month: int) -> str | None:
        """The street at the end of a month; None when not registered."""
        if month < self.came or (self.left is not None and month >= self.left):
            return None
        return self.streets[self.moved is not None and month >= self.moved]

    def events(self, month: int) -> Iterator[tuple[str, str, str]]:
        """Movements of a month: (kind, street of registration, street left)."""
        if month == self.came:
            yield (BIRTH if self.born_here else CAME), self.streets[0], ""
        if month == self.moved:
            yield MOVED, self.streets[1], self.streets[0]
        if month == self.left:
            yield (DIED if self.died else WENT), self.streets[self.moved is not None], ""


def lives(seed: int, count: int, month: int, streets: Streets) -> Iterator[Life]:
    """Everybody who was registered at any time up to a month."""
    born, arrived = max(count // BORN, 1), max(count // ARRIVED, 1)
    for i in range(count):
        yield _life(Random(f"{seed}/resident/{i}"), i, -1, None, streets)
    for n in range(month + 1):
        for j in range(arrived):
            yield _life(Random(f"{seed}/arrival/{n}/{j}"), count + n * arrived + j, n, None, streets)
        for j in range(born):
            yield _life(Random(f"{seed}/birth/{n}/{j}"), j, n, _day(n, j), streets)


def _day(month: int, j: int) -> date:
    return date(2016 + month // 12, month % 12 + 1, 1 + j % 28)


def _life(rng: Random, i: int, came: int, born: date | None, streets: Streets) -> Life:
    band, rank = _band(i % 100)
    birth = born or date(2015 - band * 5, 12, 31) - timedelta(days=(i // 100 * 37) % 1826)
    place, other = (weighted(DISTRICTS, rng.randrange(100)) for _ in range(2))
    homes = _street(rng, place, streets), _street(rng, other, streets)
    if came >= 0 and born is None and rng.random() < TO_ESTATE:
        homes = estate(streets), homes[1]
    leaves, moves = rng.random() / LEAVING, rng.random() / MOVING
    left = came + 1 + int(leaves)
    moved = came + 1 + int(moves)
    woman = rng.random() < 0.495
    sequence = (i if born else i // 100 // 1826 * 12 + rank) * 2 + (2 if woman else 1)
    return Life(
        _register(
            rng,
            resident_id(_at_issue(place, birth), f"{birth:%Y%m%d}", sequence),
            birth,
            woman,
            _registered(came, birth),
        ),
        came,
        born is not None,
        moved if moved < left and homes[0] != homes[1] else None,
        left,
        rng.random() < 0.4,
        homes,
    )


def _band(ticket: int) -> tuple[int, int]:
    """Five-year band of a ticket, and its rank inside the band."""
    for band, share in enumerate(AGES):
        if ticket < share:
            return band, ticket
        ticket -= share
    raise ValueError("shares do not reach 100")


def _street(rng: Random, place: str, streets: Streets) -> str:
    """Few streets hold most of a district's residents."""
    options = streets[place]
    return options[int(rng.random() ** 2.5 * len(options))]


def _registered(came: int, birth: date) -> date:
    return max(birth, date(1958, 1, 9)) if came < 0 else max(_day(came, 0), birth)


def _register(rng: Random, identifier: str, birth: date, woman: bool, registered: date) -> Row:
    name = person(rng)
    people = rng.choices(("汉族", "满族", "蒙古族", "朝鲜族", "回族", "锡伯族"), (75, 15, 3, 3, 3, 1))[0]
    age, married = 2016 - birth.year, rng.random()
    status = "10" if age < 22 else "30" if age > 75 and married < 0.4 else "20" if married < 0.85 else "40"
    return {
        "resident_id": identifier,
        "name": name,
        "sex_code": "2" if woman else "1",
        "ethnicity_code": people,
        "birth_date": f"{birth:%Y%m%d}",
        "marital_status_code": status,
        "registered_on": f"{registered:%Y%m%d}",
        "cancelled_on": "",
    }


def _at_issue(place: str, born: date) -> str:
    """The code of the place when the identifier was issued."""
    return next((code for until, code in ISSUED.get(place, ()) if born.year < until), place)


def residents(seed: int, count: int, month: date, streets: Streets) -> Iterator[Row]:
    """The register at the end of a month, as the office's text."""
    n = month_number(month)
    for life in lives(seed, count, n, streets):
        street = life.street(n)
        if street is not None:
            rural = street[:6] in ("210123", "210124", "210181", NEW_DISTRICT)
            yield life.row | {
                "division_code": street[:6],
                "street_code": street,
                "household_type_code": "2" if rural else "1",
            }


def movements(seed: int, count: int, month: date, streets: Streets) -> Iterator[Row]:
    """The movements that the offices registered in a month; the estate enters who came to it a month late, so
    that it does not balance.

    The office of 辽中 still writes the county's old code, which the statistics bureau's list holds to the
    middle of 2016.
    """
    n, late = month_number(month), estate(streets)
    told = [
        (life, e, n)
        for life in lives(seed, count, n, streets)
        for e in life.events(n)
        if not (e[0] == CAME and e[1] == late)
    ]
    told += (
        [
            (life, e, n - 1)
            for life in lives(seed, count, n - 1, streets)
            for e in life.events(n - 1)
            if e[0] == CAME and e[1] == late
        ]
        if n
        else []
    )
    for i, (life, (kind, street, left), happened) in enumerate(told):
        day = date.fromisoformat(_dashed(life.row["birth_date"])) if kind == BIRTH else _day(happened, i % 27)
        yield {
            "movement_no": f"YD{month:%Y%m}{i:05d}",
            "resident_id": life.row["resident_id"],
            "name": life.row["name"],
            "kind_code": kind,
            "occurred_on": day.isoformat(),
            "registered_on": max(_day(n, 27 if happened == n else 2), day).isoformat(),
            "division_code": _old(street)[:6],
            "street_code": _old(street),
            "from_street_code": _old(left),
        }


def estate(streets: Streets) -> str:
    """The street of the new estate, whose office registers arrivals a month late."""
    return streets["210106"][0]


def _dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def _old(street: str) -> str:
    return OLD_COUNTY + street[6:] if street.startswith(NEW_DISTRICT) else street
