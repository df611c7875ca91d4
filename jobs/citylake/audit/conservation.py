"""The equation of every batch: received = accepted + duplicates + superseded + quarantined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from citylake.contract.model import Contract
from citylake.ledger.evidence import Event, events, failed_rules, find, is_held
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.store import Store

FIGURES = ("records", "received", "accepted", "duplicates", "superseded", "quarantined")


@dataclass(frozen=True)
class Batch:
    """One delivery in numbers; counts are rows (an unpivoted cell is a row), `records` are the sender's."""

    dataset: str
    receipt: int
    delivery: str
    period: str
    outcome: str
    state: str  # refused repeat received decoded held admitted
    records: int
    received: int
    accepted: int
    duplicates: int
    superseded: int
    quarantined: int
    why: str = ""

    @property
    def balanced(self) -> bool:
        """Whether the equation holds."""
        return self.received == self.accepted + self.duplicates + self.superseded + self.quarantined


def batches(store: Store, contracts: dict[str, Contract]) -> list[Batch]:
    """Every delivery that the lake has answered, by dataset and receipt."""
    return [
        _batch(r, known if r.outcome == "accepted" else [])
        for c in contracts.values()
        if c.kind != "mart"
        for known in [events(store, c.id)]
        for r in dataset_receipts(store, c.id)
    ]


def _batch(receipt: Receipt, known: list[Event]) -> Batch:
    refined = find(known, "refined", receipt.number)
    counts: dict[str, int] = refined.facts["counts"] if refined else {}
    return Batch(
        receipt.dataset,
        receipt.number,
        receipt.delivery,
        receipt.period,
        receipt.outcome,
        _state(receipt, known),
        receipt.records,
        received=counts.get("received", 0),
        accepted=counts.get("accepted", 0),
        duplicates=counts.get("duplicate", 0),
        superseded=counts.get("superseded", 0),
        quarantined=counts.get("quarantined", 0),
        why=_why(receipt, known),
    )


def _state(receipt: Receipt, known: list[Event]) -> str:
    if receipt.outcome != "accepted":
        return receipt.outcome
    if is_held(known, receipt.number):
        return "held"
    reached = [
        e
        for e in ("received", "decoded", "refined", "gate", "overruled", "admitted")
        if find(known, e, receipt.number)
    ]
    return reached[-1] if reached else "received"


def _why(receipt: Receipt, known: list[Event]) -> str:
    if receipt.outcome == "repeat":
        return f"与回执 {receipt.repeats} 内容相同 / same bytes as receipt {receipt.repeats}"
    if receipt.findings:
        return "; ".join(f"{f.zh} / {f.en} [{f.rule}]" for f in receipt.findings)
    gate = find(known, "gate", receipt.number)
    if gate is None or gate.facts["passed"]:
        return ""
    overruled = find(known, "overruled", receipt.number)
    told = f"; overruled by {overruled.facts['by']}: {overruled.facts['reason']}" if overruled else ""
    return "gate: " + ", ".join(failed_rules(gate)) + told


def summary(found: list[Batch]) -> dict[str, Any]:
    """Totals over batches."""
    return {n: sum(getattr(b, n) for b in found) for n in FIGURES} | {
        "balanced": all(b.balanced for b in found)
    }
