"""What was known when: each release of an indicator and month from the moment it was known to the one that
took its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

INPUTS = ("marts/macro_economy/observation",)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per indicator, region, month and release. As known on D: known_from <= D and (known_to is null
    or known_to > D).

    A release takes the place of the earlier one as a whole. A month value that only repeats the cumulative
    one is left out.
    """
    said = inputs["marts/macro_economy/observation"]
    month = F.when((F.col("measure") == "month_value") & ~F.col("is_cumulative"), F.col("value"))
    plain = {
        m: F.when(F.col("measure") == m, F.col("value"))
        for m in ("month_growth", "cumulative_value", "cumulative_growth")
    }
    cumulative = F.col("measure") == "cumulative_value"
    wide = said.groupBy(
        "indicator_code", "region_code", "stat_month", "source", F.col("released_at").alias("known_from")
    ).agg(
        F.max(F.when(F.col("unit_name") != "%", F.col("unit_name"))).alias("_unit"),
        F.max(month).alias("month_value"),
        F.max(plain["month_growth"]).alias("month_growth_pct"),
        F.max(plain["cumulative_value"]).alias("cumulative_value"),
        F.max(plain["cumulative_growth"]).alias("cumulative_growth_pct"),
        F.max(F.when(cumulative, F.col("unit_state"))).alias("unit_state"),
        F.bool_or(F.col("break_flag") & cumulative).alias("break_flag"),
    )
    history = Window.partitionBy("indicator_code", "region_code", "stat_month").orderBy(
        "known_from", "source"
    )
    return wide.select(
        "*",
        F.coalesce("_unit", F.lit("%")).alias("unit_name"),
        F.row_number().over(history).alias("vintage"),
        F.lead("known_from").over(history).alias("known_to"),
    )
