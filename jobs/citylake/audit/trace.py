"""From a released row back to silver rows, delivery, file, line and the original text."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from citylake.audit.keys import find_rows, printed
from citylake.contract.inputs import MARTS
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import Table, landing_key, mart, silver
from citylake.core.secrets import SHORTEST
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.ingest.persons import Persons
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.privacy.tokens import TOKEN, Tokens
from citylake.release.release import latest
from citylake.storage.delta import open_table
from citylake.storage.store import Store

SAMPLES = 5
_TOKENS = re.compile(f"{TOKEN}[0-9A-F]{{32}}")


@dataclass(frozen=True)
class Origin:
    """One silver row behind a mart row, and where it came from."""

    dataset: str
    key: dict[str, str]
    receipt: int
    delivery: str
    file: str
    line: int
    bytes: str
    text: str


def trace(
    settings: Settings, store: Store, contracts: dict[str, Contract], table: str, key: list[str]
) -> dict[str, Any]:
    """The row of a released mart table with that key, and up to five origins per input dataset."""
    contract = next((c for c in contracts.values() if c.kind == "mart" and mart(c.id).title == table), None)
    if contract is None:
        raise LakeError("trace.unknown_table", f"no mart table '{table}'", now="citylake sql 'show views'")
    row = find_rows(contract, _table(settings, store, mart(contract.id)), key).to_pylist()[0]
    found = _behind(settings, store, contracts, contract, row)
    return {
        "table": table,
        "row": _texts(row),
        "origins": [o.__dict__ for o in found],
        "why": "" if found else _why(contract),
    }


def _why(contract: Contract) -> str:
    """Why a row shows no origin."""
    if contract.suppress_below is not None:
        return "withheld / 隐去: the figures count persons, so no record behind them is opened"
    return "its contract declares no records behind this row: it was computed from its inputs as a whole"


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v if v is None or isinstance(v, int) else printed(v) for k, v in row.items()}


def _behind(
    settings: Settings, store: Store, contracts: dict[str, Contract], contract: Contract, row: dict[str, Any]
) -> list[Origin]:
    """The origins of a mart row by the lineage of its contract; a mart behind it is followed to its own
    inputs.
    """
    if contract.suppress_below is not None:
        return []
    rules = [r for r in contract.lineage if all(str(row[c]) == v for c, v in r.get("when", {}).items())]
    return [o for rule in rules for o in _origins(settings, store, contracts, rule, row)]


def _table(settings: Settings, store: Store, table: Table) -> pa.Table:
    """A table at its released version."""
    pin, opened = latest(store).tables.get(table.title), open_table(settings, table)
    if pin is None or opened is None:
        raise LakeError("trace.not_released", f"the last release holds no {table.title}", now="citylake run")
    opened.load_as_version(int(pin["version"]))
    return opened.to_pyarrow_table()


def _rows(
    settings: Settings,
    store: Store,
    table: Table,
    where: dict[str, Any],
    starts: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Rows of a table at its released version whose columns hold a value or start with a text."""
    rows = _table(settings, store, table)
    for column, value in where.items():
        rows = rows.filter(pc.equal(rows[column], pa.scalar(value, rows[column].type)))  # pyright: ignore[reportAttributeAccessIssue]
    for column, value in (starts or {}).items():
        rows = rows.filter(pc.starts_with(_as_text(rows[column]), value))  # pyright: ignore[reportAttributeAccessIssue]
    return rows.to_pylist()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as people read them; moments in Beijing time."""
    if pa.types.is_timestamp(column.type):
        local = pc.cast(column, pa.timestamp("us", "Asia/Shanghai"))
        return pc.strftime(local, "%Y-%m-%d %H:%M:%S")  # pyright: ignore[reportAttributeAccessIssue]
    return pc.cast(column, "string")


def _origins(
    settings: Settings,
    store: Store,
    contracts: dict[str, Contract],
    rule: dict[str, Any],
    row: dict[str, Any],
) -> list[Origin]:
    on = rule.get("on", {})
    where = {theirs: row[ours] for ours, theirs in on.items() if row[ours] is not None}
    if len(where) < len(on):
        return []
    starts = {theirs: str(row[ours]) for ours, theirs in rule.get("starts", {}).items()}
    contract = contracts[rule["table"].removeprefix(MARTS)]
    if contract.kind == "mart":
        rows = _rows(settings, store, mart(contract.id), where, starts)[:SAMPLES]
        return [o for r in rows for o in _behind(settings, store, contracts, contract, r)]
    given = {r.number: r for r in dataset_receipts(store, contract.id)}
    found = [r for r in _rows(settings, store, silver(contract.id), where, starts) if r["_known_to"] is None]
    return [_origin(store, contract, given[r["_receipt"]], r) for r in found[:SAMPLES]]


def _origin(store: Store, contract: Contract, receipt: Receipt, row: dict[str, Any]) -> Origin:
    file = next(f for f in receipt.files if f.sha256 == row["_file_id"])
    key = {k: str(row[k]) for k in contract.keys}
    text = original(store, contract.of_file(file.name, receipt.corrects), row["_file_id"], row["_row_no"])
    return Origin(
        contract.id,
        key,
        receipt.number,
        receipt.delivery,
        file.name,
        row["_line_no"],
        f"{row['_byte_start']}-{row['_byte_end']}",
        text,
    )


def original(store: Store, contract: Contract, sha256: str, number: int) -> str:
    """A record as delivered, field by field; personal fields and anything with the form of an identifier are
    hidden.
    """
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        path = Path(folder) / "file"
        store.download(landing_key(contract.id, sha256), path)
        with open_file(path, contract) as decoder:
            record = next(r for r in decoder if r.number == number)
    hidden = {c.name for c in contract.columns if c.type.personal != "none"}
    texts, _ = Persons(contract, decoder.columns, Tokens(token_bytes(SHORTEST))).clean(
        [pa.array([v], pa.string()) for v in record.values]
    )
    values = (t[0].as_py() for t in texts)
    pairs = [(n, v) for n, v in zip(decoder.columns, values, strict=True) if v not in (None, "")]
    return " | ".join(f"{n}={'***' if n in hidden else _TOKENS.sub('***', v)}" for n, v in pairs)
