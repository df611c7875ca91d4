"""Whether parts make their whole: districts against the city, and the parts of a partition against their
indicator. Never forced.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.divisions import todays_codes
from citylake.marts.macro_economy.releases import CITY, valid_at, with_entry

INPUTS = ("marts/macro_economy/indicator_asof", "codes/indicators", "codes/divisions")
_KEY = ("kind", "indicator_code", "partition_name", "region_code", "stat_month")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per kind, whole, partition, region and month; `within` is unknown while a part or the whole is
    missing.
    """
    known = inputs["marts/macro_economy/indicator_asof"].where(F.col("known_to").isNull())
    values = known.select("indicator_code", "region_code", "stat_month", "cumulative_value")
    dictionary = inputs["codes/indicators"]
    sums = _districts(values, inputs["codes/divisions"]).unionByName(_parts(values, dictionary))
    wholes = values.select(
        "indicator_code", "region_code", "stat_month", F.col("cumulative_value").alias("whole_value")
    )
    joined = sums.join(wholes, ["indicator_code", "region_code", "stat_month"])
    joined = with_entry(joined, dictionary, "additive_over", F.col("tolerance_pct").cast("decimal(9,4)"))
    additive = joined.where(F.expr("array_contains(split(additive_over, ' '), kind)"))
    gap = F.col("parts_sum") - F.col("whole_value")
    share = (F.try_divide(gap * 100, F.nullif(F.abs("whole_value"), F.lit(0)))).cast("decimal(12,4)")
    complete = F.col("parts_count") == F.col("parts_expected")
    return additive.select(
        *_KEY,
        "whole_value",
        "parts_sum",
        "parts_count",
        "parts_expected",
        gap.cast("decimal(20,4)").alias("gap"),
        share.alias("gap_pct"),
        "tolerance_pct",
        F.when(complete, F.abs(share) <= F.col("tolerance_pct")).alias("within"),
    )


def _districts(values: DataFrame, divisions: DataFrame) -> DataFrame:
    """Sums over the districts of the city; as many are expected as the list of divisions has in that year."""
    sums = (
        values.where(F.col("region_code") != CITY)
        .groupBy("indicator_code", "stat_month")
        .agg(
            F.sum("cumulative_value").cast("decimal(20,4)").alias("parts_sum"),
            F.count("cumulative_value").alias("parts_count"),
        )
    )
    listed = divisions.where(F.col("kind").isin("district", "county", "county-level city")).join(
        todays_codes(divisions), F.col("code") == F.col("issued")
    )
    years = sums.select(F.year("stat_month").alias("year")).distinct()
    since, until = (F.substring(c, 1, 4).cast("int") for c in ("valid_from", "valid_to"))
    held = F.col("year").between(F.coalesce(since, F.lit(0)), F.coalesce(until, F.lit(9999)))
    expected = (
        years.join(F.broadcast(listed), held)
        .groupBy("year")
        .agg(F.count_distinct("today").alias("parts_expected"))
    )
    told = sums.join(expected, F.year("stat_month") == F.col("year"))
    marks = (
        F.lit("districts").alias("kind"),
        F.lit("districts").alias("partition_name"),
        F.lit(CITY).alias("region_code"),
    )
    return told.select(*marks, "indicator_code", "stat_month", "parts_sum", "parts_count", "parts_expected")


def _parts(values: DataFrame, dictionary: DataFrame) -> DataFrame:
    """Sums over the parts that the dictionary puts into one partition of a whole."""
    parts = dictionary.where(F.col("part_of").isNotNull()).select(
        "code", "parent", F.col("part_of").alias("partition_name"), "valid_from", "valid_to"
    )
    months = values.select("region_code", "stat_month").distinct()
    due = months.join(
        F.broadcast(parts), valid_at(F.col("stat_month"), F.col("valid_from"), F.col("valid_to"))
    )
    held = due.join(
        values.withColumnRenamed("indicator_code", "code"), ["code", "region_code", "stat_month"], "left"
    )
    return (
        held.groupBy(
            F.lit("parts").alias("kind"),
            F.col("parent").alias("indicator_code"),
            "partition_name",
            "region_code",
            "stat_month",
        )
        .agg(
            F.sum("cumulative_value").cast("decimal(20,4)").alias("parts_sum"),
            F.count("cumulative_value").alias("parts_count"),
            F.count(F.lit(1)).alias("parts_expected"),
        )
        .where(F.col("parts_count") > 0)
    )
