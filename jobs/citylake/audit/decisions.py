"""What named persons decided: every event that holds a name, and every roll-back, expired or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from citylake.contract.model import Contract
from citylake.core.names import case_chain
from citylake.ledger.evidence import Event, events
from citylake.storage.store import Store

RELEASES = "release"


@dataclass(frozen=True)
class Decision:
    """One decision as the evidence has it; a text is "" where it says nothing."""

    at: str  # ISO, UTC
    chain: str
    number: int  # of the event in its chain
    what: str  # overruled waived waiver_asked waiver_refused rolled_back ...
    about: str  # a dataset with receipt and rule, or the releases
    by: str
    login: str  # as the scheduler knows that person
    reason: str
    until: str  # last day of a waiver

    def expired(self, day: date) -> bool:
        """Whether a waiver ended before a day."""
        return bool(self.until) and self.until < day.isoformat()


def decisions(store: Store, contracts: Iterable[Contract]) -> list[Decision]:
    """Every decision, newest first."""
    chains = [c for contract in contracts for c in (contract.id, case_chain(contract.id))]
    found = [d for c in (*chains, RELEASES) for e in events(store, c) if (d := _decision(e)) is not None]
    return sorted(found, key=lambda d: (d.at, d.chain, d.number), reverse=True)


def _decision(event: Event) -> Decision | None:
    facts = event.facts
    if facts.get("restores") is not None:
        about = f"{RELEASES} {facts['restores']} -> {facts['number']}"
        return Decision(event.at, event.chain, event.number, "rolled_back", about, "", "", "", "")
    if not facts.get("by"):
        return None
    said = [str(facts.get(n, "")) for n in ("by", "login", "reason", "until")]
    return Decision(event.at, event.chain, event.number, event.event, _about(event, facts), *said)


def _about(event: Event, facts: dict[str, Any]) -> str:
    receipt = event.batch if event.batch is not None else facts.get("receipt", "")
    rules = facts.get("rules") or [facts.get("rule", "")]
    return " ".join([event.chain.removeprefix("cases/"), str(receipt), ", ".join(map(str, rules))]).strip()
