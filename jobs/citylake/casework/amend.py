"""The file that goes back to a department with its refused records, and the delivery that brings them
home.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from citylake.casework.cases import Case, refused_records
from citylake.casework.whole_batch import concerns_whole_batch
from citylake.compile.bronze import record_reference
from citylake.contract.model import AMEND_SUFFIX, Contract
from citylake.core.errors import LakeError
from citylake.core.names import inbox_prefix, landing_key
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.ingest.formats.header import PROBLEM, RECORD
from citylake.ingest.manifest_writer import count_records
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.store import Store

MASKED = "***"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def amend_file(settings: Settings, store: Store, contract: Contract, case: Case) -> bytes:
    """A CSV (UTF-8 with BOM, so that spreadsheets read it) of a case's records: original columns, reference,
    problem.

    Personal columns are masked: the sender fills them from its own system. A text that a spreadsheet would
    run as a formula
    gets a leading apostrophe, which the lake takes off again.
    """
    if concerns_whole_batch(case.rule):
        raise LakeError(
            "case.whole_batch",
            f"{case.id} is about the whole delivery {case.delivery}, not about single records",
            owner=case.owner,
            now=f"send the whole delivery again with corrects: {case.delivery}",
        )
    receipt = next(r for r in dataset_receipts(store, contract.id) if r.number == case.receipt)
    wanted = {
        ref: rules
        for ref, rules in refused_records(settings, contract, receipt).items()
        if case.rule in rules
    }
    columns = [c for c in contract.layout_columns(receipt.layout) if c.delivered]
    hidden = {c.name for c in columns if c.type.personal != "none"}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*(c.header(receipt.layout) for c in columns), RECORD, PROBLEM])
    for ref, values in _records(store, contract, receipt, wanted):
        texts = [
            MASKED if c.name in hidden and values.get(c.name) else _harmless(values.get(c.name))
            for c in columns
        ]
        writer.writerow([*texts, ref, "; ".join(wanted[ref])])
    return buffer.getvalue().encode("utf-8-sig")


def _harmless(text: str | None) -> str:
    if text and text.startswith(_FORMULA) and not text[1:].replace(".", "", 1).isdigit():
        return f"'{text}"
    return text or ""


def _records(
    store: Store, contract: Contract, receipt: Receipt, wanted: dict[str, list[str]]
) -> Iterator[tuple[str, dict[str, str | None]]]:
    """(reference, values by column) of the wanted records, read again from the landed bytes."""
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        for file in receipt.files:
            path = Path(folder) / file.sha256
            store.download(landing_key(contract.id, file.sha256), path)
            decoder = open_file(path, contract.of_file(file.name, receipt.corrects))
            for record in decoder:
                values = dict(zip(decoder.columns, record.values, strict=True))
                ref = record_reference(
                    file.sha256,
                    record.number,
                    values.get(contract.unpivot["name"]) if contract.unpivot else None,
                )
                if ref in wanted:
                    yield ref, values


def amend(store: Store, contract: Contract, corrects: str, body: bytes, sent_at: datetime) -> str:
    """Put a corrected file into the inbox as a delivery that corrects an earlier one; returns its number."""
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
    body = _in_utf8(body)
    sha256 = hashlib.sha256(body).hexdigest()
    delivery = f"{corrects}-amend-{sha256[:8]}"
    name = f"{delivery}{AMEND_SUFFIX}"
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        path = Path(folder) / "records.csv"
        path.write_bytes(body)
        records = count_records(path, contract.of_file(name, corrects))
    hand_over(store, contract, delivery, corrected.period, (name, body, records), sent_at, corrects)
    return delivery


def _in_utf8(body: bytes) -> bytes:
    """A Chinese Windows saves a CSV from its spreadsheet in GB18030; what is neither is left to hop 2, which
    names the line.
    """
    with suppress(UnicodeDecodeError):
        body.decode("utf-8")
        return body
    with suppress(UnicodeDecodeError):
        return body.decode("gb18030").encode("utf-8-sig")
    return body


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
