"""Step 6: a batch that passed its gate goes into quarantine and silver as it was staged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from citylake.contract.model import Contract
from citylake.core.names import Table, quarantine, silver
from citylake.core.settings import Settings
from citylake.ledger.receipts import Receipt
from citylake.privacy.masking import SAMPLES
from citylake.refine import rows
from citylake.refine.judging import judge, refused
from citylake.refine.refine import follow_silver
from citylake.refine.staged import Stage
from citylake.storage import writing
from citylake.storage.delta import APP, holds, open_table

if TYPE_CHECKING:
    from deltalake import DeltaTable


def admit(spark: SparkSession, stage: Stage, counts: dict[str, int]) -> None:
    """Put a batch that passed its gate into silver and quarantine; each table takes it once, by its commit
    marker. Silver comes first: a batch that it cannot take leaves nothing behind.

    Silver and the stage are brought to the shape of today's contract.
    """
    settings, contract, receipt = stage.settings, stage.contract, stage.receipt
    if counts["change"] + counts["ended"] + counts["insert"] and not admitted(settings, contract, receipt):
        _into_silver(spark, stage, merge=bool(counts["change"] + counts["ended"]))
    if counts["quarantined"] and not admitted(settings, contract, receipt, quarantine_too=True):
        _append_quarantine(spark, stage)


def _into_silver(spark: SparkSession, stage: Stage, *, merge: bool) -> None:
    """A merge is Spark's: what delta-rs merges has texts as views, which pyarrow cannot filter by."""
    settings, contract = stage.settings, stage.contract
    follow_silver(spark, settings, contract)
    opened, staged = open_table(settings, silver(contract.id)), stage.rows("operations")
    if merge or opened is None or staged is None or not _fits(opened, staged):
        _by_spark(spark, stage, merge=merge)
    else:
        writing.append(opened, staged.drop_columns("_op"), _mark(stage))


def _fits(opened: DeltaTable, staged: pa.Table) -> bool:
    """Whether a batch goes into silver without Spark: it was staged in silver's shape."""
    held = pa.schema(opened.schema())
    rows = writing.storable(staged.drop_columns("_op")).schema
    same = dict(zip(held.names, held.types, strict=True)) == dict(zip(rows.names, rows.types, strict=True))
    return same and writing.writable(opened)


def _mark(stage: Stage) -> writing.Mark:
    return writing.Mark({"userMetadata": stage.receipt.batch_id}, stage.receipt.number)


def _by_spark(spark: SparkSession, stage: Stage, *, merge: bool) -> None:
    settings, contract, receipt = stage.settings, stage.contract, stage.receipt
    staged = stage.operations(spark)
    if not merge:
        _append(staged.drop("_op"), stage, silver(contract.id))
        return
    view = f"staged_{contract.id.replace('/', '_')}"
    staged.createOrReplaceTempView(view)
    sql = rows.merge_sql(silver(contract.id).sql(settings.lake), view, contract, staged.drop("_op").columns)
    with _marked(spark, receipt):
        spark.sql(sql).collect()


def _append(new: DataFrame, stage: Stage, table: Table) -> None:
    writer = new.write.format("delta").mode("append").option("userMetadata", stage.receipt.batch_id)
    writer.option("txnAppId", APP).option("txnVersion", stage.receipt.number).save(
        table.spark_uri(stage.settings.lake)
    )


def admitted(
    settings: Settings, contract: Contract, receipt: Receipt, *, quarantine_too: bool = False
) -> bool:
    """Whether silver (or quarantine) holds the marker of this batch or of a later one."""
    table = quarantine(contract.id) if quarantine_too else silver(contract.id)
    return holds(open_table(settings, table), receipt.number)


def _append_quarantine(spark: SparkSession, stage: Stage) -> None:
    table, broken = quarantine(stage.contract.id), stage.rows("refused")
    opened = (
        None if broken is None else writing.create(stage.settings, table, writing.storable(broken).schema)
    )
    if broken is None or opened is None or not writing.writable(opened):
        _append(_refused(spark, stage), stage, table)
    else:
        writing.append(opened, broken, _mark(stage))


def _refused(spark: SparkSession, stage: Stage) -> DataFrame:
    rows, numbers = stage.judged(spark), [stage.receipt.number]
    judged = judge(spark, stage.settings, stage.compiled, numbers) if rows is None else rows
    return refused(spark, stage.settings, stage.compiled, judged, numbers)


def refused_rows(spark: SparkSession, stage: Stage, most: int = SAMPLES) -> list[dict[str, Any]]:
    """The first refused rows of each rule of a batch that is not in quarantine, since its gate holds it."""
    rank = F.row_number().over(Window.partitionBy("rule").orderBy("_file_id", "_row_no", "record"))
    first = (
        _refused(spark, stage)
        .withColumn("rule", F.explode("reasons"))
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
