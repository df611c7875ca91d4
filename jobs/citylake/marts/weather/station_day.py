"""One row per station, day and kind of day: rain, temperature and how many hours stand behind them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.weather.hours import usable_hours
from citylake.marts.weather.meteorological_day import HOURS_OF_A_DAY, both_days
from citylake.marts.weather.rain_class import with_rain_class

INPUTS = ("weather/station_hourly", "codes/rain_classes")
SYNOPTIC_HOURS = (2, 8, 14, 20)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Sums in mm, temperatures in degrees Celsius; `day_kind` is met_day (20:00 to 20:00) or calendar_day,
    Beijing time.

    A trace counts 0 and leaves its flag. The class of a day with missing hours is that of the hours that are
    there: a lower bound.
    `temperature_mean_4` is the mean of 02, 08, 14 and 20 hours, as the daily set has it (unconfirmed); NULL
    when one is missing.
    """
    hours = usable_hours(inputs["weather/station_hourly"]).select(
        "*", F.inline(both_days(F.col("observed_at")))
    )
    days = hours.groupBy("station_code", "day", "day_kind").agg(
        *_rain(), *_temperature(), F.count(F.lit(1)).alias("hours_present")
    )
    flagged = days.withColumns(
        {
            "freeze_thaw": (F.col("temperature_min") < 0) & (F.col("temperature_max") > 0),
            "complete": (F.col("rain_hours") == HOURS_OF_A_DAY)
            & (F.col("temperature_hours") == HOURS_OF_A_DAY),
        }
    )
    return with_rain_class(flagged, inputs["codes/rain_classes"])


def _rain() -> list[Column]:
    return [
        F.count("rain_mm").alias("rain_hours"),
        F.sum("rain_mm").alias("rain_mm"),
        F.max("rain_mm").alias("rain_max_1h_mm"),
        F.bool_or("rain_trace").alias("rain_trace"),
    ]


def _temperature() -> list[Column]:
    value = F.col("temperature_celsius")
    synoptic = F.when(F.hour("observed_at").isin(*SYNOPTIC_HOURS), value)
    return [
        F.count(value).alias("temperature_hours"),
        F.min(value).alias("temperature_min"),
        F.max(value).alias("temperature_max"),
        F.avg(value).cast("decimal(7,2)").alias("temperature_mean"),
        F.when(F.count(synoptic) == len(SYNOPTIC_HOURS), F.avg(synoptic))
        .cast("decimal(7,2)")
        .alias("temperature_mean_4"),
    ]
