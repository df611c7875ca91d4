"""Air of the city beside its weather, day by day, inside and outside the heating season."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.weather.meteorological_day import CALENDAR_DAY

INPUTS = ("marts/environment/city_day", "marts/weather/station_day", "codes/heating_seasons")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per day of air; the weather is the mean of the stations on the calendar day, as air is graded
    by calendar days.
    """
    seasons = F.broadcast(
        inputs["codes/heating_seasons"].select(F.col("code").alias("season"), "valid_from", "valid_to")
    )
    days = inputs["marts/environment/city_day"].select("day", "aqi", "aqi_level", "pm25_ugm3")
    within = F.col("day").between(F.to_date("valid_from"), F.to_date("valid_to"))
    return (
        days.join(seasons, within, "left")
        .join(_weather(inputs["marts/weather/station_day"]), "day", "left")
        .withColumn("heating", F.col("season").isNotNull())
    )


def _weather(stations: DataFrame) -> DataFrame:
    """Means of the stations that have a value on a calendar day."""
    return (
        stations.where(F.col("day_kind") == CALENDAR_DAY)
        .groupBy("day")
        .agg(
            F.avg("temperature_mean").cast("decimal(4,1)").alias("temperature_mean"),
            F.avg("rain_mm").cast("decimal(7,2)").alias("rain_mm"),
            F.count(F.lit(1)).alias("weather_stations"),
        )
    )
