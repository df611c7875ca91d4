"""Population: the register of residents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from citylake.city.defects import Defect, always, fifteen_digits, full_width, other_sex, three_zeros_id, when
from citylake.city.deliver import Order
from citylake.city.people import residents
from citylake.city.world import Row, World, codes, month_end

RESIDENTS = 6000


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The register of the month."""
    streets: dict[str, list[str]] = {}
    for s in codes(world.root, "streets"):
        streets.setdefault(s["division_code"], []).append(s["code"])
    order = Order(
        world.contracts["civil_affairs/resident"], f"{month:%Y-%m}-001", f"{month:%Y-%m}", "full", month_end(month), f"人口_{month:%Y%m}.txt",
        older=("marital_status_code", "90"),
    )  # fmt: skip
    yield order, residents(world.seed, world.size(RESIDENTS), month, streets)


_RESIDENT = (
    Defect("D32", "resident_id", "resident_id.repaired", "repair", fifteen_digits),
    Defect("D33", "resident_id", "resident_id.repaired", "repair", when(lambda v: v.endswith("X"), str.lower)),
    Defect("D20", "resident_id", "resident_id.check_character", "quarantine", three_zeros_id),
    Defect("D34", "sex_code", "resident.id_agrees_with_sex", "flag", other_sex),
    Defect("D17", "sex_code", "sex_code.repaired", "repair", full_width),
    Defect("D24", "ethnicity_code", "ethnicity_code.repaired", "repair", always("不详")),
    Defect("D50", "birth_date", "birth_date.unparsable", "quarantine", always("20160230")),
)
DEFECTS = {"civil_affairs/resident": _RESIDENT}
