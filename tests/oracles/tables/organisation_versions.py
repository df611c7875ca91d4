"""Organisations by the versions of their leading register, from the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from citylake.synthetic.people import TRUTH

from tests.oracles import credit as c
from tests.oracles.city import City
from tests.oracles.tables.credit import REGISTERS
from tests.oracles.tables.organisations import KEYS, masked

Row = dict[str, Any]
Rows = list[Row]
TEXTS = (
    "name",
    "uscc",
    "org_code",
    "registration_no",
    "certificate_no",
    "enterprise_type_code",
    "registration_type_code",
    "industry_code",
    "division_code",
    "capital_currency_code",
)


def entity(city: City) -> Rows:
    """Of the most trusted register that knows an organisation every version, as it was known at each time."""
    led: set[str] = set()
    out: Rows = []
    for dataset, kind in REGISTERS:
        histories: dict[str, Rows] = defaultdict(list)
        for r in city.rows(dataset):
            if r[TRUTH] not in led:
                histories[r[KEYS[dataset]]].append(r)
        sendings = sorted({(r["_period"], r["_sent_at"]) for r in city.rows(dataset)})
        for rows in histories.values():
            led.add(rows[0][TRUTH])
            out += _versions(dataset, kind, rows, sendings)
    return out


def _versions(dataset: str, kind: str, rows: Rows, sendings: list[tuple[str, str]]) -> Rows:
    out: Rows = []
    for row, end in _spans(rows, sendings):
        out.append(_version(dataset, kind, row, None, row["_sent_at"], end and end[1]))
        if end:
            out.append(_version(dataset, kind, row, _first_day(end[0]), end[1], None))
    return _with_former_names(out)


def _spans(rows: Rows, sendings: list[tuple[str, str]]) -> Iterator[tuple[Row, tuple[str, str] | None]]:
    """The rows that say something new, with the sending that says otherwise or no longer has them."""
    by_period, now = {r["_period"]: r for r in rows}, None
    for sending in sendings:
        row = by_period.get(sending[0])
        if now is not None and (row is None or _said(row) != _said(now)):
            yield now, sending
            now = None
        now = now or row
    if now is not None:
        yield now, None


def _said(row: Row) -> Row:
    return {k: v for k, v in row.items() if k[0] not in "_#"}


def _first_day(period: str) -> date:
    return date.fromisoformat(f"{period}-01")


def _version(dataset: str, kind: str, row: Row, end: date | None, since: str, until: str | None) -> Row:
    industry = row.get("industry_code") or None
    capital = row.get("registered_capital_10k") or None
    return {
        "entity_id": row[TRUTH],
        "source": dataset,
        "kind": kind,
        "valid_from": _first_day(row["_period"]),
        "valid_to": end,
        "known_from": datetime.fromisoformat(since),
        "known_to": datetime.fromisoformat(until) if until else None,
        **{n: row.get(n) or None for n in TEXTS},
        "taxpayer_no": masked(row["taxpayer_no"], row) if "taxpayer_no" in row else None,
        "industry_edition": "2011" if industry else None,
        "industry_section": c.section(industry) if industry else None,
        "status_code": row["status_code"],
        "registered_capital_10k": Decimal(capital) if capital else None,
        "established_on": c.day(row["established_on"]) if row.get("established_on") else None,
        "#former": row.get("former_name", ""),
    }


def _with_former_names(versions: Rows) -> Rows:
    """What the register states and what earlier versions bore, as known when a version became known."""
    for row in versions:
        seen = [
            v
            for v in versions
            if (v["known_from"], v["valid_from"]) <= (row["known_from"], row["valid_from"])
        ]
        borne = {v["name"] for v in seen} | {n for v in seen for n in v["#former"].split("；")}
        row["former_names"] = "；".join(sorted(borne - {row["name"], ""})) or None
    return versions


TABLES = {"credit/entity": entity}
