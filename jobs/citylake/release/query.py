"""One statement of an analyst. The readers' server decides what runs (infra/door); a statement that is no
query gets an answer that helps before it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError, did_you_mean
from citylake.release.parameters import bound

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REFUSED = "DOOR.REFUSED"
_BEFORE = re.compile(r"\A(\s|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)
_TELLS = {"show", "describe", "desc", "explain"}
_READS = {"select", "with", "from", "values", "table", "("}


@dataclass(frozen=True)
class Answer:
    """The first rows of an answer, and whether there are more."""

    columns: list[str]  # a name that comes again has a number behind it
    rows: list[tuple[Any, ...]]  # structs as dictionaries
    more: bool


def ask(spark: SparkSession, statement: str, most: int, given: Mapping[str, str] | None = None) -> Answer:
    """The answer to a query, or to SHOW, DESCRIBE or EXPLAIN; LakeError `sql.read_only`, `sql.wrong`.

    `given`: values of the parameters that the statement leaves open (`:name`).
    """
    found = ask_table(spark, statement, most + 1, given)
    rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    return Answer(found.column_names, rows[:most], len(rows) > most)


def ask_table(
    spark: SparkSession, statement: str, most: int | None, given: Mapping[str, str] | None = None
) -> pa.Table:
    """The same as an Arrow table; all rows unless `most` says how many."""
    from pyspark import errors

    mistakes = (
        errors.AnalysisException,
        errors.ParseException,
        errors.ArithmeticException,
        errors.NumberFormatException,
        errors.DateTimeException,
        errors.ArrayIndexOutOfBoundsException,
        errors.IllegalArgumentException,
        errors.SparkRuntimeException,
    )
    text = _reading(bound(statement, given or {}))
    try:
        asked = spark.sql(text)
        found = (asked if most is None else asked.limit(most)).toArrow()
    except mistakes as error:
        raise _wrong(str(error)) from None
    except errors.PySparkException as error:
        if REFUSED not in str(error):
            raise
        raise _refused(str(error)) from None
    # Rows that Spark's client makes hold moments in the time zone of this machine, without saying so.
    told = [in_beijing(column) for column in found.columns]
    return pa.table(told, names=_told_apart(found.column_names))


def _refused(told: str) -> LakeError:
    what = re.search(rf"{REFUSED}: (.*)", told)
    return LakeError(
        "sql.refused",
        (what[1] if what else told)[:300],
        now="a query over released views",
    )


def in_beijing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with its moments, if it holds any, in Beijing time."""
    moments = pa.types.is_timestamp(column.type) and column.type.tz
    return column.cast(pa.timestamp(column.type.unit, BEIJING.key)) if moments else column


def _told_apart(names: list[str]) -> list[str]:
    before = [names[:i].count(n) for i, n in enumerate(names)]
    return [f"{n}_{k + 1}" if k else n for n, k in zip(names, before, strict=True)]


def _reading(statement: str) -> str:
    """The statement in a form that can only read: in a subquery Spark's grammar allows no INSERT, which may
    hide behind WITH.
    """
    text = _BEFORE.sub("", statement, count=1).rstrip().rstrip(";")
    word = (re.match(r"\w+|\(", text) or [""])[0].lower()
    if word not in _TELLS | _READS:
        told = (
            f"only queries are answered here, not '{word or text[:20]}'{did_you_mean(word, _TELLS | _READS)}"
        )
        raise LakeError("sql.read_only", told, now="SELECT ..., SHOW VIEWS IN credit, DESCRIBE credit.entity")
    return text if word in _TELLS else f"SELECT * FROM ({text}\n)"


def _wrong(told: str) -> LakeError:
    """Spark's words without the plan, and without places in a text that the analyst did not write."""
    lines = [
        line
        for line in told.splitlines()
        if line.strip() and not line.startswith(("'", "+-", "==", "JVM stacktrace"))
    ]
    return LakeError(
        "sql.wrong",
        re.sub(r"\s*\(line \d+, pos \d+\)|; line \d+ pos \d+;?", "", lines[0])[:300],
        now="citylake sql 'SHOW VIEWS IN credit'",
    )
