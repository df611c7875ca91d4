"""What every source of the economy released, in one shape, in the units of the dictionary, with what is odd
about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.divisions import todays_codes

CITY = "210100"
SOURCES = (
    "statistics/monthly_indicator",
    "statistics/indicator_series",
    "statistics/district_indicator",
    "finance/fiscal_revenue",
    "power_supply/electricity",
    "commerce/trade_retail",
)
_SAID = {
    "month_value": "decimal(20,4)",
    "month_growth_pct": "decimal(9,2)",
    "cumulative_value": "decimal(20,4)",
    "cumulative_growth_pct": "decimal(9,2)",
    "month_raw": "string",
    "cumulative_raw": "string",
}
_CELL_UNIT = r"[0-9] ?((?:亿|万)?(?:美元|元|千瓦时|平方米|吨|人)?)\s*$"
# Judgements, not facts: a level is broken when it moved by more than a fifth in a year and published growth
# tells otherwise by ten points.
BREAK_PCT, BREAK_GAP_POINTS = 20, 10
# A value ten thousand times the middle of its series, within half an order of magnitude, is in 万 where the
# name says 亿, or the reverse.
SWITCH_ORDERS, SWITCH_WITHIN = 4, 0.5


def valid_at(month: Column, start: Column, end: Column) -> Column:
    """Whether an entry of a code list holds in a month."""
    day = F.date_format(month, "yyyy-MM-dd")
    return (F.coalesce(start, F.lit("0000")) <= day) & (day <= F.coalesce(end, F.lit("9999")))


def with_entry(rows: DataFrame, dictionary: DataFrame, *columns: Column | str) -> DataFrame:
    """Rows with columns of the dictionary in the edition of their month; NULL where the dictionary has none
    for it.
    """
    entries = dictionary.select(F.col("code").alias("_code"), "valid_from", "valid_to", *columns)
    held = (F.col("indicator_code") == F.col("_code")) & valid_at(
        F.col("stat_month"), F.col("valid_from"), F.col("valid_to")
    )
    return rows.join(F.broadcast(entries), held, "left").drop("_code", "valid_from", "valid_to")


def month_number(month: Column | str) -> Column:
    """Months since 1970-01, for windows over earlier months."""
    return (F.year(month) * 12 + F.month(month)).cast("int")


def observations(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per indicator, region, month, measure, source and release; values in the dictionary's unit.

    A value that a release leaves empty is a row for the cumulative value only: it says that nothing was
    reported.
    """
    said = _in_one_shape(inputs).select("*", F.explode(_measures()).alias("m")).select("*", "m.*")
    said = said.where(F.col("value").isNotNull() | (F.col("measure") == "cumulative_value"))
    return _broken(_switched(_converted(said, inputs["codes/indicators"], inputs["codes/units"])))


def _in_one_shape(inputs: Mapping[str, DataFrame]) -> DataFrame:
    frames = [_of(inputs[s], s) for s in SOURCES]
    said = reduce(DataFrame.unionByName, frames)
    return said.join(F.broadcast(todays_codes(inputs["codes/divisions"])), "issued", "left").withColumn(
        "region_code", F.coalesce("today", "issued")
    )


def _of(silver: DataFrame, source: str) -> DataFrame:
    given = [
        F.col(c) if c in silver.columns else F.lit(None).cast(kind).alias(c) for c, kind in _SAID.items()
    ]
    region = F.col("division_code") if "division_code" in silver.columns else F.lit(CITY)
    place = (F.lit(source).alias("source"), region.alias("issued"), F.col("_known_from").alias("released_at"))
    return silver.select(
        *place, "indicator_code", "stat_month", F.col("unit_name").alias("printed_unit"), *given
    )


def _measures() -> Column:
    def one(name: str, value: str, raw: str | None, growth: str | None) -> Column:
        text = F.col(raw) if raw else F.col(value).cast("string")
        return F.struct(
            F.lit(name).alias("measure"),
            F.col(value).cast("decimal(20,4)").alias("value"),
            text.alias("raw_text"),
            (F.col(growth) if growth else F.lit(None)).cast("double").alias("growth"),
        )

    return F.array(
        one("month_value", "month_value", "month_raw", "month_growth_pct"),
        one("month_growth", "month_growth_pct", None, None),
        one("cumulative_value", "cumulative_value", "cumulative_raw", "cumulative_growth_pct"),
        one("cumulative_growth", "cumulative_growth_pct", None, None),
    )


def is_level() -> Column:
    """Whether a row is an amount, not a rate of growth."""
    return F.col("measure").isin("month_value", "cumulative_value")


def _converted(said: DataFrame, dictionary: DataFrame, units: DataFrame) -> DataFrame:
    """`level` in the dictionary's unit, by the unit in the cell or else the one of the row; `unit_state`."""
    known = with_entry(said, dictionary, "kind", F.col("unit").alias("unit_name"))
    cell = F.nullif(F.regexp_extract(F.coalesce("raw_text", F.lit("")), _CELL_UNIT, 1), F.lit(""))
    known = known.withColumn("printed_unit", F.coalesce(cell, F.col("printed_unit")))
    for column, prefix in (("printed_unit", "p"), ("unit_name", "d")):
        list_of = units.select(
            F.col("code").alias(column),
            F.col("quantity").alias(f"{prefix}_quantity"),
            F.col("factor").cast("double").alias(f"{prefix}_factor"),
        )
        known = known.join(F.broadcast(list_of), column, "left")
    same = F.col("p_quantity").isin("any") | (F.col("p_quantity") == F.col("d_quantity"))
    factor = F.when(same, F.col("p_factor") / F.col("d_factor")).cast("decimal(17,8)")
    state = F.when(factor.isNull(), "unknown").when(factor == 1, "dictionary").otherwise("converted")
    return known.select(
        "*",
        F.when(is_level(), F.col("value") * factor)
        .otherwise(F.col("value"))
        .cast("decimal(24,8)")
        .alias("level"),
        F.when(is_level(), state).otherwise("dictionary").alias("unit_state"),
    )


def _switched(known: DataFrame) -> DataFrame:
    """A level 10 000 times off the middle of its series under the same name of unit: brought back and marked
    `undeclared`.
    """
    flow = (F.col("kind") == "flow") & (F.col("measure") == "cumulative_value")
    monthly = F.abs(F.col("level").cast("double")) / F.when(flow, F.month("stat_month")).otherwise(1)
    series = Window.partitionBy("indicator_code", "region_code", "measure")
    seen = known.withColumn("_monthly", monthly).withColumn("_middle", F.median("_monthly").over(series))
    orders = F.log10(F.try_divide(F.col("_monthly"), F.nullif(F.col("_middle"), F.lit(0.0))))
    off = F.when(is_level() & (F.abs(F.abs(orders) - SWITCH_ORDERS) < SWITCH_WITHIN), F.signum(orders))
    value = (
        F.when(off == 1, F.col("level") / 10000)
        .when(off == -1, F.col("level") * 10000)
        .otherwise(F.col("level"))
    )
    return seen.withColumn("level", value.cast("decimal(24,8)")).withColumn(
        "unit_state", F.when(off.isNotNull(), "undeclared").otherwise(F.col("unit_state"))
    )


def _broken(known: DataFrame) -> DataFrame:
    """`is_cumulative` (also of a month value that repeats the cumulative one) and `break_flag` against the
    level a year before.
    """
    release = Window.partitionBy("indicator_code", "region_code", "stat_month", "source", "released_at")
    cumulative = F.max(F.when(F.col("measure") == "cumulative_value", F.col("level"))).over(release)
    repeats = (
        (F.col("measure") == "month_value")
        & (F.month("stat_month") > 1)
        & (F.col("level") != 0)
        & (F.col("level") == cumulative)
    )
    series = (
        Window.partitionBy("indicator_code", "region_code", "measure")
        .orderBy(month_number("stat_month"))
        .rangeBetween(-12, -12)
    )
    before = F.max(F.struct("released_at", "level")).over(series)["level"].cast("double")
    moved = (F.try_divide(F.col("level").cast("double"), F.nullif(before, F.lit(0.0))) - 1) * 100
    broken = is_level() & (F.abs(moved) > BREAK_PCT) & (F.abs(moved - F.col("growth")) > BREAK_GAP_POINTS)
    cumulates = F.col("measure").isin("cumulative_value", "cumulative_growth")
    flow = F.col("kind") == "flow"
    return known.select(
        "*",
        F.coalesce(flow & (cumulates | F.coalesce(repeats, F.lit(False))), F.lit(False)).alias(
            "is_cumulative"
        ),
        F.coalesce(broken, F.lit(False)).alias("break_flag"),
    )
