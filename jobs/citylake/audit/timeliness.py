"""When a delivery was due, when it came by the lake's own clock, and what is missing (GB/T 36344, 0502)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from pathlib import Path

from citylake.contract.model import Contract
from citylake.core.calendar import beijing_day, last_day, working_day_from
from citylake.ledger.batches import binding
from citylake.ledger.evidence import events
from citylake.ledger.receipts import Receipt
from citylake.storage.store import Store

HOURS = 24
LAST_YEAR = 9000  # periods after it are slips of the pen, and near the end of what a date can hold


@dataclass(frozen=True)
class Arrival:
    """One delivery and its day: days are of Beijing; a text is "" where the lake does not know."""

    dataset: str
    receipt: int
    sent_at: str  # as the sender states it; proves nothing
    arrived_at: str  # by the lake's clock, ISO in UTC: when its answer was given
    due_on: str  # "" for a period that is none, and for what comes again: a correction of accepted records,
    # a replacement, a repetition

    @property
    def late(self) -> bool | None:
        """Whether it came after its day; None where the day or the arrival is unknown."""
        return self._after(self.arrived_at)

    @property
    def sent_late(self) -> bool | None:
        """Whether its sender states a moment after its day."""
        return self._after(self.sent_at)

    def _after(self, moment: str) -> bool | None:
        return beijing_day(moment) > self.due_on if self.due_on and moment else None


Arrivals = Mapping[tuple[str, int], Arrival]  # by dataset and receipt


def due_day(root: Path, contract: Contract, period: str) -> date | None:
    """The last day on which a period may come; None for a period that is none.

    It is the last day of the period and the promised latency, a begun day counting whole; where nobody works
    then, the next working day (General Principles of the Civil Law, art. 154; Civil Code, art. 203).
    """
    ended = _end(period)
    return None if ended is None else _due(root, contract, ended)


def next_due(root: Path, contract: Contract, periods: Iterable[str]) -> date | None:
    """The day on which what follows the newest of some periods is due, by the promised frequency; None when
    there is no period yet.
    """
    ends = [end for p in periods if (end := _end(p)) is not None]
    return _due(root, contract, _later(max(ends), contract.frequency_days)) if ends else None


def _due(root: Path, contract: Contract, ended: date) -> date:
    return working_day_from(root, ended + timedelta(days=ceil(contract.latency_hours / HOURS)))


def _end(period: str) -> date | None:
    try:
        ended = last_day(period)
    except (ValueError, IndexError):
        return None
    return ended if ended.year <= LAST_YEAR else None


def _later(end: date, days: float) -> date:
    """The end of the period after one: whole months where the frequency is one of months, else days."""
    if days < 28 or (end + timedelta(days=1)).day != 1:
        return end + timedelta(days=ceil(days))
    following = end.month + round(days / 31)  # months from January to the first one after the period
    return date(end.year + following // 12, following % 12 + 1, 1) - timedelta(days=1)


def arrivals(store: Store, contracts: Mapping[str, Contract], root: Path) -> Arrivals:
    """Every delivery that has an answer."""
    return {
        (arrival.dataset, arrival.receipt): arrival
        for contract in contracts.values()
        if contract.kind != "mart"
        for arrival in of_dataset(
            contract, root, binding(store, contract.id).receipts, _answered_at(store, contract.id)
        )
    }


def of_dataset(
    contract: Contract, root: Path, given: Sequence[Receipt], moments: Mapping[int, str]
) -> Iterator[Arrival]:
    """The arrivals of a dataset, from its binding receipts: what corrects a withdrawn delivery is the first
    of its period that came. `moments`: when each receipt was written.
    """
    taken = {r.delivery for r in given if r.outcome == "accepted"}
    for receipt in given:
        again = receipt.corrects in taken or receipt.replaces is not None or receipt.repeats is not None
        due = None if again else due_day(root, contract, receipt.period)
        moment = moments.get(receipt.number, "")
        day = due.isoformat() if due else ""
        yield Arrival(contract.id, receipt.number, receipt.sent_at, moment, day)


def _answered_at(store: Store, dataset: str) -> dict[int, str]:
    """Receipt -> when the first event about it was written."""
    found: dict[int, str] = {}
    for event in events(store, dataset):
        if event.batch is not None:
            found.setdefault(event.batch, event.at)
    return found
