"""Step 4: strict decoding of landed bytes and the append to bronze, without Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylake.compile.bronze import BRONZE_LINEAGE, MASKED, RESIDENT_FACTS, bronze_columns
from citylake.contract.model import Column, Contract
from citylake.ingest.erasure import Forgetting, Piece
from citylake.ingest.formats.blocks import Block, pieces
from citylake.ingest.formats.containers import plain_file
from citylake.ingest.formats.dbf import Dbf
from citylake.ingest.formats.delimited import Delimited
from citylake.ingest.formats.fixed_width import FixedWidth
from citylake.ingest.formats.hj212 import Hj212
from citylake.ingest.formats.json_records import read_json
from citylake.ingest.formats.records import Decoder, Record
from citylake.ingest.formats.whitespace_delimited import Spaced
from citylake.ingest.formats.workbook import Workbook
from citylake.ingest.formats.xml_rows import XmlRows
from citylake.ingest.persons import ORGANISATION_CODES, Persons
from citylake.ledger.receipts import LandedFile, Receipt
from citylake.privacy.scrub import scrub
from citylake.privacy.tokens import EMPTY, Tokens

FORMATS: dict[str, Callable[[Path, Contract], Decoder]] = {
    "csv": Delimited,
    "fixed_width": FixedWidth,
    "json": read_json,
    "jsonl": read_json,
    "xlsx": Workbook,
    "xls": Workbook,
    "ods": Workbook,
    "xml": XmlRows,
    "dbf": Dbf,
    "hj212": Hj212,
    "spaced": Spaced,
}
SHIFTED = (
    "record.extra_field",
    "record.missing_field",
    "record.malformed",
    "record.field_too_long",
    "record.checksum",
)


@contextmanager
def open_file(path: Path, contract: Contract) -> Iterator[Decoder]:
    """A file by the container and format of its contract; Unreadable when it is something else."""
    with plain_file(path, contract) as plain:
        yield FORMATS[contract.format](plain, contract)


def bronze_schema(contract: Contract) -> pa.Schema:
    """Lineage first (for the statistics), then text."""
    kinds = {
        "_receipt": pa.int64(),
        "_row_no": pa.int64(),
        "_line_no": pa.int64(),
        "_byte_start": pa.int64(),
        "_byte_end": pa.int64(),
    }
    kinds["_known_at"] = pa.timestamp("us", tz="UTC")
    lineage = [pa.field(n, kinds.get(n, pa.string())) for n in BRONZE_LINEAGE]
    return pa.schema([*lineage, *(pa.field(n, pa.string()) for n in bronze_columns(contract))])


def bronze_batches(
    contract: Contract,
    receipt: Receipt,
    paths: dict[str, Path],
    tokens: Tokens,
    forgetting: Forgetting | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a delivery as Arrow batches of `bronze_schema`, without those of persons who were erased;
    `paths` gives each file's bytes by sha256.
    """
    for file in receipt.files:
        path, form = paths[file.sha256], contract.of_file(file.name, receipt.corrects)
        with open_file(path, form) as decoder:
            for piece, rows in _file_batches(contract, receipt, file, decoder, tokens):
                keep = forgetting.keep(file.sha256, path, form, piece) if forgetting else None
                yield rows if keep is None else rows.filter(pa.array(keep))


def _file_batches(
    contract: Contract, receipt: Receipt, file: LandedFile, decoder: Decoder, tokens: Tokens
) -> Iterator[tuple[Piece, pa.RecordBatch]]:
    persons = Persons(contract, decoder.columns, tokens)
    for piece in pieces(decoder):
        texts, masked = persons.clean(_texts(contract, decoder, piece))
        columns: dict[str, Any] = {**_places(piece), MASKED: masked}
        for name, values in zip(decoder.columns, texts, strict=True):
            columns |= _replaced(contract.column(name), values, tokens)
        yield piece, _batch(contract, receipt, file, len(piece), columns)


def _places(piece: Block | list[Record]) -> dict[str, Any]:
    """Lineage columns that differ from record to record."""
    if isinstance(piece, Block):
        order = np.arange(len(piece))
        return {
            "_row_no": piece.number + order,
            "_line_no": piece.lines,
            "_byte_start": piece.starts,
            "_byte_end": piece.ends,
        }
    return {
        "_row_no": [r.number for r in piece],
        "_line_no": [r.line for r in piece],
        "_byte_start": [r.start for r in piece],
        "_byte_end": [r.end for r in piece],
        "_error": [r.error for r in piece],
        "_amends": [r.amends and scrub(r.amends) for r in piece],
    }


def _texts(contract: Contract, decoder: Decoder, piece: Block | list[Record]) -> list[pa.Array]:
    """The delivered columns of a piece in the decoder's order. A record with too many or too few fields has
    its values under wrong names: only a register's key is kept, if it is no word.
    """
    if isinstance(piece, Block):
        return piece.columns
    kept = set(contract.keys) if contract.kind == "register" else set()

    def told(record: Record, i: int, name: str) -> str | None:
        text = record.values[i]
        sound = record.error not in SHIFTED or (name in kept and any(c.isdigit() for c in text or ""))
        return text if sound else None

    return [
        pa.array([told(r, i, name) for r in piece], pa.string()) for i, name in enumerate(decoder.columns)
    ]


def _no_person(codes: pa.Array) -> bool:
    """Whether no value can be a person's identifier: all are shorter than 18, or credit codes that begin with
    9.
    """
    harmless = pc.or_(pc.less(pc.utf8_length(codes), 18), pc.match_substring_regex(codes, "^9[0-9A-Z]{17}$"))  # pyright: ignore[reportAttributeAccessIssue]
    return bool(pc.all(harmless).as_py())  # pyright: ignore[reportAttributeAccessIssue]


def _replaced(column: Column, texts: pa.Array, tokens: Tokens) -> dict[str, Any]:
    """Columns of bronze by name for one delivered column: what its type says of persons is replaced here."""
    match column.type.personal:
        case "drop":
            return {}
        case "token":
            return {column.name: [tokens.name(t) for t in texts.to_pylist()]}
        case "resident_id":
            facts = [tokens.resident(t).values() if t else EMPTY.values() for t in texts.to_pylist()]
            names = (column.name, *(f"{column.name}_{f}" for f in RESIDENT_FACTS))
            return {n: [f[k] for f in facts] for k, n in enumerate(names)}
        case "none":
            harmless = column.type.name not in ORGANISATION_CODES or _no_person(texts)
            return {
                column.name: texts if harmless else [tokens.organisation_code(t) for t in texts.to_pylist()]
            }


def _batch(
    contract: Contract, receipt: Receipt, file: LandedFile, n: int, values: dict[str, Any]
) -> pa.RecordBatch:
    constant = {
        "_receipt": receipt.number,
        "_batch_id": receipt.batch_id,
        "_file_id": file.sha256,
        "_layout": receipt.layout,
        "_period": receipt.period,
        "_coverage": receipt.coverage,
        "_sent_at": receipt.sent_at,
        "_known_at": datetime.fromisoformat(receipt.known_at),
    }
    schema = bronze_schema(contract)
    arrays = [_array(f, n, constant, values) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(field: pa.Field, n: int, constant: dict[str, Any], values: dict[str, list[Any]]) -> pa.Array:
    if field.name in constant:
        return pa.repeat(pa.scalar(constant[field.name], field.type), n)
    found = values.get(field.name)
    if isinstance(found, pa.Array):
        return found
    return pa.nulls(n, field.type) if found is None else pa.array(found, field.type)
