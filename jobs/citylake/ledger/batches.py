"""How far a batch came: the one definition of its state, from its receipt and the events of its dataset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event, events, find
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.store import Store

REACHED = ("received", "decoded", "refined", "gate", "overruled")
REFUSED, REPEAT, HELD, FAILED, WITHDRAWN, ADMITTED = (
    "refused",
    "repeat",
    "held",
    "failed",
    "withdrawn",
    "admitted",
)
SETTLED = (REFUSED, REPEAT, HELD, FAILED, WITHDRAWN, ADMITTED)
"""The states in which a batch waits for nobody but a person; the batches after it go on."""


def batch_state(receipt: Receipt, known: Chain) -> str:
    """One of `SETTLED`, or the last of `REACHED`.

    Admitted outranks withdrawn and failed: silver holds the rows, whatever was entered meanwhile.
    """
    if receipt.outcome != "accepted":
        return receipt.outcome
    if find(known, ADMITTED, receipt.number):
        return ADMITTED
    if find(known, WITHDRAWN, receipt.number):
        return WITHDRAWN
    if find(known, FAILED, receipt.number):
        return FAILED
    if is_held(known, receipt.number):
        return HELD
    reached = [e for e in REACHED if find(known, e, receipt.number)]
    return reached[-1] if reached else REACHED[0]


def is_held(known: Chain, batch: int) -> bool:
    """Whether the gate of a batch said no and no steward overruled it."""
    gate = find(known, "gate", batch)
    return gate is not None and not gate.facts["passed"] and find(known, "overruled", batch) is None


def failed_rules(gate: Event) -> list[str]:
    """The rules by which a gate said no."""
    return sorted(v["rule_id"] for v in failed_verdicts(gate))


def failed_verdicts(gate: Event) -> list[dict[str, Any]]:
    """The verdicts of a gate that are not fulfilled, as they were written."""
    return [v for part in ("rows", "batch") for v in gate.facts[part]["verdicts"] if not v["success"]]


@dataclass(frozen=True)
class Binding:
    """A dataset's earlier receipts as a later delivery must see them."""

    receipts: tuple[Receipt, ...]  # a withdrawn one binds nobody, as if it had been refused
    failed: frozenset[int]  # what never got in, or was handed over again, may come with the same bytes


def binding(store: Store, dataset: str) -> Binding:
    """The receipts of a dataset in order, by the states of their batches."""
    known, given = events(store, dataset), dataset_receipts(store, dataset)
    states = {r.number: batch_state(r, known) for r in given}
    return Binding(
        tuple(replace(r, outcome=REFUSED) if states[r.number] == WITHDRAWN else r for r in given),
        frozenset(n for n, state in states.items() if state == FAILED or _again(known, n, state)),
    )


def _again(known: Chain, batch: int, state: str) -> bool:
    """Whether a held batch is judged once more, by another contract."""
    return state == HELD and find(known, "retried", batch) is not None


def admitted_receipts(store: Store, dataset: str) -> list[Receipt]:
    """The receipts of a dataset whose batches silver holds."""
    known = events(store, dataset)
    return [r for r in dataset_receipts(store, dataset) if find(known, ADMITTED, r.number)]
