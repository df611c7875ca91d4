"""Hop 5: judge a batch of bronze, keep what is new in a stage table, and after its gate admit it to silver.

Nothing touches silver before the gate: `refine` writes the operations of one MERGE beside it, `admit` runs
that MERGE.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F

from citylake.compile.select import Compiled, compile_contract
from citylake.compile.suite import rows_suite
from citylake.compile.tables import bronze_shape, silver_shape
from citylake.contract.model import Contract
from citylake.core.calendar import first_day
from citylake.core.names import Table, bronze, quarantine, silver, stage
from citylake.core.settings import Settings
from citylake.ledger.receipts import Receipt, Replacement
from citylake.privacy.masking import SAMPLES
from citylake.quality.metrics import plan, with_key_counts
from citylake.refine import rows
from citylake.refine.flag_bits import flag_bits
from citylake.storage.columns import QUARANTINE_PLACE
from citylake.storage.delta import APP, holds, open_table
from citylake.storage.evolve import conformed, follow, gathered
from citylake.storage.spark import choose_codegen


@dataclass(frozen=True)
class Refined:
    """What was counted while the stage table was written, and the shape that the counts belong to."""

    counts: dict[str, int]
    observed: dict[str, Any]  # the gate's numbers, by planned metric
    schema: str  # JSON of the accepted rows' StructType
    rules: str  # fingerprint of the rules that judged; their text is kept under `rules_key`


def refine(
    spark: SparkSession,
    settings: Settings,
    compiled: Compiled,
    receipt: Receipt,
    replacing: Replacement | None = None,
) -> Refined:
    """Judge, deduplicate and compare one batch in the one action that writes its stage table."""
    contract = compiled.contract
    choose_codegen(spark, settings, receipt.records)
    _follow(spark, settings, contract)
    judged = judge(spark, settings, compiled, receipt)
    counts, seen, actions, ends = (
        Observation(f"{n} {receipt.label}") for n in ("batch", "gate", "actions", "endings")
    )
    ranked = rows.rank(judged, compiled, tuple(f.sha256 for f in receipt.files)).observe(
        counts, *rows.batch_counts(compiled)
    )
    suite = rows_suite(contract)
    counted = with_key_counts(ranked.where("_disposition = 'accepted'"), suite)
    accepted = counted.observe(seen, *plan(suite, counted))
    current = current_silver(spark, settings, contract)
    names, start = current.columns, _valid_from(contract, receipt)
    later = _named_later(spark, settings, compiled, replacing)
    told = [keys for keys in (later, _ended(spark, settings, contract, receipt)) if keys is not None]
    compared = rows.compare(
        accepted, current, contract, start, reduce(DataFrame.unionByName, told) if told else None
    ).observe(actions, *rows.action_counts(), F.count(F.lit(1)).alias("compared"))
    operations = rows.operations(compared, compiled, names, start)
    if (
        contract.kind == "register"
        and receipt.coverage == "full"
        and start is not None
        and holds(open_table(settings, silver(contract.id)), 1)
    ):
        known_at = F.lit(receipt.known_at).cast("timestamp")
        missing = rows.without_claims(
            rows.missing_keys(current, judged, contract, known_at), judged, compiled
        )
        missing = missing.observe(ends, F.count(F.lit(1)).alias("ended"))
        operations = operations.unionByName(rows.endings(missing, compiled, names, start))
        held = True
    elif replacing is not None:
        brought = current.where(F.col("_receipt").isin(*replacing.taken_back))
        named = (
            judged.select(*contract.keys)
            if later is None
            else judged.select(*contract.keys).unionByName(later)
        )
        missing = rows.missing_keys(brought, named, contract, F.lit(receipt.known_at).cast("timestamp"))
        missing = rows.without_claims(missing, judged, compiled).observe(
            ends, F.count(F.lit(1)).alias("ended")
        )
        operations = operations.unionByName(
            rows.withdrawals(missing, _earlier(spark, settings, contract, replacing), compiled, names)
        )
        held = True
    else:
        held = False
    _write_stage(operations, settings, contract, receipt)
    found = {**counts.get, **actions.get, **(ends.get if held else {"ended": 0})}
    numbers = {k: int(v or 0) for k, v in found.items()}
    return Refined(numbers, dict(seen.get), counted.schema.json(), compiled.fingerprint)


def _follow(spark: SparkSession, settings: Settings, contract: Contract) -> None:
    shape, bits = silver_shape(contract), partial(flag_bits, settings, contract)
    follow(spark, settings, silver(contract.id), shape, bits)


def _named_later(
    spark: SparkSession, settings: Settings, compiled: Compiled, replacing: Replacement | None
) -> DataFrame | None:
    """Keys of the sound records of deliveries that came after a replaced one."""
    if replacing is None or not replacing.later:
        return None
    return (
        _judged(spark, settings, compiled, sorted(replacing.later), "later")
        .where(compiled.clean)
        .select(*compiled.contract.keys)
        .distinct()
    )


def _earlier(
    spark: SparkSession, settings: Settings, contract: Contract, replacing: Replacement
) -> DataFrame:
    """What silver knew, before the replaced delivery, from deliveries that still hold."""
    history = spark.read.format("delta").load(silver(contract.id).spark_uri(settings.lake))
    known = history.where(
        F.col("_known_to").isNotNull()
        & ~F.col("_receipt").isin(*replacing.void)
        & (F.col("_receipt") < min(replacing.taken_back))
    )
    return rows.last_versions(known, contract)


def judge(spark: SparkSession, settings: Settings, compiled: Compiled, receipt: Receipt) -> DataFrame:
    """The rows of one batch of bronze as its contract's SELECT sees them."""
    return _judged(spark, settings, compiled, [receipt.number], "bronze")


def _judged(
    spark: SparkSession, settings: Settings, compiled: Compiled, numbers: list[int], prefix: str
) -> DataFrame:
    view = f"{prefix}_{compiled.contract.id.replace('/', '_')}"
    batches(spark, settings, compiled.contract, numbers).createOrReplaceTempView(view)
    return spark.sql(compiled.select.replace("{bronze}", view))


def batches(spark: SparkSession, settings: Settings, contract: Contract, numbers: list[int]) -> DataFrame:
    """The batches of bronze with these receipts, found by the statistics of `_receipt`; older contracts may
    have named the columns or lacked some.
    """
    frame = spark.read.format("delta").load(bronze(contract.id).spark_uri(settings.lake))
    return gathered(frame.where(F.col("_receipt").isin(*numbers)), bronze_shape(contract))


def current_silver(spark: SparkSession, settings: Settings, contract: Contract) -> DataFrame:
    """What silver holds as true now: one row per key."""
    frame = spark.read.format("delta").load(silver(contract.id).spark_uri(settings.lake))
    open_row = "_known_to IS NULL" + (" AND _valid_to IS NULL" if contract.kind == "register" else "")
    return frame.where(open_row)


def _ended(spark: SparkSession, settings: Settings, contract: Contract, receipt: Receipt) -> DataFrame | None:
    """Keys of versions known now that ended after the period of a part or a correction of a register; full
    deliveries come in order.
    """
    start = _valid_from(contract, receipt)
    if start is None or (receipt.coverage == "full" and receipt.corrects is None):
        return None
    frame = spark.read.format("delta").load(silver(contract.id).spark_uri(settings.lake))
    return frame.where(
        (F.col("_known_to").isNull()) & (F.col("_valid_to") > F.lit(start).cast("date"))
    ).select(*contract.keys)


def _valid_from(contract: Contract, receipt: Receipt) -> str | None:
    """The first day of a register's period."""
    return first_day(receipt.period).isoformat() if contract.kind == "register" else None


def _write_stage(operations: DataFrame, settings: Settings, contract: Contract, receipt: Receipt) -> None:
    writer = operations.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.option("delta.dataSkippingNumIndexedCols", "0")  # it is read once, whole
    writer.option("userMetadata", receipt.batch_id).save(
        stage_table(contract, receipt).spark_uri(settings.lake)
    )


def stage_table(contract: Contract, receipt: Receipt) -> Table:
    """The stage table of one batch."""
    return stage(f"{contract.id}/{receipt.number:08d}")


def admit(
    spark: SparkSession, settings: Settings, compiled: Compiled, receipt: Receipt, counts: dict[str, int]
) -> None:
    """Put a batch that passed its gate into quarantine and silver; each table takes it once, by its commit
    marker.

    `compiled` is the contract as it judged the batch; silver and the stage are brought to today's shape.
    """
    contract = compiled.contract
    if counts["quarantined"] and not admitted(settings, contract, receipt, quarantine_too=True):
        _append_quarantine(spark, settings, compiled, receipt)
    if admitted(settings, contract, receipt) or not counts["change"] + counts["ended"] + counts["insert"]:
        return
    _follow(spark, settings, contract)
    staged = _staged(spark, settings, contract, receipt)
    if counts["change"] + counts["ended"]:
        view = f"staged_{contract.id.replace('/', '_')}"
        staged.createOrReplaceTempView(view)
        columns = staged.drop("_op").columns
        with _marked(spark, receipt):
            spark.sql(
                rows.merge_sql(silver(contract.id).sql(settings.lake), view, contract, columns)
            ).collect()
    else:
        _append_silver(staged.drop("_op"), settings, contract, receipt)


def _staged(spark: SparkSession, settings: Settings, contract: Contract, receipt: Receipt) -> DataFrame:
    """The operations of one batch; an older contract may have staged them."""
    frame = spark.read.format("delta").load(stage_table(contract, receipt).spark_uri(settings.lake))
    return conformed(frame, silver_shape(contract), partial(flag_bits, settings, contract))


def _append_silver(new: DataFrame, settings: Settings, contract: Contract, receipt: Receipt) -> None:
    """A batch of new keys only needs no MERGE."""
    writer = (
        new.write.format("delta").mode("append").option("txnAppId", APP).option("txnVersion", receipt.number)
    )
    writer.option("userMetadata", receipt.batch_id).save(silver(contract.id).spark_uri(settings.lake))


def admitted(
    settings: Settings, contract: Contract, receipt: Receipt, *, quarantine_too: bool = False
) -> bool:
    """Whether silver (or quarantine) holds the marker of this batch or of a later one."""
    table = quarantine(contract.id) if quarantine_too else silver(contract.id)
    return holds(open_table(settings, table), receipt.number)


def _append_quarantine(spark: SparkSession, settings: Settings, compiled: Compiled, receipt: Receipt) -> None:
    writer = (
        _refused(spark, settings, compiled, receipt)
        .write.format("delta")
        .mode("append")
        .option("txnAppId", APP)
        .option("txnVersion", receipt.number)
    )
    writer.option("userMetadata", receipt.batch_id).save(
        quarantine(compiled.contract.id).spark_uri(settings.lake)
    )


def _refused(spark: SparkSession, settings: Settings, compiled: Compiled, receipt: Receipt) -> DataFrame:
    """The rows of a batch that broke a rule: place, reasons and key. A record may fail more than once
    under one
    record number only when it was unpivoted; the key tells its cells apart.
    """
    judged = judge(spark, settings, compiled, receipt).where(f"NOT ({compiled.clean})")
    key = F.to_json(F.struct(*compiled.keys)).alias("record")
    return judged.select(*QUARANTINE_PLACE, F.col("_verdict").alias("reasons"), key)


def refused_rows(
    spark: SparkSession, settings: Settings, contract: Contract, receipt: Receipt, most: int = SAMPLES
) -> list[dict[str, Any]]:
    """The first refused rows of each rule of a batch that is not in quarantine, since its gate holds it."""
    refused = _refused(spark, settings, compile_contract(contract, settings.root), receipt)
    rank = F.row_number().over(Window.partitionBy("rule").orderBy("_file_id", "_row_no", "record"))
    first = (
        refused.withColumn("rule", F.explode("reasons"))
        .withColumn("rank", rank)
        .where(F.col("rank") <= most)
        .drop("rank", "rule")
        .distinct()
    )
    return [row.asDict() for row in first.collect()]


class _marked:
    """Session settings that mark the next DML commit; SQL MERGE takes no writer options."""

    def __init__(self, spark: SparkSession, receipt: Receipt) -> None:
        self._spark = spark
        self._conf = {
            "spark.databricks.delta.write.txnAppId": APP,
            "spark.databricks.delta.write.txnVersion": str(receipt.number),
            "spark.databricks.delta.commitInfo.userMetadata": receipt.batch_id,
        }

    def __enter__(self) -> None:
        for key, value in self._conf.items():
            self._spark.conf.set(key, value)

    def __exit__(self, *error: object) -> None:
        for key in self._conf:
            self._spark.conf.unset(key)
