"""Every value of every release: what was printed, what it is in the dictionary's unit, and what is odd about
it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.macro_economy.releases import is_level, observations

INPUTS = (
    "statistics/monthly_indicator",
    "statistics/indicator_series",
    "statistics/district_indicator",
    "finance/fiscal_revenue",
    "power_supply/electricity",
    "commerce/trade_retail",
    "codes/indicators",
    "codes/units",
    "codes/divisions",
)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per indicator, region, month, measure, source and release; a growth is in percent."""
    percent = F.lit("%")
    return observations(inputs).select(
        "indicator_code",
        "region_code",
        "stat_month",
        "measure",
        "source",
        "released_at",
        F.col("level").cast("decimal(20,4)").alias("value"),
        F.when(is_level(), F.coalesce("unit_name", "printed_unit")).otherwise(percent).alias("unit_name"),
        F.when(is_level(), F.col("printed_unit")).otherwise(percent).alias("printed_unit"),
        "raw_text",
        "unit_state",
        "is_cumulative",
        "break_flag",
    )
