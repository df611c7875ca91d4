"""What the environment offices of the synthetic city know besides the air: polluters, their monitors, rivers,
noise, hazardous waste.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from citylake.synthetic.identifiers import org_code, uscc
from citylake.synthetic.organisations import variant
from citylake.synthetic.people import TRUTH, entity
from citylake.synthetic.world import Row, hours

POLLUTANTS = (
    ("a34004", 60),
    ("a34002", 110),
    ("a21026", 35),
)  # code and usual value (dust in ug/m3, gas in mg/m3)
RIVERS = (("浑河", "HH"), ("蒲河", "PH"), ("辽河", "LH"))
RECEIVER = uscc("210113", org_code(99_000))
ZONES = ("1", "2", "3", "4a")
LEVELS = {"0": 45, "1": 50, "2": 55, "3": 60, "4a": 66}


def polluters(seed: int, count: int, firms: int) -> Iterator[Row]:
    """The register of sources: some entries lack the credit code, some write the name in their own way."""
    rng = Random(f"{seed}/polluters")
    for i, number in enumerate(sorted(rng.sample(range(firms // 2), count))):
        e = entity(seed, number)
        yield {
            "polluter_code": f"WRY{i + 1:05d}",
            "name": variant(e.name, rng, 0.1),
            "uscc": e.uscc if rng.random() < 0.7 else "",
            "monitor_no": monitor_no(i),
            "industry_code": e.industry,
            "division_code": e.division,
            "control_level": rng.choices(("国控", "省控", "市控"), (20, 30, 50))[0],
            "address": f"沈阳市{e.division}号段{i + 1}号",
            TRUTH: str(number),
        }


def monitor_no(i: int) -> str:
    """The number of the monitor of a source."""
    return f"210100A8900016F{i + 1:09d}"


def packets(seed: int, count: int, month: date) -> Iterator[Row]:
    """Real-time samples every six hours, one pollutant a packet; a monitor in maintenance says so."""
    rng = Random(f"{seed}/packets/{month}")
    serviced = {(i, rng.randrange(1, 28)) for i in range(count) if rng.random() < 0.5}
    for at in hours(month):
        for i in range(count if at.hour % 6 == 0 else 0):
            for code, usual in POLLUTANTS:
                yield {
                    "monitor_no": monitor_no(i),
                    "data_time": f"{at:%Y%m%d%H%M%S}",
                    "pollutant_code": code,
                    "command_code": "2011",
                    "real_time_value": f"{usual * rng.uniform(0.4, 1.8):.1f}",
                    "mean_value": "",
                    "device_flag": "M" if (i, at.day) in serviced else "N",
                }


def water(seed: int, month: date) -> Iterator[Row]:
    """Two sections of each river, every day."""
    for day in sorted({at.date() for at in hours(month)}):
        for river, short in RIVERS:
            for n in (1, 2):
                rng = Random(f"{seed}/water/{short}{n}/{day}")
                ammonia = rng.uniform(0.1, 2.4)
                yield {
                    "section_code": f"{short}{n:02d}",
                    "sampled_on": day.isoformat(),
                    "river_name": river,
                    "ph": f"{rng.uniform(6.8, 8.6):.2f}",
                    "dissolved_oxygen_mgl": f"{rng.uniform(4, 11):.1f}",
                    "permanganate_mgl": f"{rng.uniform(2, 9):.1f}",
                    "ammonia_mgl": f"{ammonia:.2f}",
                    "total_phosphorus_mgl": f"{rng.uniform(0.02, 0.4):.3f}",
                    "water_class": str(next((c for c, top in _AMMONIA if ammonia <= top), 6)),
                }


_AMMONIA = ((1, 0.15), (2, 0.5), (3, 1.0), (4, 1.5), (5, 2.0))  # mg/L, GB 3838-2002


def noise(seed: int, month: date) -> Iterator[Row]:
    """One point in each zone, quieter at night."""
    rng = Random(f"{seed}/noise/{month}")
    for at in hours(month):
        for zone in ZONES:
            level = LEVELS[zone] - (9 if at.hour < 6 or at.hour >= 22 else 0) + rng.gauss(0, 2.5)
            yield {
                "point_code": f"ZS{zone.upper()}",
                "measured_at": f"{at:%Y-%m-%d %H:%M:%S}",
                "zone_code": zone,
                "leq_dba": f"{level:.1f}",
            }


def waste(seed: int, count: int, firms: int, month: date) -> Iterator[Row]:
    """Transfer notes of a month."""
    for i in range(count):
        rng = Random(f"{seed}/waste/{month}/{i}")
        producer, sent = (
            entity(seed, rng.randrange(firms // 2)),
            date(month.year, month.month, rng.randrange(1, 27)),
        )
        mass = rng.uniform(0.2, 30)
        yield {
            "transfer_no": f"2101{month:%Y%m}{i:05d}",
            "waste_category": rng.choice(("HW08", "HW09", "HW12", "HW17", "HW34", "HW49")),
            "producer_name": producer.name,
            "producer_uscc": producer.uscc,
            "receiver_name": "沈阳危废处置中心有限公司",
            "receiver_uscc": RECEIVER,
            "sent_t": f"{mass:.3f}",
            "received_t": f"{mass * rng.uniform(0.97, 1.02):.3f}",
            "sent_on": sent.isoformat(),
            "received_on": (sent + timedelta(days=2)).isoformat(),
        }
