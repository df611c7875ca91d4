"""Until which day silence means that nothing changed: a delivery that is missing ends it."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from citylake.ledger.batches import ADMITTED


def with_told_until(rows: DataFrame, deliveries: DataFrame, dataset: str) -> DataFrame:
    """`rows` of a dataset (with `_receipt`) with `told_until`: the last day of the periods that follow, day
    on day, on that of the delivery that told the row, as far as they are in.

    What a held, waiting or missing delivery would have told of the row nobody knows: the day before it is
    the last one. `deliveries` is the input `ledger/deliveries`.
    """
    admitted = deliveries.where((F.col("dataset") == dataset) & (F.col("state") == ADMITTED))
    order = Window.orderBy("period_from", "receipt")
    reached = F.max("period_to").over(order.rowsBetween(Window.unboundedPreceding, -1))
    follows = F.col("period_from") <= F.date_add(reached, 1)
    runs = admitted.withColumn("_begins", F.when(follows, 0).otherwise(1)).withColumn(
        "_run", F.sum("_begins").over(order)
    )
    until = F.max("period_to").over(Window.partitionBy("_run")).alias("told_until")
    told = runs.select(F.col("receipt").alias("_receipt"), until)
    return rows.join(F.broadcast(told), "_receipt", "left")
