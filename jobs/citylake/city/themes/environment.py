"""Environment: hourly air quality, one column per station."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

from citylake.city.defects import Defect, always
from citylake.city.deliver import Order
from citylake.city.world import Row, World, codes, hours, month_end


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The hours of the month; wide files hold eleven cells a line, so fewer lines get a defect."""
    order = Order(
        world.contracts["environment/air_quality_hourly"], f"{month:%Y-%m}-001", f"{month:%Y-%m}", "changes", month_end(month), f"china_sites_{month:%Y%m}.csv",
        defect_share=0.3,
    )  # fmt: skip
    yield order, air(world.seed, month, world.root)


AIR = {"PM2.5": 70, "PM10": 110, "SO2": 60, "NO2": 45, "O3": 40, "CO": 1.1, "AQI": 95}


def air(seed: int, month: date, root: Path) -> Iterator[Row]:
    """Hourly lines, one column per station; smog days in winter are true extremes, blanks are missing values."""
    rng = Random(f"{seed}/air/{month}")
    smog = {rng.randrange(1, 28) for _ in range(3)} if month.month in (1, 2, 3, 11, 12) else set[int]()
    winter = 1.3 if month.month in (1, 2, 11, 12) else 0.7
    for at in hours(month):
        day = winter * (4.5 if at.day in smog else 1) * (1 + 0.25 * math.sin((at.hour - 6) * math.pi / 12))
        for item, level in AIR.items():
            row = {"date": f"{at:%Y%m%d}", "hour": str(at.hour), "item_code": item}
            for s in codes(root, "air_stations"):
                value = abs(level * day * rng.uniform(0.75, 1.25))
                top = 500 if item == "AQI" else 1900
                text = f"{min(value, 30):.2f}" if item == "CO" else str(int(min(value, top)) + 1 if value < top else top)
                row[s["code"]] = "" if rng.random() < 0.01 else text
            yield row


_CELL = (
    Defect("D62", "value", "value.range", "flag", always("-3")),
    Defect("D24", "value", "value.repaired", "repair", always("—")),
)
DEFECTS = {"environment/air_quality_hourly": _CELL}
