"""What an asset has been exposed to by the end of a month: age, cases and weather as plain counts; no
score.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_known
from citylake.marts.history import current
from citylake.marts.urban_components.rain import met_days, nearest_station
from citylake.marts.weather.meteorological_day import HOURS_OF_A_DAY

INPUTS = (
    "marts/urban_components/asset",
    "marts/urban_components/case",
    "weather/station_hourly",
    "marts/weather/station_day",
)
HEAVY = ("heavy", "rainstorm", "severe_rainstorm", "extreme_rainstorm")
WINDOW_MONTHS = 24


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per asset and month with weather, from the month of its survey on; assets are those known now.

    `age_months`: whole months from the survey to the first day of the next month. `cases_24m`: cases reported
    in the 24 months that end with the
    month. Weather is that of the meteorological days of the month at the station nearest to the asset.
    """
    weather, assets = current(inputs["weather/station_hourly"]), inputs["marts/urban_components/asset"]
    last = weather.agg(F.max("observed_at").alias("_last"))
    observed = met_days(inputs["marts/weather/station_day"]).crossJoin(F.broadcast(last))
    months = _months(observed.where("met_day <= last_day(_last)"))
    station = nearest_station(assets.crossJoin(F.broadcast(last)), weather, "object_id", F.col("_last"))
    exposed = (
        assets.join(station, "object_id")
        .join(F.broadcast(months), "station_code")
        .where("month >= trunc(surveyed_on, 'month')")
    )
    age = F.floor(F.months_between(F.add_months("month", 1), F.col("surveyed_on"))).alias("age_months")
    rows = exposed.join(_cases(inputs["marts/urban_components/case"], months), ["object_id", "month"], "left")
    return rows.select(
        "object_id",
        "month",
        "class_code",
        F.col("division_now").alias("division_code"),
        "station_code",
        age,
        F.coalesce("cases_24m", F.lit(0).cast("bigint")).alias("cases_24m"),
        "rain_mm",
        "heavy_rain_days",
        "freeze_thaw_days",
        "days_short_of_hours",
    )


def _months(days: DataFrame) -> DataFrame:
    """Per station and month: rain, days of heavy rain and above, freeze-thaw days, and the days of the month
    without all 24 hours of rain: so many may have been wetter than they look.
    """
    return days.groupBy("station_code", F.trunc("met_day", "month").alias("month")).agg(
        F.sum("rain_day_mm").alias("rain_mm"),
        count_known(F.col("rain_class").isin(*HEAVY)).alias("heavy_rain_days"),
        count_known(F.col("freeze_thaw")).alias("freeze_thaw_days"),
        (F.day(F.last_day(F.min("met_day"))) - count_known(F.col("rain_hours") == HOURS_OF_A_DAY)).alias(
            "days_short_of_hours"
        ),
    )


def _cases(cases: DataFrame, months: DataFrame) -> DataFrame:
    """Per asset and month the cases reported in the window that ends with the month."""
    ends = F.broadcast(months.select("month").distinct())
    end = F.add_months("month", 1)
    within = (F.to_date("reported_at") < end) & (
        F.to_date("reported_at") >= F.add_months(end, -WINDOW_MONTHS)
    )
    known = cases.where("object_id IS NOT NULL").join(ends, within)
    return known.groupBy("object_id", "month").agg(F.count(F.lit(1)).alias("cases_24m"))
