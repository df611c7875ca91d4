"""Cases by meteorological day, district and class of event beside the weather of that day; days and districts
without a case have rows too.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_known, count_sure
from citylake.marts.history import current
from citylake.marts.urban_components.rain import HOURS, met_days, nearest_station

INPUTS = (
    "marts/urban_components/case",
    "marts/urban_components/asset",
    "weather/station_hourly",
    "marts/weather/station_day",
    "codes/event_classes",
)
KEY = ("met_day", "division_code", "event_class")
COUNTS = (
    "assets",
    "cases",
    "without_component",
    "closed",
    "late_or_open",
    "lateness_unknown",
    "without_rain_data",
)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Rain in mm. `assets` are those of the district that the class can concern (drains and manholes for
    water, else all), as known now.

    The weather of a district is that of the station nearest to the middle of its assets; the means before the
    report are of each case's own.
    """
    cases, assets, weather = (
        inputs["marts/urban_components/case"],
        inputs["marts/urban_components/asset"],
        current(inputs["weather/station_hourly"]),
    )
    events = inputs["codes/event_classes"].select(
        F.col("code").alias("event_class"), F.col("weather_join").eqNullSafe("rain").alias("_wet")
    )
    days = met_days(inputs["marts/weather/station_day"])
    divisions = _divisions(assets, cases, weather)
    spine = (
        cases.select("met_day")
        .unionByName(days.select("met_day"))
        .distinct()
        .crossJoin(F.broadcast(divisions))
        .crossJoin(F.broadcast(events))
    )
    counted = spine.join(_counts(cases), list(KEY), "left").join(days, ["station_code", "met_day"], "left")
    counted = counted.withColumn(
        "assets", F.when(F.col("_wet"), F.col("_drains")).otherwise(F.col("_assets"))
    )
    return counted.withColumns({c: F.coalesce(c, F.lit(0).cast("bigint")) for c in COUNTS})


def _divisions(assets: DataFrame, cases: DataFrame, weather: DataFrame) -> DataFrame:
    """Every district with its assets, its drains and manholes, and its station."""
    of_assets = assets.groupBy(F.col("division_now").alias("division_code")).agg(
        F.count(F.lit(1)).alias("_assets"),
        count_known(F.col("rain_exposed")).alias("_drains"),
        F.avg("longitude").alias("longitude"),
        F.avg("latitude").alias("latitude"),
    )
    last = weather.agg(F.max("observed_at").alias("_last"))
    station = nearest_station(
        of_assets.crossJoin(F.broadcast(last)), weather, "division_code", F.col("_last")
    )
    known = of_assets.select("division_code").unionByName(cases.select("division_code")).distinct()
    return known.join(of_assets.drop("longitude", "latitude"), "division_code", "left").join(
        station, "division_code", "left"
    )


def _counts(cases: DataFrame) -> DataFrame:
    return cases.groupBy(*KEY).agg(
        F.count(F.lit(1)).alias("cases"),
        count_sure(F.col("object_id").isNull()).alias("without_component"),
        count_sure(F.col("closed_at").isNotNull()).alias("closed"),
        count_known(F.col("closed_at").isNull() | F.col("overdue")).alias("late_or_open"),
        count_sure(F.col("closed_at").isNotNull() & F.col("overdue").isNull()).alias("lateness_unknown"),
        *[F.avg(f"rain_{h}h_mm").cast("decimal(9,2)").alias(f"mean_rain_{h}h_mm") for h in HOURS],
        count_sure(F.col("rain_24h_mm").isNull()).alias("without_rain_data"),
    )
