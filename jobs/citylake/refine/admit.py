"""Hop 6: a batch that passed its gate goes into quarantine and silver as it was staged."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from citylake.contract.model import Contract
from citylake.core.names import quarantine, silver
from citylake.core.settings import Settings
from citylake.ledger.receipts import Receipt
from citylake.privacy.masking import SAMPLES
from citylake.refine import rows
from citylake.refine.refine import batches, follow_silver, judge
from citylake.refine.staged import Stage
from citylake.storage.columns import QUARANTINE_PLACE
from citylake.storage.delta import APP, holds, open_table


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
    settings, contract, receipt = stage.settings, stage.contract, stage.receipt
    follow_silver(spark, settings, contract)
    staged = stage.operations(spark)
    if not merge:
        _append_silver(staged.drop("_op"), settings, contract, receipt)
        return
    view = f"staged_{contract.id.replace('/', '_')}"
    staged.createOrReplaceTempView(view)
    sql = rows.merge_sql(silver(contract.id).sql(settings.lake), view, contract, staged.drop("_op").columns)
    with _marked(spark, receipt):
        spark.sql(sql).collect()


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


def _append_quarantine(spark: SparkSession, stage: Stage) -> None:
    writer = refused(spark, stage).write.format("delta").mode("append")
    writer.option("txnAppId", APP).option("txnVersion", stage.receipt.number).option(
        "userMetadata", stage.receipt.batch_id
    ).save(quarantine(stage.contract.id).spark_uri(stage.settings.lake))


def refused(spark: SparkSession, stage: Stage) -> DataFrame:
    """The rows of a batch that broke a rule: place, reasons and record, which is the key and, under
    `_delivered`, the texts that came. Rows that share a record number (cells of a wide file, pollutants of a
    packet) are told apart by the key, which stands alone there.
    """
    judged, compiled = stage.judged(spark), stage.compiled
    if judged is None:
        judged = judge(spark, stage.settings, compiled, stage.receipt)
    broken = judged.where(f"NOT ({compiled.clean})")
    shown, told = texts_shown(stage.contract), list[str]()
    if shown:
        came = batches(spark, stage.settings, stage.contract, [stage.receipt.number])
        place = ["_file_id", "_row_no"]
        texts = F.first(F.struct(*shown)).alias("_delivered")
        alone = came.groupBy(*place).agg(texts, F.count(F.lit(1)).alias("_n")).where("_n = 1").drop("_n")
        broken = broken.join(alone, place, "left")
        told = ["_delivered"]
    record = F.to_json(F.struct(*compiled.keys, *told)).alias("record")
    return broken.select(*QUARANTINE_PLACE, F.col("_verdict").alias("reasons"), record)


def texts_shown(contract: Contract) -> list[str]:
    """The delivered texts that quarantine shows beside the key: what is restricted stays in bronze."""
    if contract.unpivot:
        return []
    return [
        c.name
        for c in contract.columns
        if c.delivered
        and c.name not in contract.keys
        and c.type.personal == "none"
        and c.type.classification not in ("restricted", "confidential")
    ]


def refused_rows(spark: SparkSession, stage: Stage, most: int = SAMPLES) -> list[dict[str, Any]]:
    """The first refused rows of each rule of a batch that is not in quarantine, since its gate holds it."""
    rank = F.row_number().over(Window.partitionBy("rule").orderBy("_file_id", "_row_no", "record"))
    first = (
        refused(spark, stage)
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
