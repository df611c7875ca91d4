"""The file that goes back to a department with its refused records, and the delivery that brings them
home.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from citylake.casework.cases import Case, refused_records
from citylake.casework.returned import as_csv, as_workbook, read_rows
from citylake.casework.spellings import unchanged
from citylake.casework.whole_batch import concerns_whole_batch
from citylake.compile.bronze import record_reference
from citylake.contract.meaning import header_key, unguard
from citylake.contract.model import AMEND_SUFFIX, Column, Contract
from citylake.core.errors import LakeError
from citylake.core.names import inbox_prefix, landing_key
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.ingest.formats.header import PROBLEM, RECORD
from citylake.ingest.manifest_writer import count_records
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.store import Store

MASKED = "***"


def amend_file(
    settings: Settings, store: Store, contract: Contract, case: Case, form: Literal["csv", "xlsx"] = "csv"
) -> bytes:
    """A file of a case's records: original columns, reference, problem; as CSV (UTF-8 with BOM, formulas
    guarded) or as a workbook of text cells. Personal columns are masked. Errors: `case.whole_batch`.
    """
    if concerns_whole_batch(case.rule):
        raise LakeError(
            "case.whole_batch",
            f"{case.id} is about the whole delivery {case.delivery}, not about single records",
            owner=case.owner,
            now=f"send the whole delivery again with corrects: {case.delivery}",
        )
    receipt = next(r for r in dataset_receipts(store, contract.id) if r.number == case.receipt)
    refused = refused_records(settings, contract, receipt)
    wanted = {ref: rules for ref, rules in refused.items() if case.rule in rules}
    columns = _delivered(contract, receipt)
    rows = [[*(c.header(receipt.layout) for c in columns), RECORD, PROBLEM]]
    for ref, values in _records(store, contract, receipt, wanted):
        texts = [MASKED if _hidden(c) and values.get(c.name) else values.get(c.name) or "" for c in columns]
        rows.append([*texts, ref, "; ".join(wanted[ref])])
    return as_csv(rows) if form == "csv" else as_workbook(rows)


def _delivered(contract: Contract, receipt: Receipt) -> list[Column]:
    return [c for c in contract.layout_columns(receipt.layout) if c.delivered]


def _hidden(column: Column) -> bool:
    return column.type.personal != "none"


def _records(
    store: Store, contract: Contract, receipt: Receipt, wanted: Collection[str]
) -> Iterator[tuple[str, dict[str, str | None]]]:
    """(reference, values by column) of the wanted records, read again from the landed bytes."""
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        for file in receipt.files:
            path = Path(folder) / file.sha256
            store.download(landing_key(contract.id, file.sha256), path)
            with open_file(path, contract.of_file(file.name, receipt.corrects)) as decoder:
                for record in decoder:
                    values = dict(zip(decoder.columns, record.values, strict=True))
                    cell = values.get(contract.unpivot["name"]) if contract.unpivot else None
                    ref = record_reference(file.sha256, record.number, cell)
                    if ref in wanted:
                        yield ref, values


def amend(store: Store, contract: Contract, corrects: str, body: bytes, sent_at: datetime) -> str:
    """Put a corrected file into the inbox as a delivery that corrects an earlier one; returns its number.
    Cells that nobody corrected stand in it as they were sent.
    """
    corrected = next(
        (
            r
            for r in dataset_receipts(store, contract.id)
            if r.delivery == corrects and r.outcome == "accepted"
        ),
        None,
    )
    if corrected is None:
        raise LakeError(
            "amend.unknown", f"{contract.id} never accepted a delivery {corrects}", now="citylake status"
        )
    if contract.signed:
        raise LakeError(
            "amend.signed",
            f"{contract.id} takes signed deliveries only, and the lake signs for no department",
            owner=contract.owner.name,
            now=f"citylake prepare {contract.id} FILE{AMEND_SUFFIX} --corrects {corrects} --sign KEY",
        )
    body = as_csv(_restored(store, contract, corrected, read_rows(body)))
    sha256 = hashlib.sha256(body).hexdigest()
    delivery = f"{corrects}-amend-{sha256[:8]}"
    name = f"{delivery}{AMEND_SUFFIX}"
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        path = Path(folder) / "records.csv"
        path.write_bytes(body)
        records = count_records(path, contract.of_file(name, corrects))
    hand_over(store, contract, delivery, corrected.period, (name, body, records), sent_at, corrects)
    return delivery


def _restored(
    store: Store, contract: Contract, receipt: Receipt, rows: list[list[str]]
) -> Iterator[list[str]]:
    """The rows that came back, with the landed text in every cell that says no more than it did, and in every
    masked cell.
    """
    if not rows:
        raise LakeError(
            "amend.no_reference",
            f"the file has no column {RECORD}, which says which record each row corrects",
            now="correct the file of `citylake cases export`",
        )
    head = [header_key(t) for t in rows[0]]
    column = {header_key(c.header(receipt.layout)): c for c in _delivered(contract, receipt)}
    at = head.index(RECORD)
    refs = {row[at].strip() for row in rows[1:] if len(row) > at}
    landed = dict(_records(store, contract, receipt, refs))
    yield rows[0]
    for row in rows[1:]:
        values = landed.get(row[at].strip() if len(row) > at else "", {})
        named = zip(head, row, strict=False)
        yield [_cell(column[h], values, t) if h in column and values else t for h, t in named]


def _cell(column: Column, values: dict[str, str | None], came: str) -> str:
    original = values.get(column.name) or ""
    if (_hidden(column) and came.strip() == MASKED) or unchanged(original, came):
        return original
    return unguard(came)


def hand_over(
    store: Store,
    contract: Contract,
    delivery: str,
    period: str,
    file: tuple[str, bytes, int],
    sent_at: datetime,
    corrects: str | None = None,
) -> None:
    """Put a delivery of one file (name, bytes, records) into the inbox, its manifest last, as a department
    does.
    """
    name, body, records = file
    entry = {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "records": records}
    manifest = {
        "manifest": 1,
        "dataset": contract.id,
        "contract": contract.version,
        "delivery": delivery,
        "period": period,
        "coverage": "changes",
        "sent_at": sent_at.isoformat(timespec="seconds"),
        "corrects": corrects,
        "files": [entry],
        "totals": {"records": records},
    }
    prefix = f"{inbox_prefix(contract.id)}{delivery}/"
    store.put(prefix + name, body)
    store.put(f"{prefix}manifest.json", json.dumps(manifest, ensure_ascii=False).encode())
