"""Spells of sensor faults: which station and item, what kind, from when to when, and the numbers that show
it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.environment.station_day import DELIVERED

INPUTS = ("marts/environment/station_hour", "marts/environment/station_day")
KINDS = ("negative", "missing_code", "stuck", "replay", "inverted", "co_unit", "other_edition", "clock_shift")
GAP = 3  # hours without the fault that do not end a spell
HOURS_OF = {"PM2.5_24h": "pm25_hours", "PM10_24h": "pm10_hours"}
KEY = ("station_code", "item_code", "kind")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per station, item, kind and start. A day mean that the platform delivered for a day without
    enough hours is a spell of that day.
    """
    faults = ", ".join(f"CASE WHEN is_{k} THEN '{k}' END" for k in KINDS)
    hours = inputs["marts/environment/station_hour"].select(
        "station_code",
        "item_code",
        "measured_at",
        "delivered_value",
        F.explode(F.expr(f"array_compact(array({faults}))")).alias("kind"),
    )
    spells = (
        _spells(hours)
        .groupBy(*KEY, "_spell")
        .agg(
            F.min("measured_at").alias("started_at"),
            F.max("measured_at").alias("ended_at"),
            F.count(F.lit(1)).alias("hours"),
            F.min("delivered_value").alias("low"),
            F.max("delivered_value").alias("high"),
        )
    )
    evidence = F.concat_ws(" - ", F.col("low").cast("string"), F.col("high").cast("string"))
    found = spells.select(
        *KEY,
        "started_at",
        "ended_at",
        "hours",
        F.coalesce(F.nullif(evidence, F.lit("")), F.lit("none delivered")).alias("evidence"),
    )
    return found.unionByName(_short_means(inputs["marts/environment/station_day"]))


def _spells(hours: DataFrame) -> DataFrame:
    """Faulty hours with `_spell`, which rises by one after every gap longer than GAP hours."""
    series = Window.partitionBy(*KEY).orderBy("measured_at")
    pause = F.unix_seconds("measured_at") - F.unix_seconds(F.lag("measured_at").over(series))
    return hours.withColumn("_new", (pause > (GAP + 1) * 3600).cast("int")).withColumn(
        "_spell", F.coalesce(F.sum("_new").over(series), F.lit(0))
    )


def _short_means(days: DataFrame) -> DataFrame:
    """Means that came although our own mean of the day lacks hours."""
    own = {d: d.replace("_delivered", "") for d in DELIVERED.values()}
    each = ", ".join(
        f"struct('{i}' AS item_code, {d} AS delivered, {own[d]} AS mean, {HOURS_OF[i]} AS hours)"
        for i, d in DELIVERED.items()
    )
    short = days.select("station_code", "day", F.expr(f"inline(array({each}))")).where(
        "delivered IS NOT NULL AND mean IS NULL"
    )
    first = F.col("day").cast("timestamp")
    last = first + F.expr("INTERVAL 23 HOURS")
    return short.select(
        "station_code",
        "item_code",
        F.lit("short_mean").alias("kind"),
        first.alias("started_at"),
        last.alias("ended_at"),
        "hours",
        F.concat(
            F.lit("mean "),
            F.col("delivered").cast("string"),
            F.lit(" of "),
            F.col("hours").cast("string"),
            F.lit(" valid hours"),
        ).alias("evidence"),
    )
