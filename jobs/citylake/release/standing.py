"""What an answer stands on: the release, and of each dataset behind the tables that it names how far it
reaches and what is held back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from citylake.contract.catalogue import safe_views
from citylake.contract.inputs import mart_datasets
from citylake.contract.model import Contract
from citylake.core.names import mart, silver
from citylake.marts.deliveries import ADMITTED, HELD, covered
from citylake.storage.store import Store


@dataclass(frozen=True)
class Standing:
    """One dataset behind an answer."""

    dataset: str
    covered_to: str | None  # last day of the periods that are in
    held: tuple[str, ...]  # deliveries that their gate holds: no mart shows their rows
    waiting: int


def datasets_of(root: Path, contracts: dict[str, Contract], query: str) -> list[str]:
    """The datasets behind the tables and safe views that a query names."""
    named = set(re.findall(r"\b([a-z_]+\.[a-z_][\w]*)\b", query.lower().replace("`", "")))
    found: set[str] = set()
    for contract in contracts.values():
        if contract.kind != "mart" and silver(contract.id).title in named:
            found.add(contract.id)
        titles = {mart(contract.id).title, *(f"{contract.department}.{v.name}" for v in safe_views(contract))}
        if contract.kind == "mart" and titles & named:
            found.update(mart_datasets(root, contract.id))
    return sorted(found)


def standing(store: Store, datasets: list[str]) -> list[Standing]:
    """How far each dataset reaches by the periods of its deliveries, and what of it is missing."""
    return [_of(store, dataset) for dataset in datasets]


def _of(store: Store, dataset: str) -> Standing:
    told = covered(store, [dataset])
    last = max((d.period_to for d in told if d.state == ADMITTED), default=None)
    held = tuple(d.delivery for d in told if d.state == HELD)
    waiting = sum(d.state not in (ADMITTED, HELD) for d in told)
    return Standing(dataset, None if last is None else last.isoformat(), held, waiting)
