"""Assets by grid and class after each survey: what was there before, what is new and what has vanished."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.counting import count_sure

INPUTS = ("construction/component", "codes/component_classes")
PLACE = ("grid_code", "class_code")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per survey, grid and class in which something changed; `after = before + added - vanished`.

    Surveys are the full deliveries, by the first day of their period. An asset that changes its grid or class
    vanishes in one row and is new in
    another; one that only changes its state does neither. In the first survey all assets are new. Without a
    grid code the grid is `none`.
    """
    changes = (
        _changes(inputs["construction/component"])
        .groupBy("surveyed_period", *PLACE)
        .agg(count_sure(F.col("_step") > 0).alias("added"), count_sure(F.col("_step") < 0).alias("vanished"))
    )
    until = Window.partitionBy(*PLACE).orderBy("surveyed_period")
    after = F.sum(F.col("added") - F.col("vanished")).over(until)
    counted = changes.where("added + vanished > 0").withColumn("components_after", after)
    before = F.col("components_after") - F.col("added") + F.col("vanished")
    classes = inputs["codes/component_classes"].select(
        F.col("code").alias("class_code"), F.col("label_zh").alias("class_name")
    )
    return counted.withColumn("components_before", before).join(F.broadcast(classes), "class_code", "left")


def _changes(silver: DataFrame) -> DataFrame:
    """Per survey, place and asset: +1 where it appears, -1 where it goes, 0 where one version follows another
    in place.
    """
    known = silver.where("_known_to IS NULL").withColumn("grid_code", F.coalesce("grid_code", F.lit("none")))
    steps = F.array(
        *[
            F.struct(F.col(day).alias("surveyed_period"), F.lit(step).alias("step"))
            for day, step in (("_valid_from", 1), ("_valid_to", -1))
        ]
    )
    events = known.select("object_id", *PLACE, F.inline(steps)).where("surveyed_period IS NOT NULL")
    return events.groupBy("surveyed_period", *PLACE, "object_id").agg(F.sum("step").alias("_step"))
