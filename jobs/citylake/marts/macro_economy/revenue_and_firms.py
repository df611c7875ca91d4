"""Tax revenue beside the taxpayers registered in the year before."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

INPUTS = ("marts/macro_economy/indicator_month", "state_taxation/taxpayer")
TAX_REVENUE, CITY = "一般公共预算收入/税收收入", "210100"


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per month; revenue since January in 100 million CNY, numbers of organisations. What goes
    together need not cause.
    """
    taxpayers = (
        inputs["state_taxation/taxpayer"]
        .groupBy("taxpayer_no")
        .agg(F.min("registered_on").alias("registered_on"))
    )
    opened = taxpayers.groupBy(F.year("registered_on").alias("year")).agg(F.count(F.lit(1)).alias("opened"))
    ours = (F.col("indicator_code") == TAX_REVENUE) & (F.col("region_code") == CITY)
    months = inputs["marts/macro_economy/indicator_month"].where(ours)
    for n, name in ((1, "opened_last_year"), (2, "opened_year_before")):
        counted = opened.select((F.col("year") + n).alias("year"), F.col("opened").alias(name))
        months = months.join(F.broadcast(counted), F.year("stat_month") == counted["year"], "left").drop(
            "year"
        )
    return months.select(
        "stat_month",
        F.col("cumulative_value").alias("tax_revenue"),
        F.col("cumulative_growth_published_pct").alias("tax_revenue_growth_pct"),
        F.coalesce("opened_last_year", F.lit(0)).alias("opened_last_year"),
        F.coalesce("opened_year_before", F.lit(0)).alias("opened_year_before"),
    )
