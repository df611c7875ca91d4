"""Spells of missing hours, by station and element."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.weather.hours import usable_hours

INPUTS = ("weather/station_hourly",)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per spell between two hours with a value: first and last hour without one (hours end at the
    time named) and how many.

    Hours before the first and after the last value of a station are no gap. An element whose value is there
    but wrong is missing.
    """
    hours, hour = usable_hours(inputs["weather/station_hourly"]), F.expr("INTERVAL 1 HOUR")
    values = hours.unpivot(
        ["station_code", "observed_at"], ["rain_mm", "temperature_celsius"], "element", "value"
    ).where("value IS NOT NULL")
    before = F.lag("observed_at").over(Window.partitionBy("station_code", "element").orderBy("observed_at"))
    spells = values.withColumn("_before", before).where(F.col("observed_at") > F.col("_before") + hour)
    return spells.select(
        "station_code",
        "element",
        (F.col("_before") + hour).alias("first_hour"),
        (F.col("observed_at") - hour).alias("last_hour"),
        F.expr("timestampdiff(HOUR, _before, observed_at) - 1").alias("hours_missing"),
    )
