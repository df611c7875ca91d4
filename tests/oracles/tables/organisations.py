"""Who an organisation of the lake truly is: its id against the number that the generator gave it."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from citylake.synthetic.people import TRUTH

from tests.oracles.city import City

KEYS = {
    "market_regulation/legal_entity": "registration_no",
    "public_sector_reform/institution": "certificate_no",
    "civil_affairs/social_organisation": "certificate_no",
    "quality_supervision/organisation_code": "org_code",
    "state_taxation/taxpayer": "taxpayer_no",
    "local_taxation/taxpayer": "taxpayer_no",
}
CODES = ("uscc", "org_code", "registration_no", "taxpayer_no")


def true_numbers(city: City, records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Id of the lake -> true number; of several, parted by a blank: two organisations under one id."""
    truth = _truth(city)
    found: dict[str, set[str]] = defaultdict(set)
    for r in records:
        number = truth.get((r["source"], r["source_key"]))
        if number:
            found[r["entity_id"]].add(number)
    return {entity: " ".join(sorted(numbers)) for entity, numbers in found.items()}


def _truth(city: City) -> dict[tuple[str, str], str]:
    """(dataset, key of the record) -> true number; the key of what has none is a hash of what it says."""
    found = {(d, r[k]): r[TRUTH] for d, k in KEYS.items() for r in city.rows(d)}
    for kind in ("admin_permit", "admin_penalty"):
        for r in city.rows(f"development_reform/{kind}"):
            said = [r[f"counterpart_{c}"] for c in CODES]
            found[f"development_reform/{kind}", _hash(*said, r["counterpart_name"])] = r[TRUTH]
    for r in city.rows("market_regulation/list_entry"):
        key = _hash(r["uscc"], "", r["registration_no"], "", r["name"])
        found["market_regulation/list_entry", key] = r[TRUTH]
    for r in city.rows("court/dishonest_organisation"):
        card = r["card_no"]
        codes = (card, "") if len(card) == 18 else ("", card)
        found["court/dishonest_organisation", _hash(*codes, "", "", r["name"])] = r[TRUTH]
    for r in city.rows("state_taxation/tax_grade"):
        found["state_taxation/tax_grade", _hash("", "", "", r["taxpayer_no"], r["name"])] = r[TRUTH]
    return found


def _hash(*said: str) -> str:
    return hashlib.sha256("|".join(said).encode()).hexdigest()[:32]


TOKEN = re.compile(
    r"(?:\d{4}/)?[^/]{40}$"
)  # of a sole trader, whose taxpayer number is the owner's identifier


def by_truth(rows: Iterable[Mapping[str, Any]], numbers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows with the true number for `entity_id`, and `#<number>` for the token of a sole trader."""
    out: list[dict[str, Any]] = []
    for row in rows:
        told = dict(row) | {"entity_id": numbers.get(row["entity_id"], row["entity_id"])}
        for column in ("taxpayer_no", "entry_no"):
            if TOKEN.fullmatch(told.get(column) or ""):
                told[column] = f"#{told['entity_id']}"
        out.append(told)
    return out


def masked(number: str, row: Mapping[str, str]) -> str:
    """The taxpayer number, or what stands for one that is an identifier of a person."""
    return f"#{row[TRUTH]}" if len(row["taxpayer_no"]) == 20 else number
