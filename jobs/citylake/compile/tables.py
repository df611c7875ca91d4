"""The shapes of the tables that a contract describes, and the hash of what a row says. No Spark import."""

from __future__ import annotations

from citylake.compile.bronze import MASKED, RESIDENT_FACTS, bronze_columns
from citylake.contract.catalogue import column_comment, table_comment
from citylake.contract.model import Column, Contract
from citylake.storage.columns import COMMENTS, silver_system_columns
from citylake.storage.delta import KEPT_FOR_GOOD
from citylake.storage.evolve import STATISTICS, ColumnShape, TableShape

_SILVER = {"delta.enableChangeDataFeed": "false", "delta.enableDeletionVectors": "false"}


def silver_columns(contract: Contract) -> tuple[Column, ...]:
    """The columns that leave bronze."""
    return tuple(c for c in contract.columns if not c.bronze_only)


def row_hash(columns: tuple[Column, ...], row: str = "") -> str:
    """SQL: SHA-256 of what the typed columns say; `row` is the prefix of their names.

    Every value stands beside its column's oldest name, and a NULL says nothing: neither a new column without
    values, nor a new name, nor another order of columns is another hash.
    """
    parts = ", ".join(_said(c, row) for c in sorted(columns, key=lambda c: c.origin))
    return f"sha2(concat_ws('\\u001f', {parts}), 256)"


def _said(column: Column, row: str) -> str:
    text = f"CAST({row}{column.name} AS STRING)"
    return f"concat('{column.origin}=', length({text}), ':', {text})"


def content(contract: Contract, row: str = "") -> str:
    """SQL: a hash of what a typed row says beside its key; `row` is the prefix of its columns."""
    return row_hash(tuple(c for c in silver_columns(contract) if c.name not in contract.keys), row)


def silver_shape(contract: Contract) -> TableShape:
    """The silver table of a contract."""
    own = silver_columns(contract)
    system = [
        ColumnShape(n, t, comment=COMMENTS[n]) for n, t in silver_system_columns(contract.kind == "register")
    ]
    keys = " ".join(contract.column(k).origin for k in contract.keys)
    statistic = {STATISTICS: statistics(contract)}
    return TableShape(
        columns=(
            *(ColumnShape(c.name, c.type.physical, c.formerly, column_comment(contract, c)) for c in own),
            *system,
        ),
        identity=f"{contract.kind} by {keys}",
        hashed=tuple(f"{c.origin} {c.type.physical}" for c in own),
        row_hash=row_hash(own),
        comment=table_comment(contract),
        properties=tuple({**_SILVER, **KEPT_FOR_GOOD, **statistic}.items()),
    )


def silver_ddl(contract: Contract) -> str:
    """The column list of the silver table."""
    return ", ".join(f"{c.name} {c.type}" for c in silver_shape(contract).columns)


def bronze_shape(contract: Contract) -> tuple[ColumnShape, ...]:
    """The columns of bronze that a contract's SELECT reads, with the names that older contracts gave them."""
    former = {c.name: c.formerly for c in contract.columns if c.formerly}
    former |= {
        f"{name}_{fact}": tuple(f"{n}_{fact}" for n in names)
        for name, names in list(former.items())
        for fact in RESIDENT_FACTS
    }
    return tuple(ColumnShape(n, "STRING", former.get(n, ())) for n in (MASKED, *bronze_columns(contract)))


def statistics(contract: Contract) -> str:
    """The columns by which files of a readable table can be skipped, with commas: keys, days and moments.

    Delta would take the first 32 columns: those of a wide dataset are texts that nobody searches in order,
    and its moments come after them.
    """
    mart = contract.kind == "mart"
    own = contract.columns if mart else silver_columns(contract)
    ordered = [c.name for c in own if c.name in contract.keys or c.type.physical in ("DATE", "TIMESTAMP")]
    valid = ["_valid_from", "_valid_to"] if contract.kind == "register" else []
    return ",".join(ordered if mart else [*ordered, "_receipt", *valid, "_known_from", "_known_to"])
