"""Where a station stood and when: a station keeps its number when it moves."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.history import current
from citylake.marts.weather.meteorological_day import calendar_day

INPUTS = ("weather/station_hourly", "weather/climate_daily_rain", "weather/climate_daily_temperature")
EARTH_RADIUS_M = 6371008.8
PLACE = ("latitude", "longitude", "altitude_m")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per station, feed and place: from the first day on which it is reported until the day of the
    next one (exclusive).

    The feeds stay apart: the hourly data give decimal degrees, the daily set whole minutes (about 1.8 km).
    """
    hourly = current(inputs["weather/station_hourly"]).select(
        "station_code", calendar_day(F.col("observed_at")).alias("day"), "observed_at", *PLACE
    )
    daily = _daily(inputs["weather/climate_daily_rain"]).unionByName(
        _daily(inputs["weather/climate_daily_temperature"])
    )
    reported = hourly.withColumn("feed", F.lit("hourly")).unionByName(
        daily.withColumn("feed", F.lit("daily"))
    )
    return _versions(_one_a_day(reported))


def _daily(silver: DataFrame) -> DataFrame:
    day = F.col("observed_on")
    return current(silver).select(
        "station_code", day.alias("day"), day.cast("timestamp").alias("observed_at"), *PLACE
    )


def _one_a_day(reported: DataFrame) -> DataFrame:
    """The last whole place that a feed states for a station and day."""
    whole = reported.where("latitude IS NOT NULL AND longitude IS NOT NULL")
    last = F.max_by(F.struct(*PLACE), F.struct("observed_at", *PLACE)).alias("place")
    return whole.groupBy("station_code", "feed", "day").agg(last)


def _versions(days: DataFrame) -> DataFrame:
    """Days at which the place differs from the day before begin a version."""
    order = Window.partitionBy("station_code", "feed").orderBy("day")
    before = F.lag("place").over(order)
    begins = days.withColumn("_before", before).where(
        F.col("_before").isNull() | ~F.col("place").eqNullSafe(F.col("_before"))
    )
    return begins.select(
        "station_code",
        "feed",
        F.col("day").alias("valid_from"),
        F.lead("day").over(order).alias("valid_to"),
        "place.*",
        _metres("_before", "place").alias("moved_m"),
    )


def _metres(a: str, b: str) -> Column:
    """Whole metres of the great circle between two places; NULL for the first one."""
    north = F.radians(F.col(f"{b}.latitude") - F.col(f"{a}.latitude")) / 2
    east = F.radians(F.col(f"{b}.longitude") - F.col(f"{a}.longitude")) / 2
    scale = F.cos(F.radians(F.col(f"{a}.latitude"))) * F.cos(F.radians(F.col(f"{b}.latitude")))
    return F.round(
        2 * EARTH_RADIUS_M * F.asin(F.sqrt(F.pow(F.sin(north), 2) + scale * F.pow(F.sin(east), 2)))
    ).cast("bigint")
