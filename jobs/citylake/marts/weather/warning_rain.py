"""Warnings with the rain that fell while they were in force."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import DELIVERIES
from citylake.marts.history import current
from citylake.marts.told import with_told_until
from citylake.marts.weather.hours import usable_hours

INPUTS = ("weather/warning", "weather/station_hourly", "ledger/deliveries")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Rain in mm of the station that had most; an hour counts when it ends after the issue and not after the
    lifting (Beijing time).

    Of a warning not lifted by `reference_day`, the last day until which the deliveries after its own are in
    without a gap, the rain until the end of that day: whether it was lifted later nobody has told. NULL when
    no station has a value in that time.
    """
    warnings = with_told_until(
        current(inputs["weather/warning"]), inputs[DELIVERIES], "weather/warning"
    ).withColumnRenamed("told_until", "reference_day")
    hours = (
        usable_hours(inputs["weather/station_hourly"])
        .where("rain_mm IS NOT NULL")
        .select("station_code", "observed_at", "rain_mm")
    )
    within = (F.col("observed_at") > F.col("issued_at")) & (F.col("observed_at") <= F.col("_until"))
    covered = F.date_add("reference_day", 1).cast("timestamp")
    spans = warnings.select("warning_no", "issued_at", F.coalesce("lifted_at", covered).alias("_until"))
    sums = (
        hours.join(F.broadcast(spans), within)
        .groupBy("warning_no", "station_code")
        .agg(
            F.sum("rain_mm").alias("rain_mm"),
            F.max("rain_mm").alias("rain_max_1h_mm"),
            F.count(F.lit(1)).alias("rain_hours"),
        )
    )
    # Most rain first; of equal sums the smaller station number.
    wettest = F.min_by(
        F.struct("station_code", "rain_mm", "rain_max_1h_mm", "rain_hours"),
        F.struct(-F.col("rain_mm"), "station_code"),
    ).alias("_most")
    most = (
        sums.groupBy("warning_no")
        .agg(wettest)
        .select("warning_no", "_most.*")
        .withColumnRenamed("station_code", "wettest_station")
    )
    minutes = F.expr("timestampdiff(MINUTE, issued_at, lifted_at)").alias("minutes_in_force")
    return warnings.join(most, "warning_no", "left").select("*", minutes).fillna(0, ["rain_hours"])
