"""Macro-economy: the monthly report of the statistics bureau."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from citylake.city.defects import Defect, always, when
from citylake.city.deliver import Order
from citylake.city.world import Row, World, codes, month_end


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The report of the month; there is none for January."""
    if month.month == 1:
        return
    label = "1-2" if month.month == 2 else str(month.month)
    order = Order(
        world.contracts["statistics/monthly_indicator"], f"{month:%Y-%m}-001", f"{month:%Y-%m}", "changes",
        month_end(month) + timedelta(days=14), f"统计月报{month.year}年{label}月.xlsx",
    )  # fmt: skip
    yield order, ({**row, "#child": "1" if child else "0"} for row, child in indicators(world.seed, month, world.root))


def indicators(seed: int, month: date, root: Path) -> Iterator[tuple[Row, bool]]:
    """(row, is a part of the row above): cumulative value with published growth; no month value in the 1-2 月 report."""
    for item in codes(root, "indicators"):
        rng = Random(f"{seed}/{item['code']}/{month}")
        base, months = float(item["base"]), month.month
        stock = item["unit"] == "%" or "余额" in item["code"] or "存款" in item["code"]
        growth = round(rng.gauss(-3, 6), 1)
        total = base if stock else base * months * (1 + growth / 100)
        row = {"indicator_name": item["label_zh"], "unit_name": item["unit"], "cumulative_value": f"{total:.1f}", "cumulative_growth_pct": f"{growth:.1f}"}
        if month.month > 2:
            row |= {"month_value": f"{base * rng.uniform(0.9, 1.1):.1f}", "month_growth_pct": f"{growth + rng.gauss(0, 2):.1f}"}
        yield row, item["parent"] != "-"


_INDICATOR = (
    Defect("D53", "cumulative_value", "cumulative_value.repaired", "repair", when(lambda v: float(v) >= 1000, lambda v: f"{float(v):,.1f}")),
    Defect("D24", "cumulative_growth_pct", "cumulative_growth_pct.repaired", "repair", always("-")),
)
DEFECTS = {"statistics/monthly_indicator": _INDICATOR}
