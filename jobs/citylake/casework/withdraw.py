"""A department takes a delivery back that silver does not hold, or an operator has one tried again that
failed or is held; by name and reason.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import inbox_prefix, landing_key
from citylake.ingest.manifest import MANIFEST
from citylake.ledger.batches import ADMITTED, FAILED, HELD, WITHDRAWN, batch_state
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event, append, events
from citylake.ledger.receipts import Receipt, base_name, dataset_receipts
from citylake.storage.store import Store


def withdraw(store: Store, contract: Contract, number: int, by: str, reason: str) -> Event:
    """Enter that a batch is taken back; its landed bytes and its receipt stay, later deliveries may bring the
    same bytes. Errors: `batch.unknown`, `batch.decision`, `batch.admitted`, `batch.not_accepted`.
    """
    receipt, known = _find(store, contract, number, by, reason)
    state, where = batch_state(receipt, known), f"{contract.id} receipt {number}"
    if state == ADMITTED:
        raise LakeError(
            "batch.admitted",
            f"{where} is in silver and cannot be withdrawn",
            owner=contract.owner.name,
            now=f"send what is true with corrects: {receipt.delivery}",
        )
    if receipt.outcome != "accepted":
        raise LakeError(
            "batch.not_accepted",
            f"{where} was answered as {receipt.outcome}; there is nothing to withdraw",
            now="citylake status",
        )
    return append(store, contract.id, WITHDRAWN, number, {"by": by, "reason": reason, "state": state})


def retry(store: Store, contract: Contract, number: int, by: str, reason: str) -> str:
    """Hand the landed bytes of a batch that failed or is held over again, as after a mend of the lake or of
    its contract; returns the name of the new delivery, which corrects what the first one corrected, else the
    first one. It is judged by the contract of today; what the first gate said stays on record.

    Markers of later batches stand in every table since, so the batch cannot take up its old place in the
    order. Errors: `batch.unknown`, `batch.decision`, `batch.not_failed`.
    """
    receipt, known = _find(store, contract, number, by, reason)
    if batch_state(receipt, known) not in (FAILED, HELD):
        raise LakeError(
            "batch.not_failed",
            f"{contract.id} receipt {number} has not failed and is not held",
            now="citylake status",
        )
    delivery = f"{base_name(receipt.delivery)[:60]}-again{number}"
    prefix = f"{inbox_prefix(contract.id)}{delivery}/"
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        for i, file in enumerate(receipt.files):
            store.download(landing_key(contract.id, file.sha256), Path(folder) / str(i))
            store.upload(Path(folder) / str(i), prefix + file.name)
    store.put(
        prefix + MANIFEST, json.dumps(_manifest(receipt, contract, delivery), ensure_ascii=False).encode()
    )
    append(store, contract.id, "retried", number, {"by": by, "reason": reason, "delivery": delivery})
    return delivery


def _manifest(receipt: Receipt, contract: Contract, delivery: str) -> dict[str, object]:
    """What the department promised, as far as the first receipt tells, under the contract of today."""
    return {
        "manifest": 1,
        "dataset": receipt.dataset,
        "contract": contract.version,
        "delivery": delivery,
        "period": receipt.period,
        "coverage": receipt.coverage,
        "sent_at": receipt.sent_at,
        "corrects": receipt.corrects or receipt.delivery,
        "attested": receipt.attested,
        "files": [asdict(f) for f in receipt.files],
        "totals": {"records": receipt.records},
    }


def _find(store: Store, contract: Contract, number: int, by: str, reason: str) -> tuple[Receipt, Chain]:
    where = f"{contract.id} receipt {number}"
    receipt = next((r for r in dataset_receipts(store, contract.id) if r.number == number), None)
    if receipt is None:
        raise LakeError("batch.unknown", f"there is no {where}", now="citylake status")
    if not by.strip() or not reason.strip():
        raise LakeError(
            "batch.decision", "this takes a name and a reason", where=where, now="give --by and --reason"
        )
    return receipt, events(store, contract.id)
