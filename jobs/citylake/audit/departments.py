"""How datasets and departments fare: late, refused, held, set aside, cases, up to a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from citylake.audit.conservation import Batch
from citylake.audit.timeliness import Arrivals, next_due
from citylake.casework.cases import Case
from citylake.contract.model import Contract
from citylake.ledger.batches import FAILED, HELD, REFUSED, WITHDRAWN

SETTLED_CASES = ("closed", "waived")


@dataclass(frozen=True)
class Standing:
    """Figures over some deliveries and their cases; shares and medians of nothing are None."""

    deliveries: int
    dated: int  # those that had a due day and a known arrival
    late: int
    sent_late: int
    refused: int
    held: int
    received: int
    quarantined: int
    open: int
    overdue: int
    days_to_close: float | None  # median over closed cases

    @property
    def defect_share(self) -> float | None:
        """Share of received rows that lie in quarantine."""
        return self.quarantined / self.received if self.received else None


def standing(batches: Iterable[Batch], arrivals: Arrivals, cases: Iterable[Case], day: date) -> Standing:
    """The figures of some deliveries and cases as of a day."""
    given, found = list(batches), list(cases)
    came = [arrivals[b.dataset, b.receipt] for b in given]
    waiting = [c for c in found if c.state not in SETTLED_CASES]
    closed = [c.age(day) for c in found if c.closed_on]
    return Standing(
        deliveries=len(given),
        dated=sum(a.late is not None for a in came),
        late=sum(a.late is True for a in came),
        sent_late=sum(a.sent_late is True for a in came),
        refused=sum(b.state == REFUSED for b in given),
        held=sum(b.state in (HELD, FAILED) for b in given),
        received=sum(b.received for b in given),
        quarantined=sum(b.quarantined for b in given),
        open=len(waiting),
        overdue=sum(c.late(day) for c in waiting),
        days_to_close=median(closed) if closed else None,
    )


def overdue_since(root: Path, contract: Contract, batches: Iterable[Batch], day: date) -> date | None:
    """The day on which a dataset's next delivery was due, when that day has passed; None else, and for a
    dataset of which nothing was accepted yet. What was withdrawn has not come.
    """
    came = (b for b in batches if b.outcome == "accepted" and b.state != WITHDRAWN)
    due = next_due(root, contract, [b.period for b in came])
    return due if due is not None and due < day else None
