"""Indicators by month as known now: month from cumulative, published growth beside computed growth, breaks,
shares, seasons.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.macro_economy.releases import month_number, with_entry

INPUTS = ("marts/macro_economy/indicator_asof", "codes/indicators")
OUTSIDE_MAD = 3  # a month is out of season beyond so many median absolute deviations


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per indicator, region and month; growth in percent, gaps in percentage points.

    C(m) - C(m-1) within one release, else across releases and marked `mixed`; 1-2 月 is never split; a
    negative
    difference stands and is flagged. Published growth is never replaced: the computed one stands beside it.
    """
    rows = _latest(inputs["marts/macro_economy/indicator_asof"])
    rows = _derived(with_entry(rows, inputs["codes/indicators"], "kind", "cumulative_rule", "parent"))
    return _seasonal(_share_of_parent(rows))


def _latest(releases: DataFrame) -> DataFrame:
    """The rows known now, with the cumulative values one month and one year before: of the same release, and
    as known now.
    """
    own = releases.select("*", *_before(("source", "known_from"), "own"))
    return own.where(F.col("known_to").isNull()).select("*", *_before((), "any"))


def _before(more: tuple[str, ...], prefix: str) -> list[Column]:
    window = Window.partitionBy("indicator_code", "region_code", *more).orderBy(month_number("stat_month"))
    return [
        F.max("cumulative_value").over(window.rangeBetween(-n, -n)).alias(f"_{prefix}_{n}") for n in (1, 12)
    ]


def _derived(rows: DataFrame) -> DataFrame:
    month, value = F.month("stat_month"), F.col("cumulative_value")
    has_parts = F.col("cumulative_rule").isin("every_month", "from_february") & value.isNotNull()
    basis = (
        F.when(F.col("month_value").isNotNull(), "reported")
        .when((F.col("cumulative_rule") == "from_february") & (month <= 2), "not_split")
        .when(has_parts & (month == 1), "january")
        .when(has_parts & F.col("_own_1").isNotNull(), "one_vintage")
        .when(has_parts & F.col("_any_1").isNotNull(), "mixed")
        .otherwise("none")
    )
    difference = (
        F.when(F.col("month_basis") == "january", value)
        .when(F.col("month_basis") == "one_vintage", value - F.col("_own_1"))
        .when(F.col("month_basis") == "mixed", value - F.col("_any_1"))
    )
    based = rows.withColumn("month_basis", basis).withColumn(
        "month_value", F.coalesce("month_value", difference).cast("decimal(20,4)")
    )
    base = F.when(F.col("kind") != "index", F.coalesce("_own_12", "_any_12"))
    computed = (F.try_divide(value - base, F.nullif(base, F.lit(0))) * 100).cast("decimal(12,4)")
    derived = F.col("month_basis").isin("one_vintage", "mixed")
    return based.select(
        "*",
        (derived & (F.col("month_value") < 0)).alias("negative_difference"),
        computed.alias("cumulative_growth_computed_pct"),
        F.when(
            computed.isNotNull(), F.when(F.col("_own_12").isNotNull(), "one_vintage").otherwise("mixed")
        ).alias("growth_basis"),
        (F.col("cumulative_growth_pct") - computed).cast("decimal(12,4)").alias("growth_gap_points"),
    )


def _share_of_parent(rows: DataFrame) -> DataFrame:
    wholes = rows.select(
        F.col("indicator_code").alias("parent"),
        "region_code",
        "stat_month",
        F.col("cumulative_value").alias("_whole"),
    )
    share = F.when(
        F.col("kind") != "index",
        F.try_divide(F.col("cumulative_value") * 100, F.nullif(F.col("_whole"), F.lit(0))),
    )
    return rows.join(wholes, ["parent", "region_code", "stat_month"], "left").withColumn(
        "share_of_parent_pct", share.cast("decimal(9,4)")
    )


def _seasonal(rows: DataFrame) -> DataFrame:
    """Share of the year, its middle over the years, and whether a month lies outside; 1-2 月 counts as
    one.
    """
    flow = (
        F.when(F.col("month_basis") == "not_split", F.col("cumulative_value"))
        .otherwise(F.col("month_value"))
        .cast("double")
    )
    year = Window.partitionBy("indicator_code", "region_code", F.year("stat_month"))
    total = (
        F.max(F.when((F.month("stat_month") == 12) & (F.col("kind") == "flow"), F.col("cumulative_value")))
        .over(year)
        .cast("double")
    )
    shared = rows.withColumn("_share", F.try_divide(flow * 100, F.nullif(total, F.lit(0.0))))
    of_month = Window.partitionBy("indicator_code", "region_code", F.month("stat_month"))
    placed = shared.withColumn("_profile", F.median("_share").over(of_month)).withColumn(
        "_off", F.abs(F.col("_share") - F.col("_profile"))
    )
    spread = placed.withColumn(
        "_mad", F.median("_off").over(Window.partitionBy("indicator_code", "region_code"))
    )
    return spread.select(
        "indicator_code",
        "region_code",
        "stat_month",
        F.col("kind").alias("series_kind"),
        "unit_name",
        "month_value",
        "month_basis",
        "negative_difference",
        "cumulative_value",
        F.col("month_growth_pct").alias("month_growth_published_pct"),
        F.col("cumulative_growth_pct").alias("cumulative_growth_published_pct"),
        "cumulative_growth_computed_pct",
        "growth_basis",
        "growth_gap_points",
        F.col("break_flag").alias("level_break"),
        "unit_state",
        "share_of_parent_pct",
        F.col("_share").cast("decimal(9,4)").alias("share_of_year_pct"),
        F.when(F.col("_share").isNotNull(), F.col("_profile")).cast("decimal(9,4)").alias("season_share_pct"),
        (F.col("_off") > OUTSIDE_MAD * F.col("_mad")).alias("out_of_season"),
        F.col("vintage").alias("vintages"),
        "source",
        F.col("known_from").alias("vintage_known_from"),
    )
