"""Step 4's write: one conditional commit of a batch's rows to its bronze table."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from citylake.compile.bronze import BRONZE_LINEAGE
from citylake.contract.model import Contract
from citylake.core.names import bronze, landing_key
from citylake.core.settings import Settings
from citylake.ingest.decode import bronze_batches, bronze_schema
from citylake.ingest.erasure import Forgetting, forget_again, gone
from citylake.ledger import contracts
from citylake.ledger.evidence import append, events
from citylake.ledger.receipts import Receipt
from citylake.privacy.token_keys import CHAIN, held_key, load_tokens
from citylake.privacy.tokens import Tokens
from citylake.storage.delta import holds
from citylake.storage.store import Store
from citylake.storage.writing import Mark, create, once

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

_DICTIONARY_BYTES = 128 << 10


class _Counted:
    """Counts rows and records while batches go by."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches, self.rows = batches, 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def decode(settings: Settings, store: Store, contract: Contract, receipt: Receipt) -> dict[str, Any]:
    """Append a landed delivery to bronze once, read by the contract that it was received under.

    A second call finds the commit's marker and writes nothing.
    """
    contract = contracts.of_receipt(store, contract, events(store, contract.id), receipt)
    tokens = _tokens(settings, store)  # before the first table: a lake without any makes its key
    table = create(settings, bronze(contract.id), bronze_schema(contract))
    done, forgetting = holds(table, receipt.number), Forgetting(gone(store), tokens)
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        counted = _Counted(
            bronze_batches(
                contract, receipt, _landed(store, contract, receipt, Path(folder)), tokens, forgetting
            )
        )
        if done:
            deque(counted, maxlen=0)
        else:
            _write(table, contract, receipt, counted)
    facts = {"records": receipt.records, "rows": counted.rows}
    if forgetting.named:
        forget_again(store, contract, forgetting.named, receipt.number)
        facts["suppressed"] = sum(map(len, forgetting.named.values()))
    return append(store, contract.id, "decoded", receipt.number, facts).facts


def _tokens(settings: Settings, store: Store) -> Tokens:
    """The lake's tokens; that it has a key of its own is written down once."""
    found, held = load_tokens(settings, store), held_key(store)
    if held and not events(store, CHAIN):
        append(store, CHAIN, "established", 0, {"key_id": held.key_id, "key_files": list(held.closed)})
    return found


def _landed(store: Store, contract: Contract, receipt: Receipt, folder: Path) -> dict[str, Path]:
    paths = {file.sha256: folder / file.sha256 for file in receipt.files}
    for sha256, path in paths.items():
        store.download(landing_key(contract.id, sha256), path)
    return paths


def writer_properties(contract: Contract) -> WriterProperties:
    """How bronze is encoded: rising numbers as differences, no statistics of text, since a batch is found by
    its lineage.

    A dictionary of keys, which hardly repeat, is not begun; that of another column is given up early when its
    values do not repeat.
    """
    from deltalake import ColumnProperties, WriterProperties

    numbers = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    keys, text = (
        ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE"),
        ColumnProperties(statistics_enabled="NONE"),
    )
    columns = {
        c: keys if c in contract.keys else text
        for c in bronze_schema(contract).names
        if c not in BRONZE_LINEAGE
    }
    columns |= dict.fromkeys(("_row_no", "_line_no", "_byte_start", "_byte_end"), numbers)
    return WriterProperties(
        compression="SNAPPY", dictionary_page_size_limit=_DICTIONARY_BYTES, column_properties=columns
    )


def _write(table: DeltaTable, contract: Contract, receipt: Receipt, counted: _Counted) -> None:
    from deltalake import write_deltalake

    reader = pa.RecordBatchReader.from_batches(bronze_schema(contract), iter(counted))
    mark = Mark({"batch_id": receipt.batch_id, "receipt": str(receipt.number)}, receipt.number)

    def work() -> None:
        write_deltalake(
            table,
            reader,
            mode="append",
            schema_mode="merge",
            commit_properties=mark.properties,
            writer_properties=writer_properties(contract),
        )

    once(table, mark, work)
