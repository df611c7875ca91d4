"""Bronze against the landed bytes, by value: the delivery is decoded again and every row is compared."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from citylake.contract.model import Contract
from citylake.core.names import bronze, landing_key
from citylake.core.settings import Settings
from citylake.ingest.decode import bronze_batches, bronze_schema
from citylake.ingest.erasure import Forgetting, gone
from citylake.ledger import contracts
from citylake.ledger.evidence import events, find
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.privacy.token_keys import load_tokens
from citylake.storage.delta import open_table
from citylake.storage.store import Store

if TYPE_CHECKING:
    from deltalake import DeltaTable

_RECORD = ("_file_id", "_row_no")


@dataclass(frozen=True)
class Loss:
    """A record that bronze does not hold exactly as its landed file does: `expected` rows were decoded now,
    `found` of them are in bronze; `extra` rows of bronze are in no file.
    """

    dataset: str
    receipt: int
    file: str
    record: int
    line: int
    byte_start: int
    byte_end: int
    found: int
    expected: int
    extra: int = 0


def losses(settings: Settings, store: Store, contract: Contract) -> list[Loss]:
    """Every difference of a dataset's decoded batches; empty when bronze is what was landed.

    Raises what the decoder and the table raise when a file or the table cannot be read any more.
    """
    return [x for r in decoded_receipts(store, contract) for x in batch_losses(settings, store, contract, r)]


def decoded_receipts(store: Store, contract: Contract) -> list[Receipt]:
    """The accepted receipts whose batches bronze must hold."""
    known = events(store, contract.id)
    accepted = [r for r in dataset_receipts(store, contract.id) if r.outcome == "accepted"]
    return [r for r in accepted if find(known, "decoded", r.number)]


def batch_losses(settings: Settings, store: Store, contract: Contract, receipt: Receipt) -> list[Loss]:
    """The differences of one batch, read by the contract that it was received under; columns that bronze
    took from other versions of the contract are left out.
    """
    contract = contracts.of_receipt(store, contract, events(store, contract.id), receipt)
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        paths = {f.sha256: Path(folder) / f.sha256 for f in receipt.files}
        for sha256, path in paths.items():
            store.download(landing_key(contract.id, sha256), path)
        tokens = load_tokens(settings, store)
        batches = bronze_batches(contract, receipt, paths, tokens, Forgetting(gone(store), tokens))
        expected = pa.Table.from_batches(batches, bronze_schema(contract))
    held = _held(open_table(settings, bronze(contract.id)), expected.schema, receipt.number)
    if _sorted(expected).equals(_sorted(held)):
        return []
    return list(_differences(contract.id, receipt, expected, held))


def _held(opened: DeltaTable | None, schema: pa.Schema, number: int) -> pa.Table:
    """The rows of a batch in bronze, in the columns and types of a schema."""
    if opened is None:
        return schema.empty_table()
    data = opened.to_pyarrow_dataset()
    columns = [n for n in schema.names if n in data.schema.names]
    found = data.to_table(columns=columns, filter=ds.field("_receipt") == number)
    arrays = [
        found[f.name].cast(f.type) if f.name in columns else pa.nulls(len(found), f.type) for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by(
        [(n, "ascending") for n in ("_file_id", "_row_no", *rows.column_names)]
    ).combine_chunks()


def _differences(dataset: str, receipt: Receipt, expected: pa.Table, held: pa.Table) -> Iterator[Loss]:
    names = {f.sha256: f.name for f in receipt.files}
    wanted, there = (_by_record(t) for t in (expected, held))
    for ref in sorted(wanted.keys() | there.keys(), key=str):
        a, b = wanted.get(ref, Counter()), there.get(ref, Counter())
        if a == b:
            continue
        place = dict(zip(expected.column_names, next(iter(a or b)), strict=True))
        yield Loss(
            dataset,
            receipt.number,
            names.get(str(ref[0]), str(ref[0])),
            place["_row_no"],
            place["_line_no"],
            place["_byte_start"],
            place["_byte_end"],
            found=(a & b).total(),
            expected=a.total(),
            extra=(b - a).total(),
        )


def _by_record(rows: pa.Table) -> dict[tuple[Any, Any], Counter[tuple[Any, ...]]]:
    found: dict[tuple[Any, Any], Counter[tuple[Any, ...]]] = {}
    file, number = (rows.column_names.index(n) for n in _RECORD)
    for row in zip(*(c.to_pylist() for c in rows.columns), strict=True):
        found.setdefault((row[file], row[number]), Counter())[row] += 1
    return found
