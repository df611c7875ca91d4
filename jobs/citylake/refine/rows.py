"""Pure steps from judged rows to the operations that bring silver up to date. DataFrame in, DataFrame out; no
I/O.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.compile.rules import Rule
from citylake.compile.select import Compiled
from citylake.compile.tables import content, silver_shape
from citylake.contract.model import Contract

DISPOSITIONS = ("accepted", "duplicate", "superseded", "quarantined")
ASSERT, RETIRE = "assert", "retire"


def rank(judged: DataFrame, compiled: Compiled, file_ids: tuple[str, ...]) -> DataFrame:
    """Give every row its `_disposition`; of the sound rows of one key the last by `orderBy` and position
    wins.

    A loser with the winner's content is a duplicate, with other content superseded. Total order, so the
    result does
    not depend on partitioning.
    """
    contract = compiled.contract
    sound = F.expr(compiled.clean)
    files = F.array(*[F.lit(f) for f in file_ids])
    latest = [F.col(c).desc_nulls_last() for c in contract.order_by]
    order = [
        sound.desc(),
        *latest,
        F.array_position(files, F.col("_file_id")).desc(),
        F.col("_row_no").desc(),
    ]
    window = Window.partitionBy(*contract.keys).orderBy(*order)
    numbered = judged.withColumn("_rank", F.row_number().over(window)).withColumn(
        "_winner", F.first("_row_hash").over(window)
    )
    disposition = (
        F.when(~sound, "quarantined")
        .when(F.col("_rank") == 1, "accepted")
        .when(F.col("_row_hash") == F.col("_winner"), "duplicate")
        .otherwise("superseded")
    )
    return numbered.withColumn("_disposition", disposition).drop("_rank", "_winner")


def batch_counts(compiled: Compiled) -> list[Column]:
    """Aggregates for one `observe`: rows by disposition and rows per rule."""
    counts = [F.count(F.lit(1)).alias("received")]
    counts += [F.count_if(F.col("_disposition") == d).alias(d) for d in DISPOSITIONS]
    counts += [_rule_count("_verdict", r) for r in compiled.verdicts]
    return counts + [_rule_count("_flags", r) for r in compiled.flags]


def _rule_count(broken: str, rule: Rule) -> Column:
    return F.count_if(F.array_contains(broken, rule.id)).alias(f"rule:{rule.id}")


def compare(
    accepted: DataFrame,
    current: DataFrame,
    contract: Contract,
    valid_from: str | None,
    told: DataFrame | None = None,
) -> DataFrame:
    """Set `_action` by the row that silver holds now: insert, change, unchanged or stale (silver knows a
    later one).

    A late part or correction of a register does not touch a version that began after its own period. Keys
    that `told` holds are
    left as they are: their version ended after that period, or a delivery after a replaced one names them.
    """
    held = current.select(
        *[F.col(k).alias(f"_held_{k}") for k in contract.keys],
        F.struct(*current.columns).alias("_held"),
    )
    joined = accepted.join(held, [F.col(k) == F.col(f"_held_{k}") for k in contract.keys], "left")
    joined = _told_already(joined, told, contract)
    action = (
        F.when(F.col("_told"), "stale")
        .when(F.col("_held").isNull(), "insert")
        .when(F.col("_held._sent_at") > F.col("_sent_at"), "stale")
        .when(_begins_later(valid_from), "stale")
        .when(F.col("_held._row_hash") == F.col("_row_hash"), "unchanged")
        .otherwise("change")
    )
    return joined.withColumn("_action", action)


def _told_already(accepted: DataFrame, told: DataFrame | None, contract: Contract) -> DataFrame:
    if told is None:
        return accepted.withColumn("_told", F.lit(False))
    keys = told.select(*contract.keys, F.lit(True).alias("_told")).distinct()
    return accepted.join(keys, list(contract.keys), "left")


def _begins_later(valid_from: str | None) -> Column:
    return F.lit(False) if valid_from is None else F.col("_held._valid_from") > F.lit(valid_from).cast("date")


def action_counts() -> list[Column]:
    """Aggregates for one `observe`: accepted rows by action."""
    names = ("insert", "change", "unchanged", "stale")
    return [F.count_if(F.col("_action") == n).alias(n) for n in names]


def operations(
    compared: DataFrame, compiled: Compiled, columns: list[str], valid_from: str | None
) -> DataFrame:
    """The rows of the MERGE: `assert` brings a version, `retire` closes what silver knew under that key.

    A register's retired version is asserted again with its end of validity, unless it began with the same
    period.
    """
    changed = F.col("_action") == "change"
    brought = {c.name for c in silver_shape(compiled.contract).columns}  # silver has retired ones beside
    values = {c: F.col(c) for c in columns if c in brought and not c.startswith(("_known", "_valid"))}
    new = _version(columns, values, valid_from)
    retire = _version(columns, {k: F.col(k) for k in compiled.contract.keys}, None)
    ops = [
        F.when(F.col("_action").isin("insert", "change"), _op(ASSERT, new)),
        F.when(changed, _op(RETIRE, retire)),
    ]
    if valid_from is not None:
        ended = _ended(columns, valid_from)
        earlier = F.col("_held._valid_from") < F.lit(valid_from).cast("date")
        ops.append(F.when(changed & earlier, _op(ASSERT, ended)))
    return _exploded(compared, ops)


def stored(operations: DataFrame, silver: DataFrame) -> DataFrame:
    """Operations with the types of silver's columns; one that no operation gives has no type of its own."""
    typed = [F.col(f.name).cast(f.dataType).alias(f.name) for f in silver.schema.fields]
    return operations.select("_op", *typed)


def endings(missing: DataFrame, compiled: Compiled, columns: list[str], valid_from: str) -> DataFrame:
    """The rows of the MERGE for keys that a full delivery no longer holds; `missing` has `_held` and
    `_known_at`.
    """
    keys = {k: F.col(f"_held.{k}") for k in compiled.contract.keys}
    earlier = F.col("_held._valid_from") < F.lit(valid_from).cast("date")
    ops = [
        _op(RETIRE, _version(columns, keys, None)),
        F.when(earlier, _op(ASSERT, _ended(columns, valid_from))),
    ]
    return _exploded(missing, ops)


def withdrawals(missing: DataFrame, earlier: DataFrame, compiled: Compiled, columns: list[str]) -> DataFrame:
    """The rows of the MERGE for keys of a replaced delivery that its replacement no longer holds; `missing`
    as for `endings`.

    What silver knew of such a key from a delivery that still holds (`earlier`: keys and `_earlier`) is known
    again.
    """
    keys = compiled.contract.keys
    retire = _version(columns, {k: F.col(f"_held.{k}") for k in keys}, None)
    restored = _version(
        columns, {c: F.col(f"_earlier.{c}") for c in columns if not c.startswith("_known")}, None
    )
    joined = missing.join(earlier, list(keys), "left")
    return _exploded(
        joined, [_op(RETIRE, retire), F.when(F.col("_earlier").isNotNull(), _op(ASSERT, restored))]
    )


def last_versions(history: DataFrame, contract: Contract) -> DataFrame:
    """Of every key the version that was known last, as `_earlier`."""
    return history.groupBy(*contract.keys).agg(
        F.max_by(F.struct(*history.columns), F.col("_known_from")).alias("_earlier")
    )


def _ended(columns: list[str], valid_from: str) -> Column:
    values = {c: F.col(f"_held.{c}") for c in columns if not c.startswith("_known")}
    return _version(columns, {**values, "_valid_to": F.lit(valid_from).cast("date")}, None)


def _version(columns: list[str], values: dict[str, Column], valid_from: str | None) -> Column:
    """One silver row as a struct; what is not given is NULL, `_known_from` is the batch's moment."""
    start = {"_valid_from": F.lit(valid_from).cast("date")} if valid_from is not None else {}
    known = {"_known_from": F.col("_known_at")}
    given = {**known, **start, **values}
    return F.struct(*[given.get(c, F.lit(None)).alias(c) for c in columns])


def _op(name: str, row: Column) -> Column:
    return F.struct(F.lit(name).alias("_op"), row.alias("row"))


def _exploded(frame: DataFrame, ops: list[Column]) -> DataFrame:
    one = frame.select(F.explode(F.array_compact(F.array(*ops))).alias("o"))
    return one.select("o._op", "o.row.*")


def missing_keys(current: DataFrame, delivered: DataFrame, contract: Contract, known_at: Column) -> DataFrame:
    """Rows that silver holds and a full delivery does not name, not even in a refused record."""
    held = current.select(*contract.keys, F.struct(*current.columns).alias("_held"))
    named = delivered.select(*contract.keys).dropna()
    return held.join(named, list(contract.keys), "left_anti").withColumn("_known_at", known_at)


def without_claims(missing: DataFrame, judged: DataFrame, compiled: Compiled) -> DataFrame:
    """The missing rows but for those whose other values a refused record of the delivery holds: it may be
    theirs, with a damaged key.
    """
    claims = judged.where(f"NOT ({compiled.clean})").select(
        F.expr(content(compiled.contract)).alias("_claimed")
    )
    held = missing.withColumn("_content", F.expr(content(compiled.contract, "_held.")))
    # With a plain = the optimiser pushes "the hash is not NULL" through every step of the contract's SELECT,
    # which takes it 40 seconds.
    return held.join(claims, F.col("_content").eqNullSafe(F.col("_claimed")), "left_anti").drop("_content")


def merge_sql(target: str, source: str, contract: Contract, columns: list[str]) -> str:
    """The one MERGE that admits a batch: retire by key, assert as new rows of these columns."""
    keys = contract.keys
    open_row = "t._known_to IS NULL" + (" AND t._valid_to IS NULL" if contract.kind == "register" else "")
    match = " AND ".join(f"t.{k} = s._m_{k}" for k in keys)
    marks = ", ".join(f"CASE WHEN _op = '{RETIRE}' THEN {k} END AS _m_{k}" for k in keys)
    values = ", ".join(f"s.{c}" for c in columns)
    return f"""MERGE INTO {target} t USING (SELECT *, {marks} FROM {source}) s
ON {match} AND {open_row}
WHEN MATCHED THEN UPDATE SET t._known_to = s._known_from
WHEN NOT MATCHED AND s._op = '{ASSERT}' THEN INSERT ({", ".join(columns)}) VALUES ({values})"""
