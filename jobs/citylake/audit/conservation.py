"""The equations of every delivery: records = rejected + pending + taken, and of the rows of what was taken
received = accepted + duplicates + superseded + quarantined + suppressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from citylake.casework.whole_batch import failure_text
from citylake.contract.model import Contract
from citylake.ledger.batches import (
    ADMITTED,
    FAILED,
    HELD,
    REFUSED,
    REPEAT,
    WITHDRAWN,
    batch_state,
    failed_verdicts,
)
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import events, find
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.quality.sentences import sentence
from citylake.storage.store import Store

FIGURES = (
    *("records", "rejected", "pending"),
    *("received", "accepted", "duplicates", "superseded", "quarantined", "suppressed"),
)


@dataclass(frozen=True)
class Batch:
    """One delivery in numbers. `records`, `rejected` and `pending` count the sender's records, the others
    rows
    (an unpivoted cell is a row).
    """

    dataset: str
    receipt: int
    delivery: str
    period: str
    outcome: str
    state: str  # as `ledger.batches.batch_state` says
    records: int
    rejected: int  # records that the lake did not take: refused, a repeat, or withdrawn
    pending: int  # records that wait: for a step of the pipeline, or for a person
    received: int
    accepted: int
    duplicates: int
    superseded: int
    quarantined: int
    suppressed: int  # records of persons who were erased before it came
    why: str = ""

    @property
    def balanced(self) -> bool:
        """Whether the equations hold: of a delivery that is in silver the rows, of another one the
        records.
        """
        aside = self.duplicates + self.superseded + self.quarantined + self.suppressed
        rows = self.received == self.accepted + aside
        return rows and (self.state == ADMITTED or self.records == self.rejected + self.pending)


def batches(store: Store, contracts: dict[str, Contract]) -> list[Batch]:
    """Every delivery that the lake has answered, by dataset and receipt."""
    return [
        _batch(r, known if r.outcome == "accepted" else Chain())
        for c in contracts.values()
        if c.kind != "mart"
        for known in [events(store, c.id)]
        for r in dataset_receipts(store, c.id)
    ]


def _batch(receipt: Receipt, known: Chain) -> Batch:
    state, refined = batch_state(receipt, known), find(known, "refined", receipt.number)
    counts: dict[str, int] = refined.facts["counts"] if refined else {}
    decoded = find(known, "decoded", receipt.number)
    suppressed = decoded.facts.get("suppressed", 0) if decoded and refined else 0
    rejected = state in (REFUSED, REPEAT, WITHDRAWN)
    return Batch(
        receipt.dataset,
        receipt.number,
        receipt.delivery,
        receipt.period,
        receipt.outcome,
        state,
        receipt.records,
        rejected=receipt.records if rejected else 0,
        pending=0 if rejected or state == ADMITTED else receipt.records,
        received=counts.get("received", 0) + suppressed,
        accepted=counts.get("accepted", 0),
        duplicates=counts.get("duplicate", 0),
        superseded=counts.get("superseded", 0),
        quarantined=counts.get("quarantined", 0),
        suppressed=suppressed,
        why=_why(receipt, state, known),
    )


def _why(receipt: Receipt, state: str, known: Chain) -> str:
    """The reason of a state, and who can do what about it; empty where nothing is to be said."""
    if state == REPEAT:
        return f"与回执 {receipt.repeats} 内容相同 / same bytes as receipt {receipt.repeats}"
    if state == REFUSED:
        return "; ".join(f"{f.zh} / {f.en} [{f.rule}]" for f in receipt.findings)
    place = f"{receipt.dataset} {receipt.number}"
    said = [_of_gate(receipt, known), _of_failure(receipt, known), _of_withdrawal(receipt, known)]
    act = {
        HELD: f"citylake admit {place} / withdraw",
        FAILED: f"citylake retry {place} / withdraw",
        ADMITTED: "",
        WITHDRAWN: "",
    }.get(state, "citylake run")
    return "; ".join([*(t for t in said if t), *([f"now: {act}"] if act else [])])


def _of_gate(receipt: Receipt, known: Chain) -> str:
    gate = find(known, "gate", receipt.number)
    if gate is None or gate.facts["passed"]:
        return ""
    said = ((v["rule_id"], sentence(v)) for v in failed_verdicts(gate))
    overruled = find(known, "overruled", receipt.number)
    told = f"; overruled by {overruled.facts['by']}: {overruled.facts['reason']}" if overruled else ""
    return "gate: " + ", ".join(f"{t.zh} / {t.en} [{rule}]" for rule, t in said) + told


def _of_failure(receipt: Receipt, known: Chain) -> str:
    broken = find(known, FAILED, receipt.number)
    text = failure_text(broken) if broken else None
    return f"{text.zh} / {text.en}" if text else ""


def _of_withdrawal(receipt: Receipt, known: Chain) -> str:
    event = find(known, WITHDRAWN, receipt.number)
    return f"withdrawn by {event.facts['by']}: {event.facts['reason']}" if event else ""


def summary(found: list[Batch]) -> dict[str, Any]:
    """Totals over batches."""
    return {n: sum(getattr(b, n) for b in found) for n in FIGURES} | {
        "balanced": all(b.balanced for b in found)
    }
