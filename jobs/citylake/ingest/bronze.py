"""Hop 4's write: one conditional commit of a batch's rows to its bronze table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from citylake.contract.model import Contract
from citylake.ingest.decode import bronze_batches, bronze_schema
from citylake.ingest.tokens import load_tokens
from citylake.lake.delta import delta_options, last_txn
from citylake.lake.names import bronze, landing_key
from citylake.lake.settings import Settings
from citylake.lake.store import Store
from citylake.ledger.evidence import append
from citylake.ledger.receipts import Receipt

APP = "citylake"  # the txn application id of every write of ours; its version is the receipt number


class _Counted:
    """Counts rows and records while batches go by."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches, self.rows = batches, 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def decode(settings: Settings, store: Store, contract: Contract, receipt: Receipt) -> dict[str, Any]:
    """Append a landed delivery to bronze once; a second call finds the commit's marker and writes nothing."""
    table = bronze(contract.id)
    done = (last_txn(settings, table, APP) or 0) >= receipt.number
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        rows = _counted_rows(settings, store, contract, receipt, Path(folder), write=not done)
    event = append(store, contract.id, "decoded", receipt.number, {"records": receipt.records, "rows": rows})
    return event.facts


def _counted_rows(settings: Settings, store: Store, contract: Contract, receipt: Receipt, folder: Path, *, write: bool) -> int:
    paths: dict[str, Path] = {}
    for file in receipt.files:
        paths[file.sha256] = folder / file.sha256
        store.download(landing_key(contract.id, file.sha256), paths[file.sha256])
    counted = _Counted(bronze_batches(contract, receipt, paths, load_tokens(settings)))
    if write:
        _write(settings, contract, receipt, counted)
    else:
        for _ in counted:
            pass
    return counted.rows


def _write(settings: Settings, contract: Contract, receipt: Receipt, counted: _Counted) -> None:
    from deltalake import CommitProperties, Transaction, write_deltalake

    reader = pa.RecordBatchReader.from_batches(bronze_schema(contract), iter(counted))
    marker = CommitProperties(
        custom_metadata={"batch_id": receipt.batch_id, "receipt": str(receipt.number)},
        app_transactions=[Transaction(APP, receipt.number)],
    )
    write_deltalake(bronze(contract.id).rust_uri(settings.lake), reader, mode="append", storage_options=delta_options(settings), commit_properties=marker)
