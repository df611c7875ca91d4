"""Days of the air stations: means of enough valid hours, individual indices, AQI and primary pollutants."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.environment.aqi import ITEMS, MEANS, graded, rounded, rule, rules, summary, with_level

INPUTS = (
    "marts/environment/station_hour",
    "codes/air_items",
    "codes/aqi_breakpoints",
    "codes/aqi_classes",
    "codes/air_rules",
)
DELIVERED = {
    "PM2.5_24h": MEANS["PM2.5"].replace("_", "_delivered_"),
    "PM10_24h": MEANS["PM10"].replace("_", "_delivered_"),
}


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per station and calendar day (Beijing time) with six means, their valid hours and indices, and
    the AQI.

    A mean needs `day_hours` valid hours; of ozone the largest of the 8 h means that end within the day, each
    of
    `o3_window_hours` at least, counts. Means are rounded before they are graded.
    The platform's own 24 h means are those of 23:00, which cover the same day.
    """
    hours = inputs["marts/environment/station_hour"].withColumn("day", F.to_date("measured_at"))
    decimals = F.broadcast(
        inputs["codes/air_items"]
        .where("averaging = '1h'")
        .select(F.col("code").alias("item_code"), "decimals")
    )
    measured = hours.join(decimals, "item_code").crossJoin(F.broadcast(rules(inputs["codes/air_rules"])))
    each = [_of(i, "hours", f"{p}_hours") for i, p in ITEMS.items()]
    days = (
        graded(_means(measured), inputs["codes/aqi_breakpoints"])
        .groupBy("station_code", "day")
        .agg(*summary(), *each)
    )
    platform = (
        hours.where(F.hour("measured_at") == 23)
        .groupBy("station_code", "day")
        .agg(*[_of(i, "value", n) for i, n in DELIVERED.items()])
    )
    whole = with_level(days, inputs["codes/aqi_classes"]).join(platform, ["station_code", "day"], "left")
    return whole.fillna(0, [f"{p}_hours" for p in ITEMS.values()])


def _of(item: str, column: str, name: str) -> Column:
    return F.max(F.when(F.col("item_code") == item, F.col(column))).alias(name)


def _means(measured: DataFrame) -> DataFrame:
    """Per station, day and item: `hours`, and `mean` where enough of them are valid."""
    others = (
        measured.where("item_code <> 'O3'")
        .groupBy("station_code", "day", "item_code")
        .agg(
            F.avg("value").alias("_mean"),
            F.count("value").alias("hours"),
            F.first("decimals").alias("decimals"),
            F.first("rules").alias("rules"),
        )
    )
    enough = F.col("hours") >= F.expr(rule("day_hours", "day"))
    mean = F.when(enough, rounded(F.col("_mean"), F.col("decimals")))
    averaging = F.when(F.col("item_code") == "O3", "8h").otherwise("24h")
    whole = others.unionByName(_ozone(measured.where("item_code = 'O3'")))
    return whole.select(
        "station_code", "day", "item_code", averaging.alias("averaging"), "hours", mean.alias("mean")
    )


def _ozone(measured: DataFrame) -> DataFrame:
    """The largest of a day's 8 h means."""
    window = (
        Window.partitionBy("station_code", "item_code", "day")
        .orderBy(F.unix_seconds("measured_at"))
        .rangeBetween(-7 * 3600, 0)
    )
    whole = (F.hour("measured_at") >= 7) & (
        F.count("value").over(window) >= F.expr(rule("o3_window_hours", "day"))
    )
    return (
        measured.withColumn("_8h", F.when(whole, F.avg("value").over(window)))
        .groupBy("station_code", "day", "item_code")
        .agg(
            F.max("_8h").alias("_mean"),
            F.count("value").alias("hours"),
            F.first("decimals").alias("decimals"),
            F.first("rules").alias("rules"),
        )
    )
