"""Slow answers to the questions about credit, from the truth of the city alone; organisations go by their
true number.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from citylake.core.settings import ROOT
from citylake.synthetic.decisions import OUTSIDE
from citylake.synthetic.people import TRUTH

from tests.oracles.city import City

Row = dict[str, str]
DAY, KNOWN = date(2016, 3, 31), date(2016, 12, 31)
FIRMS, CODES = "market_regulation/legal_entity", "quality_supervision/organisation_code"
STATE, LOCAL = "state_taxation/taxpayer", "local_taxation/taxpayer"
PERMIT, PENALTY = "development_reform/admin_permit", "development_reform/admin_penalty"
MONTHS = {"general": (3, 12), "serious": (6, 36)}  # minimum and maximum of the trial terms before 2019
SECTIONS = (
    ("13", "43", "C"),
    ("47", "50", "E"),
    ("51", "52", "F"),
    ("53", "60", "G"),
    ("61", "62", "H"),
    ("63", "65", "I"),
    ("70", "70", "K"),
    ("73", "75", "M"),
    ("79", "81", "O"),
)


def day(text: str) -> date:
    return date.fromisoformat(text.replace("/", "-"))


def months_later(start: date, months: int) -> date:
    """The same day so many months later; the last of the month where there is none."""
    at = start.year * 12 + start.month - 1 + months
    for last in (start.day, 30, 29, 28):
        try:
            return date(at // 12, at % 12 + 1, min(start.day, last))
        except ValueError:
            continue
    raise AssertionError


def seen(rows: Iterable[Row], known: date) -> list[Row]:
    return [r for r in rows if date.fromisoformat(r["_sent_at"][:10]) <= known]


def latest(rows: Iterable[Row], *keys: str) -> list[Row]:
    """The last row of each key, in the order of deliveries."""
    return list({tuple(r[k] for k in keys): r for r in rows}.values())


def of_a_person(row: Row) -> bool:
    """A sole trader's taxpayer number is the owner's identifier and two digits."""
    return len(row.get("taxpayer_no", "")) == 20


def firms(city: City, known: date = KNOWN) -> dict[str, Row]:
    """The register as last delivered, by true number."""
    rows = seen(city.rows(FIRMS), known)
    last = max(r["_period"] for r in rows)
    return {r[TRUTH]: r for r in rows if r["_period"] == last}


def section(code: str) -> str:
    return next(s for low, high, s in SECTIONS if low <= code[:2] <= high)


@dataclass(frozen=True)
class Penalty:
    row: Row
    organisation: str
    decided: date
    normal: bool
    fine: Decimal
    severity: str
    repairable: date
    repaired: date | None
    end: date  # the last day of publicity

    def visible(self, on: date) -> bool:
        return (
            self.normal and self.decided <= on <= self.end and (self.repaired is None or on < self.repaired)
        )


def penalties(city: City, known: date = KNOWN) -> list[Penalty]:
    repairs = {
        (r["authority_name"], r["document_no"], r["counterpart_uscc"]): r
        for r in seen(city.rows("development_reform/credit_repair"), known)
    }
    rows = latest(seen(city.rows(PENALTY), known), "authority_name", "document_no", "counterpart_name")
    return [
        _penalty(r, repairs.get((r["authority_name"], r["document_no"], r["counterpart_uscc"]))) for r in rows
    ]


def _penalty(row: Row, repair: Row | None) -> Penalty:
    severity = repair["severity"] if repair else "serious" if row["penalty_class"] in "345" else "general"
    decided, (least, most) = day(row["decided_on"]), MONTHS[severity]
    stated = row["_period"] >= "2016-02"  # the layout of 2016 states no end of publicity
    end = day(row["publicity_end"]) if stated else months_later(decided, most)
    repaired = day(repair["repaired_on"]) if repair else None
    fine = Decimal(row["fine_10k_cny"] or 0)
    return Penalty(
        row,
        row[TRUTH],
        decided,
        row["state_code"] == "0",
        fine,
        severity,
        months_later(decided, least),
        repaired,
        end,
    )


def black(city: City, on: date, known: date = KNOWN) -> list[tuple[str, str, date]]:
    """(organisation, list, listed on) of everyone on a black list."""
    entries = [
        r
        for r in latest(seen(city.rows("market_regulation/list_entry"), known), "entry_no")
        if r["list_code"] == "serious"
    ]
    spells = [(r[TRUTH], "serious", r["listed_on"], r["removed_on"]) for r in entries]
    cases = latest(seen(city.rows("court/dishonest_organisation"), known), "case_no")
    spells += [(r[TRUTH], "dishonest", r["published_on"], r["removed_on"]) for r in cases]
    return [
        (o, c, day(start)) for o, c, start, end in spells if day(start) <= on and (not end or day(end) > on)
    ]


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def three_or_more(city: City) -> list[tuple[Any, ...]]:
    known, since = firms(city), months_later(DAY, -12)
    offences = Counter(p.organisation for p in penalties(city) if p.visible(DAY) and p.decided > since)
    told = [known[o] for o, n in offences.items() if n >= 3 and o in known]
    return [
        (*k, n) for k, n in Counter((r["division_code"], section(r["industry_code"])) for r in told).items()
    ]


def working_days() -> list[date]:
    with (ROOT / "schemas" / "codes" / "working_days.csv").open(encoding="utf-8", newline="") as handle:
        return [date.fromisoformat(r["code"]) for r in csv.DictReader(handle) if r["label_zh"] == "工作日"]


def timeliness(city: City) -> list[tuple[Any, ...]]:
    calendar = working_days()

    def delay(start: date, end: date) -> int:
        return bisect_right(calendar, end) - bisect_right(calendar, start)

    groups: dict[tuple[str, str, date], Counter[str]] = defaultdict(Counter)
    for kind, dataset in (("permit", PERMIT), ("penalty", PENALTY)):
        rows = city.rows(dataset)
        first = {(r["authority_name"], r["document_no"], r["counterpart_name"]): r for r in reversed(rows)}
        for key, row in first.items():
            decided = day(row["decided_on"])
            days = delay(decided, date.fromisoformat(row["_period"]))
            groups[kind, key[0], quarter(decided)]["in_time" if days <= 7 else "late"] += 1
    public = {(r["authority_name"], r["document_no"]) for r in city.rows(PERMIT)}
    licences = city.rows("market_regulation/licence")
    last = min(max(map(covered_to, rows)) for rows in (licences, city.rows(PERMIT)))
    for row in licences:
        hidden = (row["authority_name"], row["document_no"]) not in public
        issued = day(row["issued_on"])
        groups["permit", row["authority_name"], quarter(issued)]["concealed"] += (
            hidden and delay(issued, last) > 7
        )
    return [(*g, *_shares(g[0], n)) for g, n in groups.items()]


def covered_to(row: Row) -> date:
    """The last day of the period of a row's delivery: a month, or a week by its last day."""
    year, month, *days = map(int, row["_period"].split("-"))
    return date(year, month, days[0] if days else monthrange(year, month)[1])


def _shares(kind: str, n: Counter[str]) -> tuple[Any, ...]:
    total = n["in_time"] + n["late"]
    share = rounded(Decimal(n["in_time"]) / total, 6) if total else None
    return (
        total,
        n["in_time"],
        n["late"],
        n["concealed"] if kind == "permit" and "concealed" in n else None,
        share,
    )


def quarter(at: date) -> date:
    return date(at.year, (at.month - 1) // 3 * 3 + 1, 1)


def a_grades_on_a_black_list(city: City) -> list[tuple[Any, ...]]:
    known, grades = (
        firms(city),
        {r[TRUTH]: r["grade"] for r in city.rows("state_taxation/tax_grade") if not of_a_person(r)},
    )
    return [
        (known[o]["registration_no"], c, d)
        for o, c, d in black(city, DAY)
        if grades.get(o) == "A" and o in known
    ]


def early_repairs(city: City) -> list[tuple[Any, ...]]:
    early = [p for p in penalties(city) if p.repaired and p.repaired < p.repairable]
    names = ("authority_name", "document_no", "counterpart_name")
    return [(*(p.row[n] for n in names), p.severity, p.decided, p.repaired, p.repairable) for p in early]


def permits_after_the_end(city: City) -> list[tuple[Any, ...]]:
    ended = {o: r for o, r in firms(city).items() if r["status_code"] in ("吊销未注销", "注销")}
    found = [r for r in permits(city) if r[TRUTH] in ended and in_force(r, DAY)]
    return [
        (
            ended[r[TRUTH]]["registration_no"],
            ended[r[TRUTH]]["status_code"],
            r["authority_name"],
            r["document_no"],
            day(r["valid_to"]),
        )
        for r in found
    ]


def permits(city: City, known: date = KNOWN) -> list[Row]:
    return latest(seen(city.rows(PERMIT), known), "authority_name", "document_no", "counterpart_name")


def in_force(row: Row, on: date) -> bool:
    return row["state_code"] == "0" and day(row["valid_from"]) <= on <= day(row["valid_to"])


def fines_by_industry(city: City) -> list[tuple[Any, ...]]:
    known = firms(city)
    number = Counter(section(r["industry_code"]) for r in known.values())
    fines: dict[str, Decimal] = defaultdict(Decimal)
    for p in penalties(city):
        if p.organisation in known and p.normal and date(2016, 1, 1) <= p.decided <= DAY:
            fines[section(known[p.organisation]["industry_code"])] += p.fine
    return [("2011", s, n, fines[s], rounded(fines[s] * 1000 / n, 4)) for s, n in number.items()]


def other_names(city: City) -> list[tuple[Any, ...]]:
    named: dict[str, dict[str, str]] = defaultdict(dict)
    for dataset in (FIRMS, CODES, STATE, LOCAL):
        for row in city.rows(dataset):
            if not of_a_person(row):
                named[row[TRUTH]][dataset] = row["name"]
    found = []
    for names in named.values():
        bearers = Counter(names.values())
        agreed = [n for n, times in bearers.items() if times >= 2]
        found += [(d, n, a) for d, n in names.items() if len(names) >= 3 and bearers[n] == 1 for a in agreed]
    return found


def file_as_it_stood(city: City) -> list[tuple[Any, ...]]:
    on = date(2016, 3, 15)
    known, decided = firms(city, on), [p for p in penalties(city, on) if p.decided <= on]
    often = Counter(p.organisation for p in decided if p.organisation in known)
    who = min(often, key=lambda o: (-often[o], known[o]["registration_no"]))
    firm, own = known[who], [p for p in decided if p.organisation == who]
    visible = [p for p in own if p.visible(on)]
    grade = next(
        (r["grade"] for r in seen(city.rows("state_taxation/tax_grade"), on) if r[TRUTH] == who), None
    )
    return [
        (
            firm["registration_no"],
            firm["name"],
            firm["former_name"] or None,
            firm["status_code"],
            sum(in_force(r, on) for r in permits(city, on) if r[TRUTH] == who and day(r["decided_on"]) <= on),
            len(own),
            len(visible),
            sum((p.fine for p in visible), Decimal()) if any(p.fine for p in visible) else None,
            sum(o == who for o, _, _ in black(city, on, on)),
            grade,
        )
    ]


def shared_representatives(city: City) -> list[tuple[Any, ...]]:
    known, listed = firms(city), {o for o, _, _ in black(city, date(2016, 4, 30))}
    by_name: dict[str, set[str]] = defaultdict(set)
    for o in listed & known.keys():
        by_name[known[o]["representative"]].add(o)
    sharing = Counter(r["division_code"] for o, r in known.items() if by_name[r["representative"]] - {o})
    return [(d, n, sharing[d]) for d, n in Counter(r["division_code"] for r in known.values()).items()]


def not_matched(city: City) -> list[tuple[Any, ...]]:
    ever = Counter(
        name for name, _ in {(r[k], r[TRUTH]) for r in city.rows(FIRMS) for k in ("name", "former_name")}
    )
    total, missing = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for p in penalties(city):
        kind = next(
            (k for k in ("uscc", "org_code", "registration_no", "taxpayer_no") if p.row[f"counterpart_{k}"]),
            "name",
        )
        group = (p.row["source_name"], kind)
        total[group] += 1
        missing[group] += int(p.organisation) >= OUTSIDE or (
            kind == "name" and ever[p.row["counterpart_name"]] > 1
        )
    return [(*g, n, missing[g], rounded(Decimal(missing[g]) / n, 4)) for g, n in total.items()]


CODED = {
    FIRMS: ("uscc", "org_code", "registration_no"),
    CODES: ("uscc", "org_code", "registration_no"),
    STATE: ("registration_no", "taxpayer_no"),
    LOCAL: ("registration_no", "taxpayer_no"),
    PERMIT: (
        "counterpart_uscc",
        "counterpart_org_code",
        "counterpart_registration_no",
        "counterpart_taxpayer_no",
    ),
    PENALTY: (
        "counterpart_uscc",
        "counterpart_org_code",
        "counterpart_registration_no",
        "counterpart_taxpayer_no",
    ),
    "market_regulation/list_entry": ("uscc", "registration_no"),
    "state_taxation/tax_grade": ("taxpayer_no",),
}


def codes_of_firms(city: City) -> list[tuple[Any, ...]]:
    """Every identifier that any office gives of a registered firm: the old ones and the new, each leads
    home.
    """
    home = {r[TRUTH]: r["registration_no"] for r in city.rows(FIRMS)}
    given = {
        (c.removeprefix("counterpart_"), r[c], home[r[TRUTH]])
        for d, cs in CODED.items()
        for r in city.rows(d)
        if r[TRUTH] in home
        for c in cs
        if r[c]
    }
    given = {g for g in given if len(g[1]) != 20}
    cards = [(r["card_no"], home[r[TRUTH]]) for r in city.rows("court/dishonest_organisation")]
    return list(given | {("uscc" if len(n) == 18 else "org_code", n, to) for n, to in cards})


ANSWERS = {
    "01-three-or-more-visible-penalties": three_or_more,
    "02-published-within-seven-working-days": timeliness,
    "03-a-grade-taxpayers-on-a-black-list": a_grades_on_a_black_list,
    "04-repairs-before-the-minimum-period": early_repairs,
    "05-permits-in-force-after-revocation-or-cancellation": permits_after_the_end,
    "06-fines-per-thousand-firms-by-industry": fines_by_industry,
    "07-the-department-with-another-name": other_names,
    "08-the-file-of-one-firm-as-it-stood": file_as_it_stood,
    "09-firms-sharing-a-representative-with-a-black-listed-firm": shared_representatives,
    "10-penalties-not-matched": not_matched,
    "11-from-any-code-to-the-firm": codes_of_firms,
}
