"""Days of the city: the mean of its stations, graded as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_sure
from citylake.marts.environment.aqi import MEANS, graded, rounded, summary, with_level

INPUTS = ("marts/environment/station_day", "codes/air_items", "codes/aqi_breakpoints", "codes/aqi_classes")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per day: per item the mean of the stations that have a valid one, rounded, then the indices and
    the AQI of these means.
    """
    decimals = F.broadcast(
        inputs["codes/air_items"]
        .where("averaging = '1h'")
        .select(F.col("code").alias("item_code"), "decimals")
    )
    stations = item_means(inputs["marts/environment/station_day"], "station_code").join(decimals, "item_code")
    means = stations.groupBy("day", "item_code", "averaging", "decimals").agg(F.avg("mean").alias("_mean"))
    means = means.withColumn("mean", rounded(F.col("_mean"), F.col("decimals")))
    reporting = (
        inputs["marts/environment/station_day"]
        .groupBy("day")
        .agg(count_sure(F.col("graded_items") > 0).alias("stations"))
    )
    days = graded(means, inputs["codes/aqi_breakpoints"]).groupBy("day").agg(*summary())
    return with_level(days, inputs["codes/aqi_classes"]).join(reporting, "day")


def item_means(days: DataFrame, *keys: str) -> DataFrame:
    """Wide days as rows of `keys`, day, item_code, averaging and mean; items without a mean are left out."""
    means = ", ".join(
        f"struct('{i}' AS item_code, '{'8h' if i == 'O3' else '24h'}' AS averaging, {c} AS mean)"
        for i, c in MEANS.items()
    )
    return days.select(*keys, "day", F.expr(f"inline(array({means}))")).where("mean IS NOT NULL")
