"""Joins in space by plain grid keys: which management grid holds a point, and which points stand within
metres of each other.
"""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_sure
from citylake.marts.urban_components.coordinates import METRES_PER_DEGREE, metres_between

KEY_DEGREES = 0.01  # a key of about a kilometre: a grid of 10,000 m2 touches one to four of them
NEAR_M, TWIN_M = 3.0, 1.0
CELL_M = 4.0  # at least NEAR_M on every parallel of the city, so that neighbours stand in adjacent cells
MIDDLE = math.cos(math.radians(41.8))


def grid_of(points: DataFrame, grids: DataFrame, key: str) -> DataFrame:
    """`key` and `found_grid`, `found_division`: the grid whose box holds `longitude`, `latitude`; no row
    outside all grids.
    """
    keys = {"_x": F.explode(_keys("west", "east")), "_y": F.explode(_keys("south", "north"))}
    boxes = grids.select("grid_code", "division_code", "west", "south", "east", "north")
    for name, value in keys.items():
        boxes = boxes.withColumn(name, value)
    asked = points.select(
        key,
        "longitude",
        "latitude",
        _key(F.col("longitude")).alias("_x"),
        _key(F.col("latitude")).alias("_y"),
    )
    held = asked.join(boxes, ["_x", "_y"]).where(
        "longitude >= west AND longitude < east AND latitude >= south AND latitude < north"
    )
    found = F.min(F.struct("grid_code", "division_code")).alias("_found")
    return (
        held.groupBy(key)
        .agg(found)
        .select(
            key,
            F.col("_found.grid_code").alias("found_grid"),
            F.col("_found.division_code").alias("found_division"),
        )
    )


def _key(degrees: Column) -> Column:
    return F.floor(degrees.cast("double") / KEY_DEGREES)


def _keys(low: str, high: str) -> Column:
    """All keys that a bound touches."""
    return F.sequence(_key(F.col(low)), _key(F.col(high)))


def boxes_of_divisions(grids: DataFrame) -> DataFrame:
    """The smallest box around all grids of a division: its `west`, `south`, `east`, `north`."""
    return grids.groupBy("division_code").agg(
        F.min("west").alias("west"),
        F.min("south").alias("south"),
        F.max("east").alias("east"),
        F.max("north").alias("north"),
    )


def twins(points: DataFrame, key: str, kind: str) -> DataFrame:
    """`key`, `twins_1m`, `twins_3m` and `twin_of` for points with others of the same kind within 3 m.

    `twin_of` is the smallest key within 1 m of the point, itself included; NULL without a twin within 1 m.
    Twins of twins are not followed.
    """
    east = F.floor(F.col("longitude").cast("double") * METRES_PER_DEGREE * MIDDLE / CELL_M)
    north = F.floor(F.col("latitude").cast("double") * METRES_PER_DEGREE / CELL_M)
    here = points.select(key, kind, "longitude", "latitude", east.alias("_x"), north.alias("_y"))
    others = here.select(
        F.col(key).alias("_other"),
        kind,
        F.col("longitude").alias("_lon"),
        F.col("latitude").alias("_lat"),
        "_x",
        "_y",
    )
    around = here.withColumn("_x", F.explode(_around("_x"))).withColumn("_y", F.explode(_around("_y")))
    near = around.join(others, [kind, "_x", "_y"]).where(F.col(key) != F.col("_other"))
    far = metres_between(*[F.col(c).cast("double") for c in ("longitude", "latitude", "_lon", "_lat")])
    pairs = near.withColumn("_far", far).where(F.col("_far") <= NEAR_M)
    close = F.col("_far") <= TWIN_M
    counted = pairs.groupBy(key).agg(
        count_sure(close).alias("twins_1m"),
        F.count(F.lit(1)).alias("twins_3m"),
        F.min(F.when(close, F.col("_other"))).alias("_low"),
    )
    return counted.withColumn("twin_of", F.when(F.col("_low").isNotNull(), F.least(F.col(key), "_low"))).drop(
        "_low"
    )


def _around(cell: str) -> Column:
    return F.sequence(F.col(cell) - 1, F.col(cell) + 1)
