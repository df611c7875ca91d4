"""The equation of every batch: received = accepted + duplicates + superseded + quarantined, and bronze still
holds it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract
from citylake.core.names import bronze, landing_key
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.ledger.evidence import Event, events, failed_rules, find, is_held
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.delta import open_table
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


@dataclass(frozen=True)
class Loss:
    """A record that a landed file holds and bronze does not (or not once)."""

    dataset: str
    receipt: int
    file: str
    record: int
    line: int
    byte_start: int
    byte_end: int
    found: int
    expected: int


def losses(settings: Settings, store: Store, contract: Contract) -> list[Loss]:
    """Compare bronze with the landed bytes: every record of every admitted batch must be there exactly as
    often as decoded.
    """
    held = _held(settings, contract)
    known = [r for r in dataset_receipts(store, contract.id) if r.outcome == "accepted"]
    decoded = [r for r in known if find(events(store, contract.id), "decoded", r.number)]
    return [loss for r in decoded for loss in _missing(store, contract, r, held)]


def _held(settings: Settings, contract: Contract) -> dict[tuple[int, str, int], int]:
    """(receipt, file, record) -> rows in bronze."""
    table = open_table(settings, bronze(contract.id))
    if table is None:
        return {}
    rows = table.to_pyarrow_table(columns=["_receipt", "_file_id", "_row_no"])
    counted = rows.group_by(["_receipt", "_file_id", "_row_no"]).aggregate([("_row_no", "count")]).to_pylist()
    return {(r["_receipt"], r["_file_id"], r["_row_no"]): r["_row_no_count"] for r in counted}


def _missing(
    store: Store, contract: Contract, receipt: Receipt, held: dict[tuple[int, str, int], int]
) -> list[Loss]:
    found: list[Loss] = []
    for file in receipt.files:
        for number, (line, start, end, expected) in _records(
            store, contract.of_file(file.name, receipt.corrects), file.sha256
        ).items():
            rows = held.get((receipt.number, file.sha256, number), 0)
            if rows != expected:
                found.append(
                    Loss(contract.id, receipt.number, file.name, number, line, start, end, rows, expected)
                )
    return found


def _records(store: Store, contract: Contract, sha256: str) -> dict[int, tuple[int, int, int, int]]:
    """record -> (line, first byte, end, rows) of a landed file."""
    out: dict[int, tuple[int, int, int, int]] = {}
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        path = Path(folder) / "file"
        store.download(landing_key(contract.id, sha256), path)
        for r in open_file(path, contract):
            line, start, end, rows = out.get(r.number, (r.line, r.start, r.end, 0))
            out[r.number] = (line, start, end, rows + 1)
    return out


def summary(found: list[Batch]) -> dict[str, Any]:
    """Totals over batches."""
    return {n: sum(getattr(b, n) for b in found) for n in FIGURES} | {
        "balanced": all(b.balanced for b in found)
    }
