"""What the events say of one case: what is left of it, in which state it is, and when it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from citylake.ledger.batches import ADMITTED, WITHDRAWN
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import find
from citylake.ledger.receipts import Receipt


@dataclass(frozen=True)
class History:
    """What is known of one case."""

    told: Chain
    known: Chain
    given: dict[int, Receipt]
    receipt: Receipt
    rule: str
    today: date
    done: bool  # nothing waits any more: replaced, withdrawn, sent again, or let in as a whole
    ends: frozenset[int]  # receipts whose admission ends it as a whole
    in_silver: bool  # silver holds the batch, so that single records can be amended

    @property
    def outstanding(self) -> int | None:
        """Records still refused after the last amendment; None when none came, 0 when nothing waits any
        more.
        """
        if self.done or not self.in_silver:
            return 0 if self.done else None
        done = [e for e in self.told if e.event == "replayed" and e.facts["corrects"] == self.receipt.number]
        return int(done[-1].facts["outstanding"].get(self.rule, 0)) if done else None

    @property
    def closed_at(self) -> str:
        """The moment from which no record was outstanding for good; "" while one is, or when unknown."""
        if self.outstanding != 0:
            return ""
        moments: list[str] = []
        for e in self.told:
            if e.event == "replayed" and e.facts["corrects"] == self.receipt.number:
                left = e.facts["outstanding"].get(self.rule, 0)
                moments = [] if left else [*moments, e.at]
        if moments:
            return moments[0]
        ended = (e.at for e in self.known if e.event == ADMITTED and e.batch in self.ends)
        taken = (e.at for e in self.known if (e.event, e.batch) == (WITHDRAWN, self.receipt.number))
        return min((*ended, *taken), default="")

    @property
    def waiver(self) -> dict[str, str] | None:
        """The last waiver that has not expired."""
        mine = [
            e.facts
            for e in self.told
            if e.event == "waived"
            and (e.facts["receipt"], e.facts["rule"]) == (self.receipt.number, self.rule)
        ]
        return mine[-1] if mine and date.fromisoformat(mine[-1]["until"]) >= self.today else None

    @property
    def state(self) -> str:
        """The furthest step that was reached."""
        if self.outstanding == 0:
            return "closed"
        if self.waiver:
            return "waived"
        amending = [r for r in self.given.values() if r.corrects == self.receipt.delivery]
        if any(find(self.known, ADMITTED, r.number) is None for r in amending):
            return "amended"
        if self.outstanding is not None:
            return "replayed"
        return "notified" if find(self.told, "notified", self.receipt.number) else "open"
