"""The weather about a place: its nearest station at a moment, rain before a report and never after it, and
the meteorological days of `weather.station_day`.

An hourly value belongs to the hour that ends at `observed_at` (Beijing time); a meteorological day ends at
20:00.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.urban_components.coordinates import metres_between
from citylake.marts.weather.meteorological_day import MET_DAY

HOURS = (1, 3, 24, 72)


def nearest_station(places: DataFrame, weather: DataFrame, key: str, at: Column) -> DataFrame:
    """`key` and `station_code`: the station nearest to `longitude`, `latitude` where it stood at that moment;
    ties go to the smaller code.

    A station stands where its observations say from the first hour that says so; before its first hour there
    is none.
    """
    stood = (
        weather.where("latitude IS NOT NULL AND longitude IS NOT NULL")
        .groupBy("station_code", "latitude", "longitude")
        .agg(F.min("observed_at").alias("_since"))
    )
    stations = stood.select(
        "station_code", F.col("longitude").alias("_lon"), F.col("latitude").alias("_lat"), "_since"
    )
    pairs = places.select(key, "longitude", "latitude", at.alias("_at")).join(
        F.broadcast(stations), F.col("_since") <= F.col("_at")
    )
    far = metres_between(*[F.col(c).cast("double") for c in ("longitude", "latitude", "_lon", "_lat")])
    last = (
        pairs.withColumn("_far", far)
        .groupBy(key, "station_code")
        .agg(F.max_by("_far", "_since").alias("_far"))
    )
    return (
        last.groupBy(key)
        .agg(F.min(F.struct("_far", "station_code")).alias("_best"))
        .select(key, F.col("_best.station_code").alias("station_code"))
    )


def rain_before(reports: DataFrame, weather: DataFrame, key: str) -> DataFrame:
    """`key`, `rain_<n>h_mm` for n in `HOURS`, `rain_peak_at` and `rain_peak_mm` of the 72 hours before
    `reported_at`.

    Hours with reported_at - n h < observed_at <= reported_at count. The peak is the wettest of them, the
    latest of equals; NULL when none was wet.
    """
    hours = weather.where("rain_mm IS NOT NULL").select(
        "station_code", "observed_at", "rain_mm", F.to_date("observed_at").alias("_day")
    )
    days = reports.select(key, "station_code", "reported_at", F.explode(_days_before()).alias("_day"))
    near = days.join(hours, ["station_code", "_day"]).where(
        "observed_at <= reported_at AND observed_at > reported_at - INTERVAL 72 HOURS"
    )
    sums = [
        F.sum(F.when(F.expr(f"observed_at > reported_at - INTERVAL {h} HOURS"), F.col("rain_mm"))).alias(
            f"rain_{h}h_mm"
        )
        for h in HOURS
    ]
    peak = F.max(F.when(F.col("rain_mm") > 0, F.struct("rain_mm", "observed_at"))).alias("_peak")
    found = near.groupBy(key).agg(*sums, peak)
    return found.select(
        key,
        *[f"rain_{h}h_mm" for h in HOURS],
        F.col("_peak.observed_at").alias("rain_peak_at"),
        F.col("_peak.rain_mm").alias("rain_peak_mm"),
    )


def _days_before() -> Column:
    """The calendar days that the longest interval can touch: turns an interval join into an equality join."""
    return F.sequence(F.date_sub(F.to_date("reported_at"), 3), F.to_date("reported_at"))


def met_days(station_days: DataFrame) -> DataFrame:
    """The meteorological days of `weather.station_day` with what marts of components call their columns, and
    `prior_72h_mm`, the rain of the three days before.
    """
    days = station_days.where(F.col("day_kind") == MET_DAY).select(
        "station_code",
        F.col("day").alias("met_day"),
        "rain_hours",
        F.col("rain_mm").alias("rain_day_mm"),
        "rain_class",
        F.col("rain_max_1h_mm").alias("max_1h_mm"),
        "freeze_thaw",
    )
    before = Window.partitionBy("station_code").orderBy(F.unix_date("met_day")).rangeBetween(-3, -1)
    return days.withColumn("prior_72h_mm", F.sum("rain_day_mm").over(before))
