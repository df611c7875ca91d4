"""Cases of dust from building sites beside the PM10 that the nearest air station measured."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.urban_components.coordinates import metres_between

INPUTS = ("marts/urban_components/case", "marts/environment/station_hour", "codes/air_stations")
DUST, ITEM, NEAR_M = "工地扬尘", "PM10", 3000


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per case with an air station within 3 km; PM10 in ug/m3 of the report's hour and of the 24
    hours up to it, never after it.
    """
    cases = inputs["marts/urban_components/case"].where(
        (F.col("event_class") == DUST) & F.col("longitude").isNotNull()
    )
    near = _near(
        cases.select("case_id", "division_code", "reported_at", "longitude", "latitude"),
        inputs["codes/air_stations"],
    )
    hours = inputs["marts/environment/station_hour"].where(
        (F.col("item_code") == ITEM) & F.col("value").isNotNull()
    )
    city = hours.groupBy(F.col("measured_at").alias("_hour")).agg(
        F.avg("value").cast("decimal(9,3)").alias("city_pm10_ugm3")
    )
    beside = near.join(_before(near, hours), "case_id", "left").join(F.broadcast(city), "_hour", "left")
    return beside.withColumn("above_city", F.col("pm10_ugm3") > F.col("city_pm10_ugm3"))


def _near(cases: DataFrame, stations: DataFrame) -> DataFrame:
    """Cases with the nearest station within reach; of equals the smaller code."""
    places = stations.select(
        F.col("code").alias("station_code"),
        *[F.col(c).cast("double").alias(f"_{c}") for c in ("longitude", "latitude")],
    )
    metres = metres_between(
        *[F.col(c).cast("double") for c in ("longitude", "latitude", "_longitude", "_latitude")]
    )
    pairs = (
        cases.crossJoin(F.broadcast(places)).withColumn("_metres", metres).where(F.col("_metres") <= NEAR_M)
    )
    best = pairs.groupBy("case_id").agg(F.min(F.struct("_metres", "station_code")).alias("_best"))
    found = cases.join(best, "case_id").withColumns(
        {"station_code": F.col("_best.station_code"), "distance_m": F.round("_best._metres").cast("bigint")}
    )
    return found.withColumn("_hour", F.date_trunc("hour", "reported_at"))


def _before(cases: DataFrame, hours: DataFrame) -> DataFrame:
    """`case_id`, the value of the report's hour and the mean of the 24 hours that end with it; joined by
    days, which are equal keys.
    """
    dated = hours.select("station_code", "measured_at", "value", F.to_date("measured_at").alias("_day"))
    days = cases.select(
        "case_id",
        "station_code",
        "_hour",
        F.explode(F.array(F.to_date("_hour"), F.date_sub(F.to_date("_hour"), 1))).alias("_day"),
    )
    past = days.join(dated, ["station_code", "_day"]).where(
        "measured_at <= _hour AND measured_at > _hour - INTERVAL 24 HOURS"
    )
    return past.groupBy("case_id").agg(
        _mean(F.col("measured_at") == F.col("_hour")).alias("pm10_ugm3"),
        _mean(F.lit(True)).alias("pm10_24h_ugm3"),
    )


def _mean(condition: Column) -> Column:
    return F.avg(F.when(condition, F.col("value"))).cast("decimal(9,3)")
