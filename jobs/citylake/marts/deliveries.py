"""What the ledger tells a mart of the deliveries behind it: which periods they cover, and for which day the
mart can tell what is so. No clock of a sender or of a machine has a part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from citylake.core.calendar import first_day, last_day
from citylake.ledger.batches import ADMITTED, FAILED, HELD, WITHDRAWN, batch_state
from citylake.ledger.evidence import events
from citylake.ledger.receipts import dataset_receipts
from citylake.storage.store import Store

WAITING = "waiting"
_TOLD = {ADMITTED: ADMITTED, HELD: HELD, FAILED: HELD}
DDL = "dataset STRING, receipt BIGINT, delivery STRING, period_from DATE, period_to DATE, state STRING"


@dataclass(frozen=True)
class Covered:
    """One accepted delivery: its period (both days included) and how far it came."""

    dataset: str
    receipt: int
    delivery: str
    period_from: date
    period_to: date
    state: str  # admitted: silver holds it; held: only a person can let it in; waiting: not judged yet


def covered(store: Store, datasets: Sequence[str]) -> list[Covered]:
    """The accepted deliveries of some datasets in the order of their receipts, without withdrawn ones."""
    return [delivery for dataset in datasets for delivery in _of(store, dataset)]


def of_marts(store: Store, behind: Mapping[str, Sequence[str]]) -> list[tuple[str, Covered]]:
    """The same for the datasets behind each mart, with the mart."""
    datasets = {d: _of(store, d) for d in sorted({d for named in behind.values() for d in named})}
    return [(mart, delivery) for mart in sorted(behind) for d in behind[mart] for delivery in datasets[d]]


def _of(store: Store, dataset: str) -> list[Covered]:
    accepted = [r for r in dataset_receipts(store, dataset) if r.outcome == "accepted"]
    known = events(store, dataset)
    states = {r.number: batch_state(r, known) for r in accepted}
    return [
        Covered(
            dataset,
            r.number,
            r.delivery,
            first_day(r.period),
            last_day(r.period),
            _TOLD.get(states[r.number], WAITING),
        )
        for r in accepted
        if states[r.number] != WITHDRAWN
    ]


def reference_day(deliveries: Sequence[Covered], datasets: Sequence[str]) -> date | None:
    """The last day that all of some datasets cover by the periods of their admitted deliveries.

    A dataset of which nothing came says nothing about the day; None when nothing came of any.
    """
    admitted = [d for d in deliveries if d.state == ADMITTED]
    last = [max((d.period_to for d in admitted if d.dataset == n), default=None) for n in datasets]
    return min((day for day in last if day is not None), default=None)


def digest(deliveries: Sequence[object]) -> str:
    """A short hash that differs when any delivery or its state does."""
    return hashlib.sha256(repr(deliveries).encode()).hexdigest()[:16]
