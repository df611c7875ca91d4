"""The rows of batches as their contract's SELECT sees them, and those that broke a rule.

Small batches that wait together are judged in one pass: to plan the SELECT of a contract costs more than to
judge a few thousand rows. What each of them became lies in a stage of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from citylake.compile.select import Compiled
from citylake.compile.tables import bronze_shape
from citylake.contract.model import Contract
from citylake.core.names import bronze
from citylake.core.settings import Settings
from citylake.ledger.evidence import events, find
from citylake.ledger.receipts import Receipt
from citylake.refine.staged import Stage, new_stage
from citylake.storage import reading
from citylake.storage.columns import QUARANTINE_PLACE, RECEIPT
from citylake.storage.evolve import gathered
from citylake.storage.spark import plan_for
from citylake.storage.store import Store


@dataclass(frozen=True)
class Judged:
    """A judged batch, read back from its new stage."""

    stage: Stage
    rows: DataFrame
    size: int  # about how many rows; they may share a pass

    @property
    def receipt(self) -> Receipt:
        """The receipt of the batch."""
        return self.stage.receipt


def judge_batches(
    spark: SparkSession, settings: Settings, store: Store, compiled: Compiled, receipts: Sequence[Receipt]
) -> Iterator[Judged]:
    """Judge batches of one dataset, as many at once as are few rows together."""
    sizes, most = _sizes(store, compiled.contract, receipts), settings.codegen_from_records
    for together in groups(receipts, sizes, most):
        size = sum(sizes[r.number] for r in together)
        plan_for(spark, settings, size)
        stages = [new_stage(settings, store, compiled, r, few=size < most) for r in together]
        rows = judge(spark, settings, compiled, [r.number for r in together])
        if size < most:
            yield from _through_memory(stages, rows, size)
        else:
            yield Judged(stages[0], stages[0].write("judged", rows), size)


def _sizes(store: Store, contract: Contract, receipts: Sequence[Receipt]) -> dict[int, int]:
    """How many rows of bronze each batch is, by its receipt; a record may hold several."""
    known = events(store, contract.id)
    decoded = {r.number: find(known, "decoded", r.number) for r in receipts}
    return {r.number: d.facts["rows"] if (d := decoded[r.number]) else r.records for r in receipts}


def groups(receipts: Sequence[Receipt], sizes: Mapping[int, int], most: int) -> Iterator[list[Receipt]]:
    """Receipts in their order, in groups of fewer rows than `most`; one that has more stands alone."""
    group: list[Receipt] = []
    for receipt in receipts:
        if group and sum(sizes[r.number] for r in (*group, receipt)) >= most:
            yield group
            group = []
        group.append(receipt)
    if group:
        yield group


def _through_memory(stages: list[Stage], rows: DataFrame, size: int) -> Iterator[Judged]:
    found = rows.toArrow()
    spark, compiled, settings = rows.sparkSession, stages[0].compiled, stages[0].settings
    parts = [s.keep("judged", spark, _of(found, s.receipt)) for s in stages]
    if pc.any(pc.greater(pc.list_value_length(found["_verdict"]), 0)).as_py():  # pyright: ignore[reportAttributeAccessIssue]
        numbers = [s.receipt.number for s in stages]
        paths = [s.address("judged") for s in stages]
        again = spark.read.schema(parts[0].schema).parquet(*paths)
        broken = refused(spark, settings, compiled, again, numbers).toArrow()
        for stage in stages:
            stage.keep("refused", spark, _of(broken, stage.receipt))
    yield from (Judged(s, p, size) for s, p in zip(stages, parts, strict=True))


def _of(rows: pa.Table, receipt: Receipt) -> pa.Table:
    return rows.filter(pc.field(RECEIPT) == receipt.number)


def judge(spark: SparkSession, settings: Settings, compiled: Compiled, numbers: Sequence[int]) -> DataFrame:
    """The rows of the batches of bronze with these receipts."""
    view = f"bronze_{compiled.contract.id.replace('/', '_')}_{'_'.join(map(str, sorted(numbers)))}"
    batches(spark, settings, compiled.contract, numbers).createOrReplaceTempView(view)
    return spark.sql(compiled.select.replace("{bronze}", view))


def batches(spark: SparkSession, settings: Settings, contract: Contract, numbers: Sequence[int]) -> DataFrame:
    """The batches of bronze with these receipts, found by the statistics of `_receipt`; older contracts may
    have named the columns or lacked some.
    """
    where = f"{RECEIPT} IN ({', '.join(map(str, sorted(numbers)))})"
    return gathered(reading.frame(spark, settings, bronze(contract.id), where=where), bronze_shape(contract))


def refused(
    spark: SparkSession, settings: Settings, compiled: Compiled, judged: DataFrame, numbers: Sequence[int]
) -> DataFrame:
    """The rows of batches that broke a rule: place, reasons and record, which is the key and, under
    `_delivered`, the texts that came. Rows that share a record number (cells of a wide file, pollutants of a
    packet) are told apart by the key, which stands alone there.
    """
    broken = judged.where(f"NOT ({compiled.clean})")
    shown, told = texts_shown(compiled.contract), list[str]()
    if shown:
        came = batches(spark, settings, compiled.contract, numbers)
        place = [RECEIPT, "_file_id", "_row_no"]
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
