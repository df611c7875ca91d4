"""Indicators by month: value and cumulative value, published growth beside computed growth, unit and vintage."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("statistics/monthly_indicator",)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Growth in percent. Published growth is never replaced: the computed one stands beside it.

    A missing month value is taken as C(m) - C(m-1) of the same year and unit, flagged `month_derived`; there is no
    January, and February is the cumulative 1-2 月.
    """
    silver = inputs["statistics/monthly_indicator"]
    vintages = silver.groupBy("indicator_code", "stat_month").agg(F.count_distinct("_known_from").alias("vintages"))
    rows = current(silver).join(vintages, ["indicator_code", "stat_month"]).select("*", *_before(1, "_last"), *_before(12, "_year"))
    follows = (F.year("_last_month") == F.year("stat_month")) & (F.col("_last_month") == F.add_months("stat_month", -1))
    difference = F.when(follows & (F.col("_last_unit") == F.col("unit_name")), F.col("cumulative_value") - F.col("_last_cumulative"))
    base = F.when((F.col("_year_month") == F.add_months("stat_month", -12)) & (F.col("_year_unit") == F.col("unit_name")), F.col("_year_cumulative"))
    computed = F.try_divide((F.col("cumulative_value") - base) * 100, base).cast("decimal(12,4)")
    return rows.select(
        "indicator_code", "stat_month", "unit_name",
        F.coalesce("month_value", difference).cast("decimal(20,4)").alias("month_value"),
        (F.col("month_value").isNull() & difference.isNotNull()).alias("month_derived"),
        "cumulative_value",
        F.col("month_growth_pct").alias("month_growth_published_pct"),
        F.col("cumulative_growth_pct").alias("cumulative_growth_published_pct"),
        computed.alias("cumulative_growth_computed_pct"),
        "vintages", F.col("_known_from").alias("vintage_known_from"),
    )  # fmt: skip


def _before(months: int, prefix: str) -> list[Column]:
    """Month, unit and cumulative value `months` reports earlier: looked up by month, as reports may be missing."""
    month = F.months_between("stat_month", F.lit("1970-01-01").cast("date")).cast("int")
    window = Window.partitionBy("indicator_code").orderBy(month).rangeBetween(-months, -months)
    names = {"month": "stat_month", "unit": "unit_name", "cumulative": "cumulative_value"}
    return [F.max(column).over(window).alias(f"{prefix}_{name}") for name, column in names.items()]
