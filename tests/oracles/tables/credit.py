"""The tables of credit: decision by decision from the truth; an organisation stands under its true number."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from citylake.synthetic.decisions import OUTSIDE
from citylake.synthetic.people import TRUTH

from tests.oracles import credit as c
from tests.oracles.city import City
from tests.oracles.tables.organisations import masked

Row = dict[str, Any]
Rows = list[Row]
DECIDED = ("authority_name", "document_no", "counterpart_name")
GIVEN = ("uscc", "org_code", "registration_no", "taxpayer_no")
REGISTERS = (  # in the order of trust
    (c.FIRMS, "enterprise"),
    ("public_sector_reform/institution", "institution"),
    ("civil_affairs/social_organisation", "social_organisation"),
    (c.CODES, "other"),
    (c.STATE, "other"),
    (c.LOCAL, "other"),
)
EXPECTED = ("uscc", "org_code", "established_on", "status_code", "division_code")
OF_FIRMS = ("registration_no", "industry_code", "registered_capital_10k")
CLASSES = {"warnings": "0", "fines": "1", "confiscations": "2", "suspensions": "34", "others": "56"}
COLOURS = {"abnormal": "abnormal", "serious": "black", "dishonest": "black", "tax_a": "red"}
FOR_EVER = date.max


def versions(rows: Iterable[Row], *keys: str) -> list[tuple[Row, datetime, datetime | None]]:
    """Each row with the time from which, and until which, the lake knew it so."""
    told: dict[tuple[str, ...], Rows] = defaultdict(list)
    for row in rows:
        told[tuple(row[k] for k in keys)].append(row)
    out: list[tuple[Row, datetime, datetime | None]] = []
    for history in told.values():
        moments = [datetime.fromisoformat(r["_sent_at"]) for r in history]
        out += zip(history, moments, [*moments[1:], None], strict=True)
    return out


@lru_cache(maxsize=2)
def _names(city: City) -> Counter[str]:
    """How many firms ever bore a name."""
    return Counter(
        n for n, _ in {(r[k], r[TRUTH]) for r in city.rows(c.FIRMS) for k in ("name", "former_name")}
    )


def _decision(city: City, row: Row, first: date) -> Row:
    kind = next((k for k in GIVEN if row[f"counterpart_{k}"]), "name")
    known = int(row[TRUTH]) < OUTSIDE and not (kind == "name" and _names(city)[row["counterpart_name"]] > 1)
    decided = c.day(row["decided_on"])
    return {
        **{n: row[n] for n in (*DECIDED, "source_name")},
        "counterpart_uscc": row["counterpart_uscc"] or None,
        "entity_id": row[TRUTH],
        "matched": known,
        "identifier_kind": kind,
        "decided_on": decided,
        "published_on": first,
        "delay_working_days": _delay(decided, first) if first >= decided else None,
    }


@lru_cache(maxsize=1)
def _calendar() -> tuple[date, ...]:
    return tuple(c.working_days())


def _delay(start: date, end: date) -> int:
    return bisect_right(_calendar(), end) - bisect_right(_calendar(), start)


def _told(city: City, dataset: str) -> list[tuple[Row, Row]]:
    """Every version of a decision as delivered, and what all decisions show of it."""
    rows = city.rows(dataset)
    first: dict[tuple[str, ...], date] = {}
    for row in rows:
        first.setdefault(tuple(row[k] for k in DECIDED), date.fromisoformat(row["_period"]))
    return [
        (
            row,
            {
                **_decision(city, row, first[tuple(row[k] for k in DECIDED)]),
                "known_from": since,
                "known_to": until,
            },
        )
        for row, since, until in versions(rows, *DECIDED)
    ]


def _later_layout(row: Row) -> bool:
    return row["_period"] >= "2016-02"


@lru_cache(maxsize=2)
def permit(city: City) -> Rows:
    out: Rows = []
    for row, told in _told(city, c.PERMIT):
        normal, ends = row["state_code"] == "0", c.day(row["valid_to"])
        stated = c.day(row["valid_from"]) if _later_layout(row) else None
        later = {n: row[n] if _later_layout(row) else None for n in ("certificate_name", "certificate_no")}
        out.append(
            {
                **told,
                "permit_class": row["permit_class"],
                **later,
                "valid_from": stated,
                "valid_to": ends,
                "state_code": row["state_code"],
                "in_force_from": (stated or told["decided_on"]) if normal else None,
                "in_force_to": ends + timedelta(days=1) if normal else None,
            }
        )
    return out


@lru_cache(maxsize=2)
def penalty(city: City) -> Rows:
    repairs = {
        (r["authority_name"], r["document_no"], r["counterpart_uscc"]): r
        for r in city.rows("development_reform/credit_repair")
    }
    out: Rows = []
    for row, told in _told(city, c.PENALTY):
        repair = repairs.get((row["authority_name"], row["document_no"], row["counterpart_uscc"]))
        out += [_penalty(row, told, repair)] if repair is None else _cut(row, told, repair)
    return out


def _cut(row: Row, told: Row, repair: Row) -> Rows:
    """A repair that became known later makes a version of its own."""
    since = datetime.fromisoformat(repair["_sent_at"])
    if since <= told["known_from"]:
        return [_penalty(row, told, repair)]
    if told["known_to"] is not None and since >= told["known_to"]:
        return [_penalty(row, told, None)]
    before, after = told | {"known_to": since}, told | {"known_from": since}
    return [_penalty(row, before, None), _penalty(row, after, repair)]


def _penalty(row: Row, told: Row, repair: Row | None) -> Row:
    later, normal, decided = _later_layout(row), row["state_code"] == "0", told["decided_on"]
    severity = repair["severity"] if repair else "serious" if row["penalty_class"] in "345" else "general"
    least, most = c.MONTHS[severity]
    fine = Decimal(row["fine_10k_cny"]) if row["fine_10k_cny"] else None
    stated = c.day(row["publicity_end"]) if later else None
    last = stated or c.months_later(decided, most)
    repaired = c.day(repair["repaired_on"]) if repair else None
    return {
        **told,
        "penalty_class": row["penalty_class"],
        "penalty_class_2": None,
        "case_name": row["case_name"],
        "fine_10k_cny": fine,
        "fine_stated_10k_cny": fine if later else None,
        "fine_found_10k_cny": fine,
        "forfeit_10k_cny": None,
        "state_code": row["state_code"],
        "severity": severity,
        "publicity_end": stated,
        "publicity_rule": "stated" if stated else f"trial-{severity}",
        "publicity_to": last,
        "repairable_from": c.months_later(decided, least),
        "repaired_on": repaired,
        "visible_from": decided if normal else None,
        "visible_to": min(last + timedelta(days=1), repaired or FOR_EVER) if normal else None,
    }


@lru_cache(maxsize=2)
def list_entry(city: City) -> Rows:
    out: Rows = []
    for row, since, until in versions(city.rows("market_regulation/list_entry"), "entry_no"):
        out.append(
            _spell(
                row,
                "market_regulation/list_entry",
                row["list_code"],
                row["entry_no"],
                row["reason"],
                row["authority_name"],
                row["listed_on"],
                row["removed_on"],
                row["removal_reason"],
                since,
                until,
            )
        )
    for row, since, until in versions(city.rows("court/dishonest_organisation"), "case_no"):
        removed = "屏蔽" if row["removed_on"] else ""
        out.append(
            _spell(
                row,
                "court/dishonest_organisation",
                "dishonest",
                row["case_no"],
                row["performance"] or "未说明",
                row["court_name"],
                row["published_on"],
                row["removed_on"],
                removed,
                since,
                until,
            )
        )
    for row, since, until in versions(city.rows("state_taxation/tax_grade"), "year", "taxpayer_no"):
        if row["grade"] == "A":
            out.append(
                _spell(
                    row,
                    "state_taxation/tax_grade",
                    "tax_a",
                    masked(f"{row['year']}/{row['taxpayer_no']}", row),
                    f"{row['year']}年度A级",
                    row["authority_name"],
                    row["published_on"],
                    "",
                    "",
                    since,
                    until,
                )
            )
    return out


def _spell(
    row: Row,
    source: str,
    code: str,
    number: str,
    reason: str,
    authority: str,
    listed: str,
    removed: str,
    why: str,
    since: datetime,
    until: datetime | None,
) -> Row:
    return {
        "list_code": code,
        "entry_no": number,
        "known_from": since,
        "known_to": until,
        "entity_id": row[TRUTH],
        "matched": int(row[TRUTH]) < OUTSIDE,
        "colour": COLOURS[code],
        "name": row["name"],
        "reason": reason,
        "authority_name": authority,
        "listed_on": c.day(listed),
        "removed_on": c.day(removed) if removed else None,
        "removal_reason": why or None,
        "source": source,
    }


def tax_grade(city: City) -> Rows:
    return [
        {
            "year": int(row["year"]),
            "taxpayer_no": masked(row["taxpayer_no"], row),
            "known_from": since,
            "known_to": until,
            "entity_id": row[TRUTH],
            "matched": True,
            "name": row["name"],
            "grade": row["grade"],
            "authority_name": row["authority_name"],
            "published_on": c.day(row["published_on"]),
        }
        for row, since, until in versions(city.rows("state_taxation/tax_grade"), "year", "taxpayer_no")
    ]


def publication_timeliness(city: City) -> Rows:
    groups: dict[tuple[str, str, date], Row] = {}
    for kind, rows in (("permit", permit(city)), ("penalty", penalty(city))):
        for r in (r for r in rows if r["known_to"] is None):
            told = groups.setdefault(
                (kind, r["authority_name"], c.quarter(r["decided_on"])),
                {"delays": [], "unmatched": 0, "issued": None},
            )
            told["delays"].append(r["delay_working_days"])
            told["unmatched"] += not r["matched"]
    public = {(r["authority_name"], r["document_no"]) for r in city.rows(c.PERMIT)}
    licences = city.rows("market_regulation/licence")
    last = min(max(map(c.covered_to, rows)) for rows in (licences, city.rows(c.PERMIT)))
    for r in licences:
        issued = c.day(r["issued_on"])
        told = groups.setdefault(
            ("permit", r["authority_name"], c.quarter(issued)), {"delays": [], "unmatched": 0, "issued": None}
        )
        told["issued"] = told["issued"] or Counter()
        hidden = (r["authority_name"], r["document_no"]) not in public
        told["issued"].update(
            {
                "issued": 1,
                "concealed": int(hidden and _delay(issued, last) > 7),
                "pending": int(hidden and _delay(issued, last) <= 7),
            }
        )
    return [_timely(key, told, last) for key, told in groups.items()]


def _timely(key: tuple[str, str, date], told: Row, last: date) -> Row:
    known = [d for d in told["delays"] if d is not None]
    in_time, issued = sum(d <= 7 for d in known), told["issued"]
    return {
        "decision_kind": key[0],
        "authority_name": key[1],
        "decided_quarter": key[2],
        "decisions": len(told["delays"]),
        "in_time": in_time,
        "late": len(known) - in_time,
        "not_assessed": len(told["delays"]) - len(known),
        "in_time_share": c.rounded(Decimal(in_time) / len(known), 6) if known else None,
        "unmatched": told["unmatched"],
        "longest_working_days": max(known, default=None),
        "issued": issued["issued"] if issued else None,
        "in_quarantine": 0 if issued else None,
        "concealed": issued["concealed"] if issued else None,
        "pending": issued["pending"] if issued else None,
        "reference_day": last,
    }


def shared_representative(city: City) -> Rows:
    known = c.firms(city)
    listed = {o for o, _, _ in c.black(city, FOR_EVER)}
    by_name: dict[str, set[str]] = defaultdict(set)
    for o in listed & known.keys():
        by_name[known[o]["representative"]].add(o)
    sharing = Counter(r["division_code"] for o, r in known.items() if by_name[r["representative"]] - {o})
    firms = Counter(r["division_code"] for r in known.values())
    return [{"division_code": d, "firms": n, "firms_sharing": sharing[d]} for d, n in firms.items()]


def entity_file(city: City) -> Rows:
    day = min(
        max(map(c.covered_to, city.rows(d)))
        for d in (
            c.FIRMS,
            c.PERMIT,
            c.PENALTY,
            "market_regulation/list_entry",
            "court/dishonest_organisation",
        )
    )
    counted = _counts(city, day)
    return [
        {**_described(number, kind, history), "as_of": day, **counted(number)}
        for number, kind, history in _led(city)
        if _stands(city, history[-1], day)
    ]


def _led(city: City) -> list[tuple[str, str, Rows]]:
    """True number, kind and rows of the most trusted register that knows an organisation."""
    found: dict[str, tuple[str, str, Rows]] = {}
    for dataset, kind in REGISTERS:
        rows: dict[str, Rows] = defaultdict(list)
        for r in city.rows(dataset):
            rows[r[TRUTH]].append(r)
        for number, history in rows.items():
            found.setdefault(number, (number, kind, history))
    return list(found.values())


def _stands(city: City, row: Row, day: date) -> bool:
    """Whether the register still holds it: it is in the last full delivery."""
    dataset = next(d for d, _ in REGISTERS if any(r is row for r in city.rows(d)))
    return row["_period"] == max(r["_period"] for r in city.rows(dataset))


def _described(number: str, kind: str, history: Rows) -> Row:
    now = history[-1]
    borne = {r["name"] for r in history} | {n for r in history for n in r.get("former_name", "").split("；")}
    expected = (*EXPECTED, *OF_FIRMS) if kind == "enterprise" else EXPECTED
    industry = now.get("industry_code")
    return {
        "entity_id": number,
        "kind": kind,
        **{
            n: now.get(n) or None for n in ("uscc", "registration_no", "name", "division_code", "status_code")
        },
        "former_names": "；".join(sorted(borne - {now["name"], ""})) or None,
        "industry_edition": "2011" if industry else None,
        "industry_section": c.section(industry) if industry else None,
        "fields_filled": sum(bool(now.get(n)) for n in expected),
        "fields_expected": len(expected),
    }


def _counts(city: City, day: date) -> Callable[[str], Row]:
    def by_number(rows: Rows, since: str) -> dict[str, Rows]:
        found: dict[str, Rows] = defaultdict(list)
        for r in rows:
            if r["known_to"] is None and r[since] <= day:
                found[r["entity_id"]].append(r)
        return found

    permits, penalties = by_number(permit(city), "decided_on"), by_number(penalty(city), "decided_on")
    lists, grades = by_number(list_entry(city), "listed_on"), by_number(tax_grade(city), "published_on")

    def counted(number: str) -> Row:
        spells = [r["colour"] for r in lists[number] if r["removed_on"] is None or r["removed_on"] > day]
        grade = max(grades[number], key=lambda r: (r["year"], r["taxpayer_no"]), default=None)
        return {
            "permits_in_force": sum(_holds(r, "in_force", day) for r in permits[number]),
            "permits_not_normal": sum(r["state_code"] != "0" for r in permits[number]),
            **_penalties(penalties[number], day),
            **{f"on_{colour}": spells.count(colour) for colour in ("black", "abnormal", "red")},
            "tax_grade": grade["grade"] if grade else None,
            "tax_grade_year": str(grade["year"]) if grade else None,
        }

    return counted


def _penalties(rows: Rows, day: date) -> Row:
    visible = [r for r in rows if _holds(r, "visible", day)]
    fines = [r["fine_10k_cny"] or 0 for r in visible]
    return {
        "penalties": len(rows),
        "penalties_visible": len(visible),
        **{f"visible_{n}": sum(r["penalty_class"] in codes for r in visible) for n, codes in CLASSES.items()},
        "visible_fine_10k_cny": sum(fines, Decimal(0)),
        "penalties_repaired": sum(r["repaired_on"] is not None and r["repaired_on"] <= day for r in rows),
        "last_penalty_on": max((r["decided_on"] for r in rows), default=None),
    }


def _holds(row: Row, span: str, day: date) -> bool:
    since, until = row[f"{span}_from"], row[f"{span}_to"]
    return since is not None and since <= day and (until is None or until > day)


TABLES = {
    "credit/permit": permit,
    "credit/penalty": penalty,
    "credit/list_entry": list_entry,
    "credit/tax_grade": tax_grade,
    "credit/publication_timeliness": publication_timeliness,
    "credit/shared_representative": shared_representative,
    "credit/entity_file": entity_file,
}
