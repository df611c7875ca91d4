"""Cases by the body that owns the asset and the month of their report; assets that nobody owns and assets
that nobody surveyed stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_known, count_sure

INPUTS = ("marts/urban_components/case",)
NOBODY, UNMATCHED = "无主", "未匹配部件"


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Counts of cases; `unowned` rows bear the name 无主 and hold cases about assets without an owner, of
    class 0114, or about no asset; `unmatched` rows those about an asset that the survey does not hold: whose
    it is nobody knows.

    Clocks are office hours. Overdue: closed after the deadline, or open when the deadline was past on the
    last day that the deliveries of cases cover.
    """
    owner = (
        F.when(F.col("unmatched"), F.lit(UNMATCHED))
        .when(F.col("unowned"), F.lit(NOBODY))
        .otherwise(F.col("owner_name"))
        .alias("owner_name")
    )
    return (
        inputs["marts/urban_components/case"]
        .groupBy(owner, F.trunc("reported_at", "month").alias("reported_month"))
        .agg(
            F.bool_or("unowned").alias("unowned"),
            F.bool_or("unmatched").alias("unmatched"),
            F.count(F.lit(1)).alias("cases"),
            count_sure(F.col("object_id").isNull()).alias("without_component"),
            count_sure(F.col("closed_at").isNotNull()).alias("closed"),
            count_known(F.col("overdue")).alias("overdue"),
            count_sure(F.col("overdue").isNull()).alias("overdue_unknown"),
            count_known(F.col("over_limit")).alias("over_limit"),
            count_sure(F.col("closed_at").isNotNull() & F.col("over_limit").isNull()).alias(
                "over_limit_unknown"
            ),
            count_sure(F.col("handled_again")).alias("handled_again"),
            count_sure(F.col("reopened")).alias("reopened"),
            F.avg("closing_working_hours").cast("decimal(9,2)").alias("mean_closing_working_hours"),
        )
    )
