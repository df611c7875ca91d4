"""One input row and where it came from: delivery, file, line, bytes and the sender's own text."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pyarrow as pa

from citylake.audit.keys import printed
from citylake.contract.inputs import CODES, QUARANTINE
from citylake.contract.model import Column, Contract
from citylake.core.codes import load_codes
from citylake.core.names import landing_key, quarantine, silver
from citylake.core.secrets import SHORTEST
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.ingest.formats.records import Decoder
from citylake.ingest.persons import Persons
from citylake.ledger.receipts import dataset_receipts
from citylake.privacy.tokens import TOKEN, Tokens
from citylake.storage.delta import open_table
from citylake.storage.store import Store

Key = tuple[Any, ...]
_TOKENS = re.compile(f"{TOKEN}[0-9A-F]{{32}}")


@dataclass(frozen=True)
class Origin:
    """One input row behind a mart row. `made_from`: the row was made of it; else it was only looked at."""

    input: str
    made_from: bool
    key: dict[str, str]
    receipt: int | None = None
    delivery: str = ""
    file: str = ""
    sha256: str = ""
    landing: str = ""
    line: int | None = None
    bytes: str = ""
    text: str = ""


def origins(
    settings: Settings,
    store: Store,
    contracts: Mapping[str, Contract],
    name: str,
    version: int,
    some: Mapping[Key, bool],
) -> Iterator[Origin]:
    """The rows of silver, or of a quarantine, with these names: file, number of the record, and more."""
    contract = contracts[name.removeprefix(QUARANTINE)]
    table = quarantine(contract.id) if name.startswith(QUARANTINE) else silver(contract.id)
    opened = open_table(settings, table)
    assert opened is not None
    opened.load_as_version(version)
    places = [
        ("_file_id", "in", sorted({k[0] for k in some})),
        ("_row_no", "in", sorted({k[1] for k in some})),
    ]
    rows = _distinct(opened.to_pyarrow_table(filters=places), some)
    given = {f.sha256: (r, f) for r in dataset_receipts(store, contract.id) for f in r.files}
    by_file = {f: {r["_row_no"] for r in rows if r["_file_id"] == f} for f in {r["_file_id"] for r in rows}}
    texts = {
        (sha, number): text
        for sha, numbers in by_file.items()
        for number, text in _texts(
            store, contract.of_file(given[sha][1].name, given[sha][0].corrects), sha, numbers
        )
    }
    for row in rows:
        receipt, file = given[row["_file_id"]]
        yield Origin(
            name,
            _used(row, some),
            {k: printed(row[n]) for k in contract.keys if (n := _stored_name(contract, k, row))},
            receipt.number,
            receipt.delivery,
            file.name,
            file.sha256,
            landing_key(contract.id, file.sha256),
            row["_line_no"],
            f"{row['_byte_start']}-{row['_byte_end']}",
            texts[row["_file_id"], row["_row_no"]],
        )


def _used(row: Mapping[str, Any], some: Mapping[Key, bool]) -> bool:
    place = (row["_file_id"], row["_row_no"])
    return any(used for key, used in some.items() if key[:2] == place)


def _distinct(rows: pa.Table, some: Mapping[Key, bool]) -> list[dict[str, Any]]:
    """One row per record that was asked for, in the order of files and records; a record has several versions
    in time.
    """
    asked = {k[:2] for k in some}
    found = {(r["_file_id"], r["_row_no"]): r for r in rows.to_pylist()}
    return [found[k] for k in sorted(found) if k in asked]


def _stored_name(contract: Contract, column: str, row: Mapping[str, Any]) -> str:
    """The name that a column had when the row was stored; empty where it was not stored."""
    names = (column, *contract.column(column).formerly)
    return next((n for n in names if n in row), "")


def code_rows(root: Path, name: str, some: Mapping[Key, bool]) -> Iterator[Origin]:
    """Rows of a code list with the line of its file."""
    listed = load_codes(root, name.removeprefix(CODES))
    for number, row in enumerate(listed, start=2):
        used = some.get(tuple(v or None for v in row.values()))
        if used is not None:
            text = " | ".join(f"{k}={v}" for k, v in row.items() if v)
            key = {k: v for k, v in list(row.items())[:1]}
            yield Origin(name, used, key, file=f"schemas/{name}.csv", line=number, text=text)


def _texts(
    store: Store, contract: Contract, sha256: str, numbers: Iterable[int]
) -> Iterator[tuple[int, str]]:
    """Records of a landed file as they were delivered, by number."""
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        path = Path(folder) / "file"
        store.download(landing_key(contract.id, sha256), path)
        with open_file(path, contract) as decoder:
            yield from _records(contract, decoder, set(numbers))


def _records(contract: Contract, decoder: Decoder, wanted: set[int]) -> Iterator[tuple[int, str]]:
    """Records field by field under the sender's own names; personal fields, and persons in any other, are
    hidden.
    """
    columns = [contract.column(n) for n in decoder.columns]
    persons = Persons(contract, decoder.columns, Tokens(token_bytes(SHORTEST)))
    for record in decoder:
        if record.number in wanted:
            texts, _ = persons.clean([pa.array([v], pa.string()) for v in record.values])
            values = [t[0].as_py() for t in texts]
            pairs = [(c, v) for c, v in zip(columns, values, strict=True) if v]
            yield record.number, " | ".join(f"{c.header(decoder.layout)}={_shown(c, v)}" for c, v in pairs)
            wanted = wanted - {record.number}
        if not wanted:
            return


def _shown(column: Column, text: str) -> str:
    return "***" if column.type.personal != "none" else _TOKENS.sub("***", text)
