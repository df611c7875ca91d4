"""Urban components by district of issue, class and state, with what is doubtful about them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_known, count_sure
from citylake.marts.history import current

INPUTS = ("construction/component", "marts/urban_components/asset", "codes/component_classes")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Counts of components; the division is the one at issue (first six digits of the code, never rewritten).

    `outside_grid` and `surveyed_twice` count assets that `urban_components.asset` finds outside their grid or
    within 1 m of their like.
    """
    classes = inputs["codes/component_classes"].select(
        F.col("code").alias("class_code"), F.col("label_zh").alias("class_name")
    )
    doubts = inputs["marts/urban_components/asset"].select("object_id", "in_grid", "twins_1m")
    rows = (
        current(inputs["construction/component"])
        .withColumn("division_at_issue", F.substring("object_id", 1, 6))
        .join(doubts, "object_id", "left")
    )
    counted = rows.groupBy("division_at_issue", "class_code", "state_code").agg(
        F.count(F.lit(1)).alias("components"),
        count_sure(F.col("owner_name").isNull()).alias("without_owner"),
        count_known(~F.col("in_grid")).alias("outside_grid"),
        count_sure(F.col("in_grid").isNull()).alias("grid_unknown"),
        count_sure(F.col("twins_1m") > 0).alias("surveyed_twice"),
        F.min("surveyed_on").alias("first_surveyed_on"),
        F.max("surveyed_on").alias("last_surveyed_on"),
    )
    return counted.join(F.broadcast(classes), "class_code", "left")
