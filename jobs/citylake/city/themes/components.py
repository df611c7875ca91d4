"""Urban components: the register of assets and the cases about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from citylake.city.defects import Defect, always, when
from citylake.city.deliver import Order
from citylake.city.people import DISTRICTS
from citylake.city.world import Row, World, codes, month_end, rain_hours

COMPONENTS, CASES = 3000, 300


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The register and the cases of the month."""
    parts, period, sent = world.size(COMPONENTS), f"{month:%Y-%m}", month_end(month)
    register = Order(
        world.contracts["construction/component"], f"{period}-001", period, "full", sent, f"城市部件_{month:%Y%m}.csv",
        distinct_of="class_code", older=("name", "旧值"),
    )  # fmt: skip
    yield register, components(world.seed, parts, month, world.root)
    reported = Order(
        world.contracts["construction/component_case"], f"{period}-001", period, "changes", sent, f"案卷_{month:%Y%m}.json", older=("source_kind", "旧值")
    )
    yield reported, cases(world.seed, world.size(CASES), parts, month, world.root)


def components(seed: int, count: int, month: date, root: Path) -> Iterator[Row]:
    """The register of urban components as of a month."""
    classes = codes(root, "component_classes")
    n = (month.year - 2016) * 12 + month.month - 1
    places = list(DISTRICTS)
    for i in range(count + n * max(count // 300, 1)):
        rng = Random(f"{seed}/component/{i}")
        kind, place = classes[rng.randrange(len(classes))], places[rng.randrange(len(places))]
        issued = "210122" if place == "210115" else place
        surveyed = date(2012, 1, 1) + timedelta(days=rng.randrange(1400))
        ends, breaks = rng.random(), rng.random()
        if ends < 0.002 * n:
            continue
        owner = kind["typical_owner"] or "区城管局"
        yield {
            "object_id": f"{issued}{kind['code']}{i:06d}", "name": kind["label_zh"], "class_code": kind["code"], "manager_name": "市城乡建设委员会",
            "owner_name": "" if rng.random() < 0.03 else owner, "keeper_name": owner,
            "grid_code": f"{place}{rng.randrange(1, 30):03d}001{rng.randrange(1, 99):03d}",
            "state_code": "破损" if breaks < 0.01 * (n + 1) else "完好", "surveyed_on": surveyed.isoformat(), "changed_on": "",
            "source_kind": "实测", "longitude": f"{rng.uniform(123.0, 123.7):.7f}", "latitude": f"{rng.uniform(41.3, 42.6):.7f}",
            "material": rng.choice(("铸铁", "混凝土", "复合材料", "")), "note": "",
        }  # fmt: skip


def cases(seed: int, count: int, parts: int, month: date, root: Path) -> Iterator[Row]:
    """Cases reported in a month, and those of the month before again with the stages that came since."""
    before = (month - timedelta(days=1)).replace(day=1)
    if before.year >= 2016:
        yield from (r for i in range(count) if (r := _case(seed, i, parts, before, root, final=True)) and i % 3 == 0)
    yield from (_case(seed, i, parts, month, root, final=False) for i in range(count))


def _case(seed: int, i: int, parts: int, month: date, root: Path, *, final: bool) -> Row:
    rng = Random(f"{seed}/case/{month}/{i}")
    wet = sorted(rain_hours(seed, month))
    flooded = rng.random() < 0.4
    hour = wet[rng.randrange(len(wet))] + rng.randrange(1, 6) if flooded else rng.randrange(24 * 28)
    at = datetime(month.year, month.month, 1) + timedelta(hours=min(hour, 24 * 28), minutes=rng.randrange(60))
    kind = rng.choice(("道路积水", "检查井溢水")) if flooded else rng.choice(("路面塌陷", "工地扬尘", "井盖破损", "除雪后积雪结冰"))
    part = next(components(seed + rng.randrange(parts), 1, date(2016, 1, 1), root))
    steps = ("上报", "立案", "派遣", "处置", "核查", "结案")
    last = 6 if final or i % 3 else 3
    stages = [{"stage": s, "at": f"{at + timedelta(hours=k * rng.randrange(1, 9)):%Y-%m-%d %H:%M:%S}", "dept": "区城管局"} for k, s in enumerate(steps[:last])]
    stages.sort(key=lambda s: s["at"])
    return {
        "case_id": f"SY{month:%Y%m}{i:06d}", "object_id": part["object_id"], "event_class": kind, "longitude": part["longitude"],
        "latitude": part["latitude"], "street_code": "", "source_kind": rng.choice(("监督员上报", "市民投诉", "视频巡查")),
        "reported_at": f"{at:%Y-%m-%d %H:%M:%S}", "deadline_at": f"{at + timedelta(hours=48):%Y-%m-%d %H:%M:%S}",
        "stages": json.dumps(stages, ensure_ascii=False),
    }  # fmt: skip


_COMPONENT = (
    Defect("D22", "name", "name.repaired", "repair", when(lambda v: len(v) > 2, lambda v: f"{v}\u3000")),
    Defect("D49", "surveyed_on", "surveyed_on.unparsable", "quarantine", always("42404")),
    Defect("D76", "longitude", "longitude.swapped", "quarantine", lambda v, row, rng: row["latitude"]),
    Defect("D79", "longitude", "longitude.unparsable", "quarantine", always("535000.00")),
    Defect("D82", "class_code", "component.class_in_code", "flag", lambda v, row, rng: "0203" if v != "0203" else "0104"),
)
_CASE = (
    Defect("D48", "reported_at", "reported_at.repaired", "repair", when(lambda v: True, lambda v: f"{v[:4]}/{int(v[5:7])}/{int(v[8:10])} {v[11:16]}")),
    Defect("D76", "longitude", "longitude.swapped", "quarantine", lambda v, row, rng: row["latitude"]),
    Defect("D83", "object_id", "", "nothing", always("")),
)
DEFECTS = {"construction/component": _COMPONENT, "construction/component_case": _CASE}
