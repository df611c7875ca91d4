"""Cases about components by day and class, with the rain that fell before they were reported."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("construction/component_case", "weather/station_hourly")
HOURS = (1, 24, 72)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Rain in mm of the nearest station over the 1, 24 and 72 hours before the report; rain after it never counts.

    An hourly value belongs to the hour that ends at `observed_at` (Beijing time), so hours with
    reported_at - n h < observed_at <= reported_at are summed. Days are calendar days of the report.
    """
    cases = _nearest(current(inputs["construction/component_case"]), _stations(current(inputs["weather/station_hourly"])))
    wet = _rain(cases, current(inputs["weather/station_hourly"]))
    return wet.groupBy(F.to_date("reported_at").alias("reported_on"), "event_class").agg(
        F.count(F.lit(1)).alias("cases"),
        F.count_if(F.col("object_id").isNull()).alias("without_component"),
        F.count_if(F.col("closed_at").isNotNull()).alias("closed"),
        F.count_if(F.coalesce("closed_at", F.lit("9999-12-31").cast("timestamp")) > F.col("deadline_at")).alias("late_or_open"),
        *[F.avg(f"rain_{h}h").cast("decimal(9,2)").alias(f"mean_rain_{h}h_mm") for h in HOURS],
        F.count_if(F.col("rain_24h").isNull()).alias("without_rain_data"),
    )


def _stations(weather: DataFrame) -> DataFrame:
    """The last known place of every station."""
    return weather.where("latitude IS NOT NULL AND longitude IS NOT NULL").groupBy("station_code").agg(
        F.max_by("latitude", "observed_at").alias("_lat"), F.max_by("longitude", "observed_at").alias("_lon")
    )  # fmt: skip


def _nearest(cases: DataFrame, stations: DataFrame) -> DataFrame:
    """Each case with its nearest station by squared degrees scaled for the latitude; ties go to the smaller code."""
    east = (F.col("longitude") - F.col("_lon")).cast("double") * F.cos(F.radians(F.col("latitude").cast("double")))
    north = (F.col("latitude") - F.col("_lat")).cast("double")
    pairs = cases.join(F.broadcast(stations), how="left").withColumn("_far", F.struct((east * east + north * north).alias("d"), "station_code"))
    best = pairs.groupBy("case_id").agg(F.min("_far").alias("_best"))
    return cases.join(best.select("case_id", F.col("_best.station_code").alias("station_code")), "case_id")


def _rain(cases: DataFrame, weather: DataFrame) -> DataFrame:
    """Cases with `rain_<n>h`; NULL when the station has no value in that time."""
    hours = weather.where("rain_mm IS NOT NULL").select("station_code", "observed_at", "rain_mm", F.to_date("observed_at").alias("_day"))
    days = cases.select("case_id", "station_code", "reported_at", F.explode(_days_before()).alias("_day"))
    near = days.join(hours, ["station_code", "_day"]).where("observed_at <= reported_at AND observed_at > reported_at - INTERVAL 72 HOURS")
    recent = [F.sum(F.when(F.expr(f"observed_at > reported_at - INTERVAL {h} HOURS"), F.col("rain_mm"))).alias(f"rain_{h}h") for h in HOURS]
    return cases.join(near.groupBy("case_id").agg(*recent), "case_id", "left")


def _days_before() -> Column:
    """The calendar days that the longest interval can touch: turns an interval join into an equality join."""
    return F.sequence(F.date_sub(F.to_date("reported_at"), 3), F.to_date("reported_at"))
