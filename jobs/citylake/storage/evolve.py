"""Tables follow their contracts: what a changed contract means for a table that older contracts wrote.

A column may be added, renamed (it tells its former names), widened and retired. Another key or kind, or a
narrower type, is refused: history under the old meaning would be read under the new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citylake.core.errors import LakeError
from citylake.core.names import Table
from citylake.core.settings import Settings
from citylake.storage.columns import FLAGS, ROW_HASH
from citylake.storage.comments import comment_columns, comments_of, sql_text
from citylake.storage.delta import open_table
from citylake.storage.flag_words import FlagBits, flag_words, flags_of_bits
from citylake.storage.writing import create

if TYPE_CHECKING:
    from deltalake import DeltaTable, Schema
    from pyspark.sql import DataFrame, SparkSession

IDENTITY, HASHED = "citylake.identity", "citylake.hashed"
STATISTICS = "delta.dataSkippingStatsColumns"  # the columns by which files can be skipped, with commas
_WHOLE = ("byte", "short", "integer", "long")
_DIGITS = {"byte": 3, "short": 5, "integer": 10, "long": 19}
_NAMES = {
    "bigint": "long",
    "int": "integer",
    "smallint": "short",
    "tinyint": "byte",
    "array<string>": "array",
}


@dataclass(frozen=True)
class ColumnShape:
    """A column as its contract wants it."""

    name: str
    type: str  # Spark SQL
    formerly: tuple[str, ...] = ()  # the names that it had, oldest first
    comment: str = ""


@dataclass(frozen=True)
class TableShape:
    """A table as its contract wants it."""

    columns: tuple[ColumnShape, ...]
    identity: str  # kind and key, by the oldest names of the key's columns
    hashed: tuple[str, ...] = ()  # what goes into the hash of a row, by oldest name and type
    row_hash: str = ""  # SQL of that hash over the columns
    properties: tuple[tuple[str, str], ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class Evolution:
    """What brings a table to its shape: columns to add, or the whole table written anew."""

    add: tuple[ColumnShape, ...] = ()
    rewrite: bool = False


def follow(
    spark: SparkSession,
    settings: Settings,
    table: Table,
    shape: TableShape,
    flag_bits: Callable[[], FlagBits] = dict,
) -> None:
    """Create a table or bring it to its shape; nothing is written when it has that shape.

    `flag_bits` is asked only when the table was written by code that kept flags as bits.

    Errors: LakeError `contract.identity_changed`, `contract.column_narrowed`; nothing is written then.
    """
    opened, address = open_table(settings, table), table.sql(settings.lake)
    if opened is None:
        create(settings, table, delta_schema(shape.columns), dict(stated(shape)), shape.comment)
        return
    said, present = opened.metadata().configuration, types_of(opened.schema().to_json())
    todo = evolution(table.title, present, said, shape)
    if todo.rewrite:
        keep_statistics(spark, opened, address, dict(shape.properties).get(STATISTICS, ""))
        _rewrite(spark, settings, table, shape, flag_bits)
    elif todo.add:
        added = ", ".join(f"{c.name} {c.type}" for c in todo.add)
        spark.sql(f"ALTER TABLE {address} ADD COLUMNS ({added})")
    if todo.rewrite or any(said.get(name) != value for name, value in stated(shape)):
        spark.sql(f"ALTER TABLE {address} SET TBLPROPERTIES ({_properties(shape)})")
    wanted = {c.name: c.comment for c in shape.columns}
    comment_columns(spark, address, {} if todo.rewrite else comments_of(opened.schema().to_json()), wanted)
    if (opened.metadata().description or "") != shape.comment:
        spark.sql(f"COMMENT ON TABLE {address} IS {sql_text(shape.comment)}")


def delta_schema(columns: Iterable[ColumnShape]) -> Schema:
    """The columns of a table as Delta's log tells them."""
    from deltalake import Schema

    fields = [
        {"name": c.name, "type": _stored(c.type), "nullable": True, "metadata": {"comment": c.comment}}
        for c in columns
    ]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


def _stored(spark_type: str) -> str | dict[str, Any]:
    """A type as Delta's log writes it."""
    name = delta_type(spark_type)
    return {"type": name, "elementType": "string", "containsNull": True} if name == "array" else name


def evolution(
    title: str, present: Mapping[str, str], properties: Mapping[str, str | None], shape: TableShape
) -> Evolution:
    """What a table with these columns (name -> Delta type) and properties needs."""
    identity = properties.get(IDENTITY)
    if identity is not None and identity != shape.identity:
        raise LakeError(
            "contract.identity_changed",
            f"{title} was written for {identity}, its contract now says {shape.identity}:"
            " its history cannot be read under another key or kind",
            now="keep the key, or describe the data as a new dataset under a new name and deliver it there",
        )
    moved = [c for c in shape.columns if _renamed(c, present)]
    retyped = [c for c in shape.columns if c.name in present and present[c.name] != delta_type(c.type)]
    for column in (*moved, *retyped):
        _check_widening(title, column, present[_source(column, present) or ""])
    added = tuple(c for c in shape.columns if _source(c, present) is None)
    return Evolution(added, bool(moved or retyped) or _hash_differs(present, properties, shape))


def _hash_differs(
    present: Mapping[str, str], properties: Mapping[str, str | None], shape: TableShape
) -> bool:
    """Whether stored hashes say other than today's would: a new column without a value adds nothing."""
    if not shape.row_hash:
        return False
    before = set(json.loads(properties.get(HASHED) or "[]"))
    gone, come = before - set(shape.hashed), set(shape.hashed) - before
    known = {c.formerly[0] if c.formerly else c.name for c in shape.columns if _source(c, present)}
    return bool(gone) or any(term.split(" ")[0] in known for term in come)


def _check_widening(title: str, column: ColumnShape, old: str) -> None:
    new = delta_type(column.type)
    if old == new or new == "string" or (column.name == FLAGS and old == "long") or _wider(old, new):
        return
    raise LakeError(
        "contract.column_narrowed",
        f"{title}: column {column.name} holds {old}, its contract now says {new}, which not every value fits",
        now="keep the type or widen it; a column of another meaning needs a name of its own",
    )


def _wider(old: str, new: str) -> bool:
    if old in _WHOLE and new in _WHOLE:
        return _WHOLE.index(old) <= _WHOLE.index(new)
    if not new.startswith("decimal"):
        return (old, new) == ("float", "double")
    whole, places = _decimal(new)
    if old in _DIGITS:
        return whole >= _DIGITS[old]
    return old.startswith("decimal") and whole >= _decimal(old)[0] and places >= _decimal(old)[1]


def _decimal(text: str) -> tuple[int, int]:
    """Digits before and after the point."""
    precision, scale = (int(n) for n in re.findall(r"\d+", text))
    return precision - scale, scale


def delta_type(spark_type: str) -> str:
    """The Delta name of a Spark SQL type."""
    plain = spark_type.replace(" ", "").lower()
    return _NAMES.get(plain, plain)


def types_of(schema: str) -> dict[str, str]:
    """Column -> Delta type of a table's schema as JSON; of an array only that it is one."""
    fields: list[dict[str, Any]] = json.loads(schema)["fields"]
    return {f["name"]: f["type"] if isinstance(f["type"], str) else f["type"]["type"] for f in fields}


def conformed(frame: DataFrame, shape: TableShape, flag_bits: Callable[[], FlagBits] = dict) -> DataFrame:
    """Rows that an older contract or an older lake wrote, as today's contract names, types and hashes them.

    A column that the rows lack is NULL; what the contract retired stays, behind the contract's columns.
    """
    present = types_of(frame.schema.json())
    if all(present.get(c.name) in (delta_type(c.type), "void") for c in shape.columns):
        return frame
    words = flag_words(present)
    taken = {_source(c, present) for c in shape.columns}
    retired = [n for n in present if n not in taken and n not in words]
    bits = flag_bits() if present.get(FLAGS) == "long" else {}
    wanted = [f"{_conformed(c, present, words, bits)} AS {c.name}" for c in shape.columns]
    conform = frame.selectExpr(*wanted, *retired)
    return _rehashed(conform, shape) if shape.row_hash else conform


def gathered(frame: DataFrame, columns: tuple[ColumnShape, ...]) -> DataFrame:
    """Rows that contracts of several versions wrote side by side, each under its own names, under today's.

    A column that no version wrote is NULL. Former names stay too.
    """
    present = set(frame.columns)
    found = {c.name: [n for n in (c.name, *reversed(c.formerly)) if n in present] for c in columns}
    sources = {c.name: found[c.name] or ["NULL"] for c in columns if found[c.name] != [c.name]}
    kept = [n for n in frame.columns if n not in sources]
    types = {c.name: c.type for c in columns}
    made = [f"CAST(coalesce({', '.join(s)}) AS {types[n]}) AS {n}" for n, s in sources.items()]
    return frame.selectExpr(*kept, *made) if made else frame


def _rehashed(frame: DataFrame, shape: TableShape) -> DataFrame:
    return frame.selectExpr(*[f"{shape.row_hash} AS {n}" if n == ROW_HASH else n for n in frame.columns])


def _conformed(column: ColumnShape, present: Mapping[str, str], words: list[str], bits: FlagBits) -> str:
    source = _source(column, present)
    if column.name == FLAGS and present.get(FLAGS) == "long":
        return flags_of_bits(words, bits)
    return f"CAST({source or 'NULL'} AS {column.type})"


def _source(column: ColumnShape, present: Mapping[str, str]) -> str | None:
    """The column of the table that holds a contract's column now."""
    return column.name if column.name in present else _former(column, present)


def _renamed(column: ColumnShape, present: Mapping[str, str]) -> str | None:
    """The name under which a table holds a column that its contract names otherwise now."""
    return None if column.name in present else _former(column, present)


def _former(column: ColumnShape, present: Mapping[str, str]) -> str | None:
    return next((n for n in reversed(column.formerly) if n in present), None)


def keep_statistics(spark: SparkSession, opened: DeltaTable, address: str, wanted: str) -> None:
    """Before a table is overwritten: let its statistics be of those wanted columns that it holds by that
    name. Delta refuses a table whose statistics are of a column that it lacks, and a name may go or come.
    """
    present = types_of(opened.schema().to_json())
    able = ",".join(n for n in wanted.split(",") if n in present)
    if opened.metadata().configuration.get(STATISTICS, "") != able:
        change = (
            f"SET TBLPROPERTIES ('{STATISTICS}' = '{able}')"
            if able
            else f"UNSET TBLPROPERTIES ('{STATISTICS}')"
        )
        spark.sql(f"ALTER TABLE {address} {change}")


def _rewrite(
    spark: SparkSession,
    settings: Settings,
    table: Table,
    shape: TableShape,
    flag_bits: Callable[[], FlagBits],
) -> None:
    """Write the whole table in its shape, in one commit; the versions before it stay as they are."""
    address = table.spark_uri(settings.lake)
    rows = conformed(spark.read.format("delta").load(address), shape, flag_bits)
    rows = _rehashed(rows, shape) if shape.row_hash else rows
    writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.option("userMetadata", f"evolved to {shape.identity}").save(address)


def stated(shape: TableShape) -> tuple[tuple[str, str], ...]:
    """The properties that a table of this shape has, by which later shapes are compared with it."""
    own = ((IDENTITY, shape.identity), (HASHED, json.dumps(sorted(shape.hashed), ensure_ascii=False)))
    return (*shape.properties, *own)


def _properties(shape: TableShape) -> str:
    return ", ".join(f"'{name}' = '{value}'" for name, value in stated(shape))
