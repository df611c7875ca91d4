"""GCJ-02 and BD-09 as Spark computes them, there and back, against coord-convert in a process of its own:
within 1 m over the whole city box.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from citylake.marts.urban_components.coordinates import (
    METRES_PER_DEGREE,
    bd09_of_gcj02,
    gcj02,
    with_candidates,
)
from citylake.synthetic.datums import DATUMS

ORACLE = Path(sys.prefix) / "oracles" / "coordinates"
POINTS = [
    (122.4 + 1.4 * i / 39 + 0.0013 * (j % 7), 41.1 + 2.0 * j / 39) for i in range(40) for j in range(40)
]
ASK = """
import json, sys
from coord_convert import transform
ask = json.load(sys.stdin)
print(json.dumps([[getattr(transform, name)(*point) for point in ask["points"]] for name in ask["names"]]))
"""

Place = tuple[float, float]


def _oracle(*names: str) -> list[list[Place]]:
    """The oracle's answers for all points, one list per function."""
    text = json.dumps({"names": names, "points": POINTS})
    env = {"PYTHONPATH": str(ORACLE), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", ASK], input=text, env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _metres(a: Place, b: Place) -> float:
    return math.hypot(
        (a[0] - b[0]) * METRES_PER_DEGREE * math.cos(math.radians(a[1])), (a[1] - b[1]) * METRES_PER_DEGREE
    )


def _worst(found: list[Place], wanted: list[Place]) -> float:
    assert len(found) == len(wanted) == len(POINTS)
    return max(_metres(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.fixture(scope="module")
def computed(spark: Any) -> dict[str, list[Place]]:
    from pyspark.sql import functions as F

    frame = spark.createDataFrame([(i, *p) for i, p in enumerate(POINTS)], "i INT, lon DOUBLE, lat DOUBLE")
    there = frame.withColumns(dict(zip(("g_lon", "g_lat"), gcj02(F.col("lon"), F.col("lat")), strict=True)))
    there = there.withColumns(
        dict(zip(("b_lon", "b_lat"), bd09_of_gcj02(F.col("g_lon"), F.col("g_lat")), strict=True))
    )
    rows = with_candidates(there, "lon", "lat").orderBy("i").collect()
    names = {
        "wgs2gcj": ("g_lon", "g_lat"),
        "wgs2bd": ("b_lon", "b_lat"),
        "gcj2wgs": ("_lon_1", "_lat_1"),
        "bd2wgs": ("_lon_2", "_lat_2"),
    }
    return {name: [(r[x], r[y]) for r in rows] for name, (x, y) in names.items()}


def test_there_and_back_equal_the_oracle(computed: dict[str, list[Place]]) -> None:
    names = ("wgs2gcj", "wgs2bd", "gcj2wgs", "bd2wgs")
    worst = {
        name: _worst(computed[name], answer) for name, answer in zip(names, _oracle(*names), strict=True)
    }
    assert max(worst.values()) < 1.0, worst  # the oracle inverts BD-09 to the first order only


def test_a_point_comes_back_within_ten_centimetres(spark: Any) -> None:
    from pyspark.sql import functions as F

    for number, datum in ((1, "GCJ-02"), (2, "BD-09")):
        rows = [(i, *DATUMS[datum](*p)) for i, p in enumerate(POINTS)]
        back = with_candidates(
            spark.createDataFrame(rows, "i INT, lon DOUBLE, lat DOUBLE"), "lon", "lat"
        ).orderBy("i")
        found = [
            (r[0], r[1]) for r in back.select(F.col(f"_lon_{number}"), F.col(f"_lat_{number}")).collect()
        ]
        assert _worst(found, POINTS) < 0.1, datum


def test_the_shifts_near_the_centre_are_the_known_ones() -> None:
    at = (123.4315, 41.8057)
    assert [round(_metres(at, DATUMS[d](*at))) for d in ("GCJ-02", "BD-09")] == pytest.approx(
        [576, 1395], abs=2
    )
