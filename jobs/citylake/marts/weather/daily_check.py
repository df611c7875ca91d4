"""The daily set against the hours of the same meteorological day: whether they agree, by how much they
differ, and why.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current
from citylake.marts.weather.meteorological_day import CALENDAR_DAY, HOURS_OF_A_DAY, MET_DAY
from citylake.marts.weather.rain_class import LEAST_MM

INPUTS = (
    "weather/climate_daily_rain",
    "weather/climate_daily_temperature",
    "marts/weather/station_day",
    "codes/daily_check_elements",
)
# element -> (value by hours, hours behind it), columns of `station_day`
BY_HOURS = {
    "rain_20_20": ("rain_mm", "rain_hours"),
    "temperature_mean": ("temperature_mean_4", "temperature_hours"),
    "temperature_max": ("temperature_max", "temperature_hours"),
    "temperature_min": ("temperature_min", "temperature_hours"),
}


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Values in the unit of their element; tolerances come from the list `daily_check_elements` and are valid
    in time.

    `calendar_day_value` is the same by calendar day: where it alone agrees, the office took another boundary
    of the day.
    """
    days = inputs["marts/weather/station_day"]
    met = _by_hours(days, MET_DAY, "hourly_value", "hours_present")
    calendar = _by_hours(days, CALENDAR_DAY, "calendar_day_value", "_calendar_hours")
    keys = ["station_code", "day", "element"]
    pairs = _daily(inputs).join(met, keys, "left").join(calendar, keys, "left").fillna(0, ["hours_present"])
    judged = _with_tolerance(pairs, inputs["codes/daily_check_elements"]).withColumn(
        "difference", F.col("daily_value") - F.col("hourly_value")
    )
    found = judged.withColumn("finding", _finding())
    return found.withColumn(
        "agrees", F.when(F.col("difference").isNotNull(), F.col("finding").isin("agrees", "trace", "frost"))
    )


def _daily(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The daily set as rows of (station_code, day, element, daily_value, precipitation_kind)."""
    rain = current(inputs["weather/climate_daily_rain"]).select(
        "station_code",
        F.col("observed_on").alias("day"),
        F.lit("rain_20_20").alias("element"),
        F.col("rain_20_20_mm").alias("daily_value"),
        F.col("rain_20_20_kind").alias("precipitation_kind"),
    )
    warm = current(inputs["weather/climate_daily_temperature"]).withColumnsRenamed(
        {f"{e}_celsius": e for e in BY_HOURS}
    )
    elements = tuple(e for e in BY_HOURS if e.startswith("temperature"))
    long = warm.unpivot(
        ["station_code", F.col("observed_on").alias("day")], elements, "element", "daily_value"
    )
    return rain.unionByName(long, allowMissingColumns=True)


def _by_hours(days: DataFrame, kind: str, value: str, hours: str) -> DataFrame:
    """The values of one kind of day as rows of (station_code, day, element, value, hours)."""
    each = [
        F.struct(F.lit(e).alias("element"), F.col(v).alias(value), F.col(h).alias(hours))
        for e, (v, h) in BY_HOURS.items()
    ]
    return days.where(F.col("day_kind") == kind).select("station_code", "day", F.inline(F.array(*each)))


def _with_tolerance(pairs: DataFrame, elements: DataFrame) -> DataFrame:
    """With `tolerance` as valid on the day."""
    limits = elements.select(
        F.col("code").alias("element"),
        F.col("tolerance").cast("decimal(7,2)"),
        F.coalesce(F.to_date("valid_from"), F.to_date(F.lit("1900-01-01"))).alias("_from"),
        F.coalesce(F.to_date("valid_to"), F.to_date(F.lit("9999-12-31"))).alias("_to"),
    )
    return pairs.join(F.broadcast(limits), "element").where(
        (F.col("day") >= F.col("_from")) & (F.col("day") < F.col("_to"))
    )


def _finding() -> Column:
    """The first cause that fits; a code of the list `daily_check_findings`."""
    daily, hourly = F.col("daily_value"), F.col("hourly_value")
    return (
        F.when(daily.isNull(), "no_daily_value")
        .when(hourly.isNull(), "no_hourly_value")
        .when((F.col("precipitation_kind") == "trace") & (hourly < LEAST_MM), "trace")
        .when((F.col("precipitation_kind") == "frost") & (hourly < LEAST_MM), "frost")
        .when(_near(daily, hourly), "agrees")
        .when(F.col("hours_present") < HOURS_OF_A_DAY, "hours_missing")
        .when(_near(daily, F.col("calendar_day_value")), "calendar_day")
        .when(_near(daily * 10, hourly) | _near(daily, hourly * 10), "tenfold")
        .otherwise("differs")
    )


def _near(a: Column, b: Column) -> Column:
    return F.coalesce(F.abs(a - b) <= F.col("tolerance"), F.lit(False))
