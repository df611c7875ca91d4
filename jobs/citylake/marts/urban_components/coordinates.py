"""Datums as Spark expressions: GCJ-02 and BD-09 to and from WGS-84 (CGCS2000 within centimetres), and the
datum that fits a point best.

Degrees in, degrees out. The two datums are published as formulas over WGS-84 only; their inverses are found
by correcting a first
guess with the forward formula, which leaves less than ten centimetres in the city. Source: the formulas that
circulate as wgs2gcj and gcj2bd.
"""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

AXIS, ECCENTRICITY = (
    6378245.0,
    0.00669342162296594323,
)  # Krasovsky 1940: half axis in metres, squared eccentricity
BD_STEP = math.pi * 3000 / 180
METRES_PER_DEGREE = 111320.0  # of latitude; of longitude times the cosine of the latitude
DATUMS = ("CGCS2000", "GCJ-02", "BD-09")
TOLERANCE_M = 10.0  # how far beyond its grid a surveyed point still counts as in it when datums are compared

Point = tuple[Column, Column]


def gcj02(longitude: Column, latitude: Column) -> Point:
    """The GCJ-02 point of a WGS-84 point."""
    x, y = longitude - 105.0, latitude - 35.0
    shared = _waves(x, (20, 6), (20, 2))
    east = (
        300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * F.sqrt(F.abs(x))
        + shared
        + _waves(x, (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30))
    )
    north = 2.0 * x - 100.0 + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * F.sqrt(F.abs(x)) + shared
    north = north + _waves(y, (20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30))
    at = F.radians(latitude)
    magic = 1.0 - ECCENTRICITY * F.sin(at) * F.sin(at)
    return (
        longitude + F.degrees(east * F.sqrt(magic) / (AXIS * F.cos(at))),
        latitude + F.degrees(north * magic * F.sqrt(magic) / (AXIS * (1 - ECCENTRICITY))),
    )


def _waves(of: Column, *waves: tuple[float, float]) -> Column:
    """Two thirds of the sum of `size * sin(turns * pi * of)`."""
    total = F.lit(0.0)
    for size, turns in waves:
        total = total + float(size) * F.sin(of * (turns * math.pi))
    return total * 2.0 / 3.0


def bd09_of_gcj02(longitude: Column, latitude: Column) -> Point:
    """The BD-09 point of a GCJ-02 point."""
    far = F.sqrt(longitude * longitude + latitude * latitude) + 0.00002 * F.sin(latitude * BD_STEP)
    angle = F.atan2(latitude, longitude) + 0.000003 * F.cos(longitude * BD_STEP)
    return far * F.cos(angle) + 0.0065, far * F.sin(angle) + 0.006


def gcj02_of_bd09(longitude: Column, latitude: Column) -> Point:
    """The GCJ-02 point of a BD-09 point, the published first-order inverse (within 0.6 m)."""
    x, y = longitude - 0.0065, latitude - 0.006
    far = F.sqrt(x * x + y * y) - 0.00002 * F.sin(y * BD_STEP)
    angle = F.atan2(y, x) - 0.000003 * F.cos(x * BD_STEP)
    return far * F.cos(angle), far * F.sin(angle)


def with_candidates(points: DataFrame, longitude: str, latitude: str) -> DataFrame:
    """Adds `_lon_<datum>`, `_lat_<datum>`: where a point lies in CGCS2000 if it was written in that datum,
    for each of `DATUMS`.
    """
    raw = points.withColumns(
        {"_lon_0": F.col(longitude).cast("double"), "_lat_0": F.col(latitude).cast("double")}
    )
    near = _held(
        raw,
        dict(zip(("_lon_near", "_lat_near"), gcj02_of_bd09(F.col("_lon_0"), F.col("_lat_0")), strict=True)),
    )
    back = bd09_of_gcj02(F.col("_lon_near"), F.col("_lat_near"))
    gcj = _held(
        near,
        {
            "_lon_bd": F.col("_lon_near") - back[0] + F.col("_lon_0"),
            "_lat_bd": F.col("_lat_near") - back[1] + F.col("_lat_0"),
        },
    )
    found = _with_wgs84(_with_wgs84(gcj, "_lon_0", "_lat_0", "_1"), "_lon_bd", "_lat_bd", "_2")
    return found.drop("_lon_near", "_lat_near", "_lon_bd", "_lat_bd")


def _with_wgs84(points: DataFrame, longitude: str, latitude: str, suffix: str) -> DataFrame:
    """Adds `_lon<suffix>`, `_lat<suffix>`: the WGS-84 point of a GCJ-02 point, by three corrections of a
    first guess.
    """
    at, guess = points, (longitude, latitude)
    for step in ("_a", "_b", ""):
        back, names = gcj02(F.col(guess[0]), F.col(guess[1])), (f"_lon{suffix}{step}", f"_lat{suffix}{step}")
        better = (F.col(guess[0]) - back[0] + F.col(longitude), F.col(guess[1]) - back[1] + F.col(latitude))
        at, guess = _held(at, dict(zip(names, better, strict=True))), names
    return at.drop(*[f"_{axis}{suffix}{step}" for axis in ("lon", "lat") for step in ("_a", "_b")])


def _held(frame: DataFrame, columns: dict[str, Column]) -> DataFrame:
    """Adds columns behind a generator, through which the optimizer writes no formula into its users: nested,
    these would grow without end.
    """
    return frame.select("*", F.inline(F.array(F.struct(*[c.alias(n) for n, c in columns.items()]))))


def metres_between(
    longitude: Column, latitude: Column, other_longitude: Column, other_latitude: Column
) -> Column:
    """The distance of two near points on the plane that touches the first; good to a permille within a
    hundred kilometres.
    """
    east = (other_longitude - longitude) * METRES_PER_DEGREE * F.cos(F.radians(latitude))
    north = (other_latitude - latitude) * METRES_PER_DEGREE
    return F.sqrt(east * east + north * north)


def metres_outside(longitude: Column, latitude: Column) -> Column:
    """How far a point lies outside the box `west`, `south`, `east`, `north` of the same row; 0 inside, NULL
    without a box.
    """
    near_longitude = F.greatest(
        F.least(longitude, F.col("east").cast("double")), F.col("west").cast("double")
    )
    near_latitude = F.greatest(
        F.least(latitude, F.col("north").cast("double")), F.col("south").cast("double")
    )
    boxed = F.col("west").isNotNull() & F.col("north").isNotNull()
    return F.when(boxed, metres_between(longitude, latitude, near_longitude, near_latitude))


def with_datum(candidates: DataFrame) -> DataFrame:
    """Adds `detected_datum`, `longitude`, `latitude` to points with candidates, `declared_datum` and the box
    of their grid.

    The declared datum stands where it puts the point into its grid (within `TOLERANCE_M`); else the datum
    that does so best is detected;
    where none does nothing is detected and the declared one is kept.
    """
    far = {f"_far_{i}": metres_outside(F.col(f"_lon_{i}"), F.col(f"_lat_{i}")) for i in range(len(DATUMS))}
    fits = F.array(
        *[
            F.struct(
                (F.lit(d) != F.col("declared_datum")).alias("other"),
                F.col(f"_far_{i}").alias("far"),
                F.lit(d).alias("datum"),
            )
            for i, d in enumerate(DATUMS)
        ]
    )
    best = F.expr(f"array_min(filter(_fits, f -> f.far <= {TOLERANCE_M})).datum")
    told = _held(candidates, far).withColumn("_fits", fits).withColumn("detected_datum", best)
    used = F.coalesce("detected_datum", "declared_datum", F.lit(DATUMS[0]))
    chosen = {
        axis: F.coalesce(*[F.when(used == d, F.col(f"_{axis[:3]}_{i}")) for i, d in enumerate(DATUMS)])
        for axis in ("longitude", "latitude")
    }
    placed = told.withColumns(
        {axis: F.round(value, 7).cast("decimal(10,7)") for axis, value in chosen.items()}
    )
    return placed.drop(
        "_fits", *far, *[f"_{axis}_{i}" for axis in ("lon", "lat") for i in range(len(DATUMS))]
    )
