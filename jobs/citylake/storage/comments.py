"""Comments of tables and their columns, as Delta keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def sql_text(text: str) -> str:
    """A SQL literal on one line without a semicolon, at which some clients part statements."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace(";", "\\u003b")
    return "'" + " ".join(escaped.split()) + "'"


def comments_of(schema: str) -> dict[str, str]:
    """Column -> comment of a table's schema as JSON."""
    fields: list[dict[str, Any]] = json.loads(schema)["fields"]
    return {f["name"]: (f.get("metadata") or {}).get("comment", "") for f in fields}


def comment_columns(
    spark: SparkSession, address: str, said: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    """Bring the comments of a table's columns to what is wanted, in one statement; none when they are so."""
    other = [f"{n} COMMENT {sql_text(c)}" for n, c in wanted.items() if said.get(n, "") != c]
    if other:
        spark.sql(f"ALTER TABLE {address} ALTER COLUMN {', '.join(other)}")
