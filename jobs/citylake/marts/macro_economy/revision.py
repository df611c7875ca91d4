"""First release against the latest: how far, and how often, a value was changed."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

INPUTS = ("marts/macro_economy/observation",)
_KEY = ("indicator_code", "region_code", "stat_month", "measure")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per indicator, region, month and measure; a release that restates a value is no new vintage."""
    said = inputs["marts/macro_economy/observation"].where(F.col("value").isNotNull())
    order = Window.partitionBy(*_KEY).orderBy("released_at", "source")
    last = F.lag("value").over(order)
    told = said.withColumn("_new", (last.isNull() | (last != F.col("value"))).cast("int"))
    at = F.struct("released_at", "source", "value")
    found = told.groupBy(*_KEY).agg(
        F.first("unit_name").alias("unit_name"),
        F.min(at).alias("_first"),
        F.max(at).alias("_last"),
        F.count(F.lit(1)).alias("releases"),
        F.sum("_new").alias("vintages"),
    )
    first, latest = F.col("_first.value"), F.col("_last.value")
    return found.select(
        *_KEY,
        "unit_name",
        first.alias("first_value"),
        F.col("_first.released_at").alias("first_released_at"),
        latest.alias("latest_value"),
        F.col("_last.released_at").alias("latest_released_at"),
        (latest - first).cast("decimal(20,4)").alias("revision"),
        (F.try_divide(latest - first, F.nullif(F.abs(first), F.lit(0))) * 100)
        .cast("decimal(12,4)")
        .alias("revision_pct"),
        "releases",
        "vintages",
    )
