"""Days on which a station or the city was above a class-2 limit of GB 3095."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.environment.aqi import valid_on
from citylake.marts.environment.city_day import item_means

INPUTS = ("marts/environment/station_day", "marts/environment/city_day", "codes/air_limits")
CITY = "沈阳市"


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per place, day and item whose mean is above the limit valid on that day; a mean equal to the
    limit is within it.
    """
    stations = item_means(inputs["marts/environment/station_day"], "station_code").withColumnRenamed(
        "station_code", "place"
    )
    city = item_means(inputs["marts/environment/city_day"]).withColumn("place", F.lit(CITY))
    listed = inputs["codes/air_limits"].select(
        "standard",
        "item_code",
        "averaging",
        F.col("limit_value").cast("decimal(9,3)"),
        "valid_from",
        "valid_to",
    )
    above = (
        stations.unionByName(city)
        .join(F.broadcast(listed), ["item_code", "averaging"])
        .where(f"mean > limit_value AND {valid_on('day')}")
    )
    times = F.round(F.col("mean") / F.col("limit_value") - 1, 2)
    return above.select(
        "place",
        "day",
        "item_code",
        "standard",
        "averaging",
        F.col("mean").alias("mean_value"),
        "limit_value",
        times.alias("times_over"),
    )
