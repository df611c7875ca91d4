"""Weather: hourly observations of every station."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

from citylake.city.defects import Defect, always
from citylake.city.deliver import Order
from citylake.city.world import Row, World, codes, hours, month_end, rain_hours


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The hours of the month."""
    order = Order(
        world.contracts["weather/station_hourly"], f"{month:%Y-%m}-001", f"{month:%Y-%m}", "changes", month_end(month), f"SURF_CHN_HOR_{month:%Y%m}.csv",
        distinct_of="station_code", defect_share=0.3,
    )  # fmt: skip
    yield order, weather(world.seed, month, world.root)


def weather(seed: int, month: date, root: Path) -> Iterator[Row]:
    """Hourly observations of every weather station."""
    rng, rain = Random(f"{seed}/weather/{month}"), rain_hours(seed, month)
    mean = -11 + 17.5 * (1 - math.cos((month.month - 1) * math.pi / 6))
    for n, at in enumerate(hours(month)):
        for k, s in enumerate(codes(root, "weather_stations")):
            warm = mean + 5 * math.sin((at.hour - 9) * math.pi / 12) + rng.gauss(0, 1.2) - k * 0.4
            wet = rain.get(n, 0.0) * (1 if k == 0 else rng.choice((0, 0.6, 1, 1.3)))
            yield {
                "station_code": s["code"], "latitude": s["latitude"], "longitude": s["longitude"], "altitude_m": s["altitude_m"],
                "year": str(at.year), "month": str(at.month), "day": str(at.day), "hour": str(at.hour), "pressure_hpa": f"{1012 - warm / 3:.1f}",
                "pressure_qc": "0", "temperature_celsius": f"{warm:.1f}", "temperature_qc": "0",
                "humidity_pct": str(min(98, int(55 + wet * 8 + rng.gauss(0, 8)))),
                "humidity_qc": "0", "rain_mm": f"{min(wet, 120):.1f}", "rain_qc": "0", "wind_direction_deg": str(rng.randrange(0, 360)),
                "wind_direction_qc": "0", "wind_speed_ms": f"{abs(rng.gauss(2.5, 1.5)):.1f}", "wind_speed_qc": "0",
            }  # fmt: skip


_HOUR = (
    Defect("D71", "temperature_celsius", "temperature_celsius.missing_code", "repair", always("999999")),
    Defect("D71", "rain_mm", "rain_mm.trace", "repair", always("999990")),
    Defect("D70", "temperature_celsius", "temperature_celsius.range", "flag", always("253")),
)
DEFECTS = {"weather/station_hourly": _HOUR}
