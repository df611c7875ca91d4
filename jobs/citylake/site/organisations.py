"""One page per organisation: every released row of the credit theme about it, as of any day. Facts and their
sources; no score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from citylake.contract.model import Column, Contract
from citylake.core.calendar import BEIJING
from citylake.core.names import mart
from citylake.core.settings import Settings
from citylake.storage.delta import open_table

THEME, ID, RECORD_ID = "credit", "entity_id", "organisation_record_id"
SHOWN = 24  # pages are a sample for people; the tables hold every organisation
VALID = (
    ("valid_from", "valid_to"),
    ("visible_from", "visible_to"),
)  # by either a row says on which days it holds
KNOWN = ("known_from", "known_to")
Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One row of a table about an organisation: its cells, and the days (as text, "" = open) between which it
    is valid and known.
    """

    cells: tuple[str, ...]
    valid: tuple[str, str]
    known: tuple[str, str]


@dataclass(frozen=True)
class Section:
    """What one table of the theme says about an organisation."""

    contract: Contract
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Organisation:
    """An organisation with all that the released tables say about it."""

    id: str
    name: str
    sections: tuple[Section, ...]

    @property
    def facts(self) -> int:
        """How many rows are about it."""
        return sum(len(s.lines) for s in self.sections)


def organisations(
    settings: Settings, contracts: Mapping[str, Contract], pinned: Mapping[str, Mapping[str, Any]]
) -> list[Organisation]:
    """The organisations about which most is known, most first; empty while nothing of the theme is
    released.
    """
    tables = [
        (c, _by_organisation(settings, c, pinned[mart(c.id).title]))
        for c in _tables(contracts)
        if mart(c.id).title in pinned
    ]
    known = Counter[str]()
    for _, rows in tables:
        known.update({entity: len(found) for entity, found in rows.items()})
    first = sorted(known, key=lambda e: (-known[e], e))[:SHOWN]
    return [_organisation(e, [(c, rows[e]) for c, rows in tables if e in rows]) for e in first]


def _tables(contracts: Mapping[str, Contract]) -> Iterator[Contract]:
    """The mart tables of the theme with a row per organisation or more, those with one row for each first."""
    for c in sorted(contracts.values(), key=lambda c: (len(c.keys), c.id)):
        if c.kind == "mart" and c.department == THEME and ID in {k.name for k in c.columns}:
            yield c


def _by_organisation(settings: Settings, contract: Contract, pin: Mapping[str, Any]) -> dict[str, list[Row]]:
    table = open_table(settings, mart(contract.id))
    found: dict[str, list[Row]] = {}
    if table is not None:
        table.load_as_version(int(pin["version"]))
        for row in table.to_pyarrow_table().to_pylist():
            if row[ID] is not None:
                found.setdefault(row[ID], []).append(row)
    return found


def _organisation(entity: str, tables: list[tuple[Contract, list[Row]]]) -> Organisation:
    sections = tuple(_section(c, rows) for c, rows in tables)
    names = [str(r["value"]) for _, rows in tables for r in rows if r.get("field") == "name"]
    names += [str(r["name"]) for _, rows in tables for r in rows if r.get("name")]
    return Organisation(entity, names[0] if names else entity, sections)


def _section(contract: Contract, rows: list[Row]) -> Section:
    held = {c.name for c in contract.columns}
    valid = next((pair for pair in VALID if held.issuperset(pair)), None)
    known = KNOWN if held.issuperset(KNOWN) else None
    columns = tuple(c for c in contract.columns if c.type.name != RECORD_ID and c.type.personal == "none")
    lines = (Line(tuple(_text(r[c.name]) for c in columns), _span(r, valid), _span(r, known)) for r in rows)
    return Section(contract, columns, tuple(sorted(lines, key=lambda line: line.cells)))


def _span(row: Row, pair: tuple[str, str] | None) -> tuple[str, str]:
    return (_day(row[pair[0]]), _day(row[pair[1]])) if pair else ("", "")


def _day(value: Any) -> str:
    return "" if value is None else _text(value)[:10]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(BEIJING):%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return "；".join(map(_text, value))  # pyright: ignore[reportUnknownArgumentType]
    return value.isoformat() if isinstance(value, date) else str(value)
