"""Environment: hourly air quality, one column per station; polluters and their monitors; water, noise,
hazardous waste.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from citylake.synthetic import pollution
from citylake.synthetic.air import air, spells
from citylake.synthetic.defects import Defect, always, apostrophe, half_brackets, wrong_check
from citylake.synthetic.order import Order
from citylake.synthetic.themes.credit import FIRMS
from citylake.synthetic.world import Row, World, month_end

POLLUTERS, WASTE = 40, 40


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The hours of the month; wide files hold eleven cells a line, so fewer lines get a defect."""
    air_order = _order(world, "air_quality_hourly", month, f"china_sites_{month:%Y%m}.csv", share=0.3)
    air_order.spells = tuple(
        line for spell in spells(world.seed, month, world.root) for line in spell.logged()
    )
    yield air_order, air(world.seed, month, world.root)
    sources, firms = world.size(POLLUTERS), world.size(FIRMS)
    register = _order(world, "polluter", month, f"污染源名录_{month:%Y%m}.csv")
    register.coverage = "full"
    yield register, pollution.polluters(world.seed, sources, firms)
    yield (
        _order(world, "emission_packet", month, f"HJ212_{month:%Y%m}.dat", share=0.3),
        pollution.packets(world.seed, sources, month),
    )
    yield (
        _order(world, "water_quality_daily", month, f"水质日值_{month:%Y%m}.json"),
        pollution.water(world.seed, month),
    )
    yield (
        _order(world, "noise_hourly", month, f"noise_{month:%Y%m}.csv", share=0.3),
        pollution.noise(world.seed, month),
    )
    yield (
        _order(world, "hazardous_waste", month, f"危废联单_{month:%Y%m}.csv"),
        pollution.waste(world.seed, world.size(WASTE), firms, month),
    )


def _order(world: World, dataset: str, month: date, file: str, *, share: float = 1.0) -> Order:
    period = f"{month:%Y-%m}"
    return Order(
        world.contracts[f"environment/{dataset}"],
        f"{period}-001",
        period,
        "changes",
        month_end(month),
        file,
        defect_share=share,
    )


def _thousandfold(v: str, row: Row, rng: object) -> str | None:
    """Milligrams taken for micrograms, with the decimals of one seen feed."""
    return f"{float(v) * 1000:.3f}" if float(v) >= 12 else None


def _old_name(v: str, row: Row, rng: object) -> str | None:
    """The name of a device from before 2017."""
    return {"a34004": "PM25", "a34002": "PM10", "a21026": "SO2"}[v]


_CELL = (
    Defect("D62", "value", "value.range", "flag", always("-3")),
    Defect("D62", "value", "value.missing_code", "repair", always("-9999")),
    Defect("D24", "value", "value.repaired", "repair", always("—")),
)
_POLLUTER = (
    Defect("D18", "uscc", "uscc.repaired", "repair", apostrophe),
    Defect("D27", "uscc", "uscc.check_character", "quarantine", wrong_check),
    Defect("D38", "name", "name.repaired", "repair", half_brackets),
)
_PACKET = (
    Defect("ROW-CRC", "real_time_value", "record.checksum", "quarantine", lambda v, row, rng: None),
    Defect("OLD-NAME", "pollutant_code", "pollutant_code.repaired", "repair", _old_name),
    Defect("THOUSANDFOLD", "real_time_value", "emission_packet.thousandfold", "quarantine", _thousandfold),
    Defect("D62", "real_time_value", "emission_packet.negative", "quarantine", always("-0.4")),
)
_WATER = (
    Defect("D62", "ammonia_mgl", "ammonia_mgl.range", "flag", always("-0.1")),
    Defect("D62", "ph", "water_quality_daily.ph_zero", "flag", always("0")),
)
_NOISE = (Defect("D62", "leq_dba", "leq_dba.range", "flag", always("-1")),)
_WASTE = (
    Defect("D27", "producer_uscc", "producer_uscc.check_character", "quarantine", wrong_check),
    Defect("D51", "received_on", "hazardous_waste.received_in_order", "quarantine", always("2015-01-01")),
)
DEFECTS = {
    "environment/air_quality_hourly": _CELL,
    "environment/polluter": _POLLUTER,
    "environment/emission_packet": _PACKET,
    "environment/water_quality_daily": _WATER,
    "environment/noise_hourly": _NOISE,
    "environment/hazardous_waste": _WASTE,
}
