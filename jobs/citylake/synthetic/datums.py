"""Where a point of the city lies in the datums that survey teams use: WGS-84 (as good as CGCS2000), GCJ-02
and BD-09, in degrees.
"""

from __future__ import annotations

import math
from math import cos, pi, sin, sqrt

AXIS, ECCENTRICITY = (
    6378245.0,
    0.00669342162296594323,
)  # Krasovsky 1940: half axis in metres, squared eccentricity
BD_STEP = pi * 3000 / 180
METRES_PER_DEGREE = 111320.0  # of latitude; of longitude times the cosine of the latitude


def gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """The GCJ-02 point of a WGS-84 point."""
    x, y = longitude - 105, latitude - 35
    shared = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + shared
    east += (
        (20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    )
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + shared
    north += (
        (20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    )
    at = math.radians(latitude)
    magic = 1 - ECCENTRICITY * sin(at) ** 2
    return longitude + math.degrees(east * sqrt(magic) / (AXIS * cos(at))), latitude + math.degrees(
        north * magic * sqrt(magic) / (AXIS * (1 - ECCENTRICITY))
    )


def bd09(longitude: float, latitude: float) -> tuple[float, float]:
    """The BD-09 point of a WGS-84 point."""
    x, y = gcj02(longitude, latitude)
    far, angle = math.hypot(x, y) + 0.00002 * sin(y * BD_STEP), math.atan2(y, x) + 0.000003 * cos(x * BD_STEP)
    return far * cos(angle) + 0.0065, far * sin(angle) + 0.006


def moved(longitude: float, latitude: float, east: float, north: float) -> tuple[float, float]:
    """The point so many metres to the east and to the north."""
    return longitude + east / (
        METRES_PER_DEGREE * cos(math.radians(latitude))
    ), latitude + north / METRES_PER_DEGREE


DATUMS = {"CGCS2000": lambda longitude, latitude: (longitude, latitude), "GCJ-02": gcj02, "BD-09": bd09}
