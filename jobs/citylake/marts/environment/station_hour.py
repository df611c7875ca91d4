"""Hourly values of the air stations with what is wrong with them: a value left out is empty, never zero."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.environment.aqi import ITEMS, iaqi, rule, rules, tables, valid_on
from citylake.marts.history import current

INPUTS = ("environment/air_quality_hourly", "codes/air_items", "codes/aqi_breakpoints", "codes/air_rules")
SENTINELS = (-9999, 9999, 99999, 999999)
CO_TOP = 150  # mg/m3, end of every AQI table of CO: more is ug/m3
# of the hours of a run another station is in a run about as long; two sensors that stick by chance end at
# their own time
REPLAYED = 0.9
LAGS = (
    -8,
    -1,
    0,
    1,
    8,
)  # hours by which a clock is taken to be off: UTC for Beijing time, the hour before or after
KEY = ("station_code", "measured_at", "item_code")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per station, hour and item: `delivered_value`, the usable `value` and one boolean per fault.

    Stuck and replayed values are left out; CO in ug/m3 is divided by 1000; an AQI by another edition is
    reckoned again; pairs
    with PM2.5 above PM10 and the hours of a wrong clock are kept and marked. Hours are Beijing time as
    delivered.
    """
    rows = _read(current(inputs["environment/air_quality_hourly"]), inputs["codes/air_items"]).crossJoin(
        F.broadcast(rules(inputs["codes/air_rules"]))
    )
    indices = _indices(rows, inputs["codes/aqi_breakpoints"])
    marked = (
        _without_stuck(rows)
        .join(_shifted(rows), ["station_code", "day"], "left")
        .join(indices, ["station_code", "measured_at"], "left")
    )
    marked = marked.withColumn("is_other_edition", _other_edition())
    return marked.select(
        *KEY,
        "delivered_value",
        F.when(F.col("is_other_edition"), F.col("own_aqi")).otherwise(F.col("value")).alias("value"),
        F.coalesce(F.col("delivered_value").isin(*SENTINELS), F.lit(False)).alias("is_missing_code"),
        F.coalesce(
            (F.col("delivered_value") < 0) & ~F.col("delivered_value").isin(*SENTINELS), F.lit(False)
        ).alias("is_negative"),
        "is_co_unit",
        "is_stuck",
        "is_replay",
        _inverted().alias("is_inverted"),
        "is_other_edition",
        F.coalesce(F.col("hourly") & F.col("is_clock_shift"), F.lit(False)).alias("is_clock_shift"),
    )


def _read(silver: DataFrame, items: DataFrame) -> DataFrame:
    """Values in the unit of their item, the day, and whether the item is one of the six that are measured by
    the hour.
    """
    listed = F.broadcast(
        items.select(F.col("code").alias("item_code"), (F.col("averaging") == "1h").alias("_hourly"))
    )
    co = F.coalesce((F.col("item_code") == "CO") & (F.col("value") > CO_TOP), F.lit(False))
    return silver.join(listed, "item_code", "left").select(
        *KEY,
        "delivered_value",
        F.when(co, F.col("value") / 1000).otherwise(F.col("value")).cast("decimal(9,3)").alias("value"),
        co.alias("is_co_unit"),
        F.to_date("measured_at").alias("day"),
        F.coalesce("_hourly", F.lit(False)).alias("hourly"),
        (F.col("item_code") == "AQI").alias("is_aqi"),
    )


def _without_stuck(rows: DataFrame) -> DataFrame:
    """Rows with `is_stuck` and `is_replay`, and `value` empty where either holds.

    A run is one value other than zero in so many measured hours in a row (missing hours do not end it); one
    that nearly coincides with
    a run of another station on the same item was replayed by the platform.
    """
    series = Window.partitionBy("station_code", "item_code").orderBy("measured_at")
    known = F.last("value", True).over(series.rowsBetween(Window.unboundedPreceding, -1))
    runs = rows.withColumn(
        "_changed", F.coalesce((F.col("value") != known).cast("int"), F.lit(0))
    ).withColumn("_run", F.sum("_changed").over(series))
    run = Window.partitionBy("station_code", "item_code", "_run")
    length = F.count("value").over(run)
    long = F.col("hourly") & (F.col("value") != 0) & (length >= F.expr(rule("stuck_hours", "day")))
    stuck = runs.withColumn("_stuck", F.coalesce(long, F.lit(False))).withColumn(
        "_length", F.when(F.col("_stuck"), length)
    )
    lengths = F.collect_list("_length").over(Window.partitionBy("item_code", "measured_at"))
    alike = F.filter(
        lengths, lambda n: (n >= REPLAYED * F.col("_length")) & (F.col("_length") >= REPLAYED * n)
    )
    together = F.size(alike) > 1
    share = F.avg(F.when(F.col("_stuck"), F.col("_together").cast("int"))).over(run)
    judged = stuck.withColumn("_together", together).withColumn(
        "is_replay", F.col("_stuck") & (share >= REPLAYED)
    )
    judged = judged.withColumn("is_stuck", F.col("_stuck") & ~F.col("is_replay"))
    return judged.withColumn("value", F.when(~F.col("_stuck"), F.col("value"))).drop(
        "_changed", "_run", "_stuck", "_together", "_length"
    )


def _inverted() -> Column:
    """PM2.5 above PM10 at the same station and hour, both usable: part of the coarser cannot be more than the
    whole.
    """
    hour = Window.partitionBy("station_code", "measured_at")
    fine, coarse = (
        F.max(F.when(F.col("item_code") == i, F.col("value"))).over(hour) for i in ("PM2.5", "PM10")
    )
    return F.coalesce(F.col("item_code").isin("PM2.5", "PM10") & (fine > coarse), F.lit(False))


def _other_edition() -> Column:
    """An AQI beside six delivered items that is not the one of the edition in force but that of another."""
    delivered = F.col("value").cast("bigint")
    judged = F.col("is_aqi") & (F.col("complete") == len(ITEMS)) & (delivered != F.col("own_aqi"))
    return F.coalesce(judged & F.array_contains("other_aqi", delivered), F.lit(False))


def _indices(rows: DataFrame, breakpoints: DataFrame) -> DataFrame:
    """Per station and hour: `complete` (items delivered), `own_aqi` by the edition in force, `other_aqi` by
    all others.
    """
    listed = F.broadcast(tables(breakpoints.where("averaging = '1h'")))
    each = (
        rows.where("hourly AND value IS NOT NULL")
        .join(listed, "item_code")
        .withColumn("_iaqi", iaqi("value"))
    )
    editions = each.groupBy("station_code", "measured_at", "edition").agg(
        F.max("_iaqi").alias("_aqi"),
        F.count(F.lit(1)).alias("_items"),
        F.bool_and(F.expr(valid_on("day"))).alias("_valid"),
    )
    return editions.groupBy("station_code", "measured_at").agg(
        F.max("_items").alias("complete"),
        F.max(F.when(F.col("_valid"), F.col("_aqi"))).alias("own_aqi"),
        F.collect_set(F.when(~F.col("_valid"), F.col("_aqi"))).alias("other_aqi"),
    )


def _shifted(rows: DataFrame) -> DataFrame:
    """Station days whose hours follow the city's at another hour much better than at their own: the clock is
    wrong.

    Correlation over a day's hours with the median of the stations (three at least), averaged over the items.
    """
    measured = rows.where("hourly")
    typical = (
        measured.groupBy("item_code", "measured_at")
        .agg(F.median("value").alias("_median"), F.count("value").alias("_stations"))
        .where("_stations >= 3")
    )
    hours = Window.partitionBy("item_code").orderBy(F.unix_seconds("measured_at"))
    moved = [F.max("_median").over(hours.rangeBetween(-3600 * n, -3600 * n)).alias(_lag(n)) for n in LAGS]
    beside = measured.join(
        F.broadcast(typical.select("item_code", "measured_at", *moved)), ["item_code", "measured_at"]
    )
    ramp = (
        F.hour("measured_at") * 1e-6
    )  # a day of one value has no correlation to reckon: dividing by zero is an error
    matched = [F.corr(F.col("value") + ramp, F.col(_lag(n)) + ramp).alias(_lag(n)) for n in LAGS]
    by_item = beside.groupBy("station_code", "item_code", "day").agg(
        *matched, F.first("rules").alias("rules")
    )
    by_day = by_item.groupBy("station_code", "day").agg(
        *[F.avg(_lag(n)).alias(_lag(n)) for n in LAGS], F.first("rules").alias("rules")
    )
    best = F.greatest(*[F.coalesce(_lag(n), F.lit(-1.0)) for n in LAGS])
    off = (best - F.col(_lag(0)) >= F.expr(rule("shift_gain", "day"))) & (
        best >= F.expr(rule("shift_correlation", "day"))
    )
    return by_day.select("station_code", "day", off.alias("is_clock_shift"))


def _lag(hours: int) -> str:
    return f"_lag_{hours}".replace("-", "m")
