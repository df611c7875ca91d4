"""Cases of drains and manholes by the class of the day's rain, per 1,000 assets and day."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

INPUTS = ("marts/urban_components/component_day", "codes/event_classes")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per district and class of rain. Asset-days are the district's drains and manholes times its
    days of that class.

    A day without all its 24 hours of rain may have been wetter than it looks: it counts in no class.
    """
    wet = F.broadcast(
        inputs["codes/event_classes"]
        .where("weather_join = 'rain'")
        .select(F.col("code").alias("event_class"))
    )
    days = (
        inputs["marts/urban_components/component_day"]
        .where("rain_hours = 24")
        .join(wet, "event_class", "left_semi")
    )
    # Each day has a row per class of event with the same assets: a day's assets count once.
    daily = days.groupBy("division_code", "rain_class", "met_day").agg(
        F.max("assets").alias("_assets"), F.sum("cases").alias("_cases")
    )
    counted = daily.groupBy("division_code", "rain_class").agg(
        F.count(F.lit(1)).alias("days"), F.sum("_assets").alias("asset_days"), F.sum("_cases").alias("cases")
    )
    return counted.withColumn(
        "cases_per_1000_asset_days",
        F.try_divide(F.col("cases") * 1000, F.col("asset_days")).cast("decimal(18,6)"),
    )
