"""What would become of a file, column by column: cast, taken for no value, emptied, flagged, refused, with
counts and samples. A Spark session of its own judges by the contract's SELECT; no service is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from citylake.appliance.spark_servers import spark_conf
from citylake.compile.rules import Rule
from citylake.compile.select import Compiled, compile_contract
from citylake.compile.tables import silver_columns
from citylake.contract.model import Bilingual, Column, Contract
from citylake.core.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

_SQL = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.variable.substitute")
_QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
_SAMPLES, _LOOKED_AT = 3, 500
_HIDDEN = ("restricted", "confidential")


@dataclass(frozen=True)
class Broken:
    """A rule that rows break: how many, and the first cells as `text → value`."""

    rule: str
    severity: str
    meaning: Bilingual
    rows: int
    samples: tuple[str, ...]


@dataclass(frozen=True)
class ColumnTrial:
    """What becomes of a column's texts; `texts` is None where the contract computes the column."""

    column: str
    type: str
    texts: int | None  # cells that are not blank
    values: int  # that came of them
    emptied: int  # texts that could not be kept as a value, and say why
    no_value: int | None  # texts that stand for no value
    read_as: tuple[str, ...]  # the first texts that became another text
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class Trial:
    """A file's rows after its contract judged them."""

    records: int
    accepted: int
    quarantined: int
    columns: tuple[ColumnTrial, ...]
    rows: tuple[Broken, ...] = field(default=())  # rules of whole records


@contextmanager
def session_of_its_own(settings: Settings) -> Iterator[SparkSession]:
    """A Spark session inside this process, without lake and services, that reads SQL as the lake's server
    does; it ends with the block.
    """
    from pyspark.sql import SparkSession as Builder

    os.environ["SPARK_API_MODE"], os.environ["SPARK_LOCAL_IP"] = "classic", "127.0.0.1"
    # A client of a server leaves this behind, for whatever its process starts as well.
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)
    theirs = spark_conf(settings)
    options = {name: theirs[name] for name in _SQL} | _QUIET
    builder = Builder.builder.master("local[2]").appName("trial")  # pyright: ignore[reportAttributeAccessIssue]
    for name, value in {**options, "spark.sql.shuffle.partitions": "2"}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def try_rows(spark: SparkSession, contract: Contract, bronze: pa.Table, root: Path) -> Trial:
    """Judge rows as bronze would hold them."""
    compiled = compile_contract(contract, root)
    numbered = _numbered(bronze)
    spark.createDataFrame(numbered).createOrReplaceTempView("trial_bronze")  # pyright: ignore[reportArgumentType]
    judged = spark.sql(compiled.select.replace("{bronze}", "trial_bronze"))
    judged.createOrReplaceTempView("trial_judged")
    totals = spark.sql(_totals(compiled)).collect()[0]
    counted = {r["rule"]: (int(r["n"]), list(r["rows"])) for r in spark.sql(_COUNTS).collect()}
    wanted = sorted(
        {n for _, rows in counted.values() for n in rows} | set(range(min(len(bronze), _LOOKED_AT)))
    )
    shown = _Shown(contract, numbered, _values(spark, contract, wanted))
    broken = {r.id: _broken(r, counted, shown, contract) for r in _rules(compiled) if r.id in counted}
    columns = tuple(_column(c, totals, numbered, shown, broken) for c in silver_columns(contract))
    of_columns = {b.rule for c in columns for b in c.broken}
    rows = tuple(b for rule, b in broken.items() if rule not in of_columns)
    refused = int(totals["refused"] or 0)
    return Trial(len(bronze), len(bronze) - refused, refused, columns, rows)


_COUNTS = f"""SELECT rule, count(*) AS n, slice(array_sort(collect_list(_row_no)), 1, {_SAMPLES}) AS rows
FROM (SELECT _row_no, explode(concat(_verdict, _flags)) AS rule FROM trial_judged) GROUP BY rule"""


def _numbered(bronze: pa.Table) -> pa.Table:
    """One number for each row: a record of a wide file has several."""
    at = bronze.schema.get_field_index("_row_no")
    return bronze.set_column(at, "_row_no", pa.array(range(len(bronze)), pa.int64()))


def _totals(compiled: Compiled) -> str:
    """Counts of values, and of texts that could not be kept, for every column. A code for a missing value is
    told by a rule, too, but only for information.
    """
    lost: dict[str, list[str]] = {}
    for rule in _rules(compiled):
        if rule.column and rule.severity != "info" and not rule.id.endswith(".missing"):
            lost.setdefault(rule.column, []).append(f"'{rule.id}'")
    parts = ["sum(if(size(_verdict) > 0, 1, 0)) AS refused"]
    for name in (c.name for c in silver_columns(compiled.contract)):
        told = f"arrays_overlap(concat(_verdict, _flags), array({', '.join(lost.get(name, []))}))"
        emptied = f"sum(if({name} IS NULL AND {told}, 1, 0))" if name in lost else "0"
        parts += [f"count({name}) AS n_{name}", f"{emptied} AS e_{name}"]
    return f"SELECT {', '.join(parts)} FROM trial_judged"


def _values(spark: SparkSession, contract: Contract, wanted: list[int]) -> dict[int, Row]:
    names = ", ".join(f"CAST({c.name} AS STRING) AS {c.name}" for c in silver_columns(contract))
    listed = ", ".join(map(str, wanted)) or "-1"
    found = spark.sql(f"SELECT _row_no, {names} FROM trial_judged WHERE _row_no IN ({listed})")
    return {r["_row_no"]: r for r in found.collect()}


def _rules(compiled: Compiled) -> tuple[Rule, ...]:
    return (*compiled.verdicts, *compiled.flags)


@dataclass(frozen=True)
class _Shown:
    """Texts and values of the rows that are shown; nothing of columns that may speak of persons."""

    contract: Contract
    bronze: pa.Table
    values: dict[int, Row]

    def text(self, column: Column, row: int) -> str:
        """What was delivered for a column, or for those that it is computed from."""
        names = [column.name] if column.delivered else list(column.derived_from)
        held = [n for n in names if n in self.bronze.column_names]
        texts = [str(self.bronze[n][row].as_py() or "") for n in held]
        return " | ".join(texts)

    def cell(self, column: Column, row: int) -> str:
        """`text → value`; `∅` is no value."""
        if column.type.personal != "none" or column.type.classification in _HIDDEN:
            return "***"
        value = self.values[row][column.name] if row in self.values else None
        return f"{self.text(column, row)[:60]} → {'∅' if value is None else value[:60]}"

    def changed(self, column: Column) -> tuple[str, ...]:
        """The first texts that became another text, each form once."""
        if not column.delivered or column.name not in self.bronze.column_names:
            return ()
        rows = (
            n for n, r in self.values.items() if (v := r[column.name]) and _other(self.text(column, n), v)
        )
        return tuple(dict.fromkeys(self.cell(column, n) for n in rows))[:_SAMPLES]


def _other(text: str, value: str) -> bool:
    """Whether a value is another text than the delivered one, decimals that its type adds apart."""
    if "." in value and value.rstrip("0").rstrip(".") in (text, text.rstrip("0").rstrip(".")):
        return False
    return text != value


def _broken(
    rule: Rule, counted: dict[str, tuple[int, list[int]]], shown: _Shown, contract: Contract
) -> Broken:
    n, rows = counted[rule.id]
    column = next((c for c in contract.columns if c.name == rule.column), None)
    cells = tuple(shown.cell(column, r) for r in rows) if column else tuple(f"row {r + 1}" for r in rows)
    return Broken(rule.id, rule.severity, rule.meaning, n, cells)


def _column(
    column: Column, totals: Any, bronze: pa.Table, shown: _Shown, broken: dict[str, Broken]
) -> ColumnTrial:
    mine = tuple(b for rule, b in broken.items() if rule.rpartition(".")[0] == column.name)
    values, emptied = int(totals[f"n_{column.name}"]), int(totals[f"e_{column.name}"] or 0)
    texts = _texts(bronze[column.name]) if column.delivered and column.name in bronze.column_names else None
    left = None if texts is None else max(0, texts - values - emptied)
    return ColumnTrial(
        column.name, column.type.name, texts, values, emptied, left, shown.changed(column), mine
    )


def _texts(cells: pa.ChunkedArray) -> int:
    """Cells that are not blank."""
    held = pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(cells)), 0)  # pyright: ignore[reportAttributeAccessIssue]
    return pc.sum(held).as_py() or 0  # pyright: ignore[reportAttributeAccessIssue]
