"""One row per urban component: its class by edition, its place in CGCS2000, its division at issue and now,
and what is doubtful about it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.divisions import todays_codes
from citylake.marts.history import current
from citylake.marts.urban_components.coordinates import metres_outside, with_candidates, with_datum
from citylake.marts.urban_components.places import boxes_of_divisions, grid_of, twins

INPUTS = (
    "construction/component",
    "construction/grid",
    "codes/component_classes",
    "codes/component_majors",
    "codes/divisions",
    "codes/declared_datums",
)
UNOWNED_CLASS = "0114"  # 无主井盖: a class whose name says that nobody owns it
BOX = ("west", "south", "east", "north")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Coordinates in degrees; the raw ones as delivered, the others in CGCS2000 from the datum that fits the
    asset's grid best.

    A code stays as issued; `division_now` follows the successors of its first six digits. Twins are assets of
    one class within 1 m or 3 m.
    """
    grids = current(inputs["construction/grid"])
    rows = current(inputs["construction/component"]).withColumnsRenamed(
        {"longitude": "raw_longitude", "latitude": "raw_latitude"}
    )
    placed = _placed(_declared(rows, inputs["codes/declared_datums"]), grids)
    named = _classes(
        _divisions(placed, inputs["codes/divisions"]),
        inputs["codes/component_classes"],
        inputs["codes/component_majors"],
    )
    inside = _in_district(named, grids)
    near = twins(inside.where("class_code IS NOT NULL"), "object_id", "class_code")
    joined = inside.join(grid_of(inside, grids, "object_id"), "object_id", "left").join(
        near, "object_id", "left"
    )
    return joined.join(_states(inputs["construction/component"]), "object_id", "left").select(*_columns())


def _columns() -> list[str | Column]:
    none = F.lit(0).cast("bigint")
    return [
        "object_id",
        "name",
        "class_code",
        "class_name",
        "class_edition",
        "group_name",
        "class_conflict",
        "division_at_issue",
        "division_now",
        "grid_code",
        "found_grid",
        "in_grid",
        "in_district",
        "raw_longitude",
        "raw_latitude",
        "declared_datum",
        "detected_datum",
        (F.col("detected_datum") != F.col("declared_datum")).alias("datum_conflict"),
        "longitude",
        "latitude",
        "manager_name",
        "owner_name",
        "keeper_name",
        (F.col("owner_name").isNull() | (F.col("class_code") == UNOWNED_CLASS)).alias("unowned"),
        "state_code",
        "other_states",
        "material",
        "surveyed_on",
        F.coalesce("twins_1m", none).alias("twins_1m"),
        F.coalesce("twins_3m", none).alias("twins_3m"),
        "twin_of",
        F.when(F.col("class_name").isNotNull(), F.col("weather_join").eqNullSafe("rain")).alias(
            "rain_exposed"
        ),
    ]


def _declared(rows: DataFrame, declared: DataFrame) -> DataFrame:
    """Adds `declared_datum`: what the contract stated about surveys of that day."""
    mine = declared.where("code = 'construction/component'").select(
        F.col("datum_code").alias("declared_datum"),
        F.to_date("valid_from").alias("_from"),
        F.to_date("valid_to").alias("_to"),
    )
    return rows.join(F.broadcast(mine), _within("surveyed_on"), "left").drop("_from", "_to")


def _within(day: str) -> Column:
    """The day lies between `_from` and `_to`, open ends included."""
    return (F.col("_from").isNull() | (F.col(day) >= F.col("_from"))) & (
        F.col("_to").isNull() | (F.col(day) <= F.col("_to"))
    )


def _placed(rows: DataFrame, grids: DataFrame) -> DataFrame:
    """Adds `detected_datum`, `longitude`, `latitude` and `in_grid` (NULL where the grid is not in the
    register).
    """
    boxed = with_candidates(rows, "raw_longitude", "raw_latitude").join(
        grids.select("grid_code", *BOX), "grid_code", "left"
    )
    return with_datum(boxed).withColumn("in_grid", _inside()).drop(*BOX)


def _inside() -> Column:
    return metres_outside(F.col("longitude").cast("double"), F.col("latitude").cast("double")) == 0


def _in_district(rows: DataFrame, grids: DataFrame) -> DataFrame:
    """Adds `in_district`: inside the box around all grids of the division; NULL where the division has
    none.
    """
    boxes = boxes_of_divisions(grids).withColumnRenamed("division_code", "division_now")
    return (
        rows.join(F.broadcast(boxes), "division_now", "left").withColumn("in_district", _inside()).drop(*BOX)
    )


def _divisions(rows: DataFrame, divisions: DataFrame) -> DataFrame:
    """Adds `division_at_issue` (of the code) and `division_now`, the code that stands for it today."""
    issued = rows.withColumn("division_at_issue", F.substring("object_id", 1, 6))
    today = todays_codes(divisions).select(
        F.col("issued").alias("division_at_issue"), F.col("today").alias("_today")
    )
    return (
        issued.join(F.broadcast(today), "division_at_issue", "left")
        .withColumn("division_now", F.coalesce("_today", "division_at_issue"))
        .drop("_today")
    )


def _classes(rows: DataFrame, classes: DataFrame, majors: DataFrame) -> DataFrame:
    """Adds the class's name, the edition in force at the survey with its group, and `class_conflict`: code,
    name or NULL.
    """
    names = classes.select(
        F.col("code").alias("class_code"), F.col("label_zh").alias("class_name"), "weather_join"
    )
    labels = classes.select(F.col("label_zh").alias("name"), F.lit(True).alias("_a_class")).distinct()
    groups = majors.select(
        F.col("code").alias("_major"),
        F.col("edition").alias("class_edition"),
        F.col("group_label").alias("group_name"),
        F.to_date("valid_from").alias("_from"),
        F.to_date("valid_to").alias("_to"),
    )
    named = rows.join(F.broadcast(names), "class_code", "left").join(F.broadcast(labels), "name", "left")
    grouped = named.join(
        F.broadcast(groups),
        (F.substring("class_code", 1, 2) == F.col("_major")) & _within("surveyed_on"),
        "left",
    )
    other_name = F.col("_a_class") & (F.col("name") != F.col("class_name"))
    conflict = F.when(F.substring("object_id", 7, 4) != F.col("class_code"), "code").when(other_name, "name")
    return grouped.withColumn("class_conflict", conflict).drop("_major", "_from", "_to", "_a_class")


def _states(silver: DataFrame) -> DataFrame:
    """`other_states`: how many states other than one an asset has had in all versions known now."""
    known = silver.where("_known_to IS NULL")
    return known.groupBy("object_id").agg((F.count_distinct("state_code") - 1).alias("other_states"))
