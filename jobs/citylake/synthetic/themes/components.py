"""Urban components: the grids, the register of assets and the cases about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from citylake.synthetic.datums import DATUMS, moved
from citylake.synthetic.defects import Defect, always, when
from citylake.synthetic.order import Order
from citylake.synthetic.world import Row, World, codes, month_end, rain_hours

COMPONENTS, CASES = 3000, 300
# The south-western corner of the twenty grids of a district, about where its offices stand.
CORNERS = {
    "210102": (123.396, 41.785),
    "210103": (123.452, 41.789),
    "210104": (123.464, 41.801),
    "210105": (123.415, 41.818),
    "210106": (123.372, 41.797),
    "210111": (123.338, 41.663),
    "210112": (123.446, 41.712),
    "210113": (123.521, 42.048),
    "210114": (123.302, 41.789),
    "210115": (122.725, 41.509),
    "210123": (123.349, 42.747),
    "210124": (123.405, 42.499),
    "210181": (122.824, 41.993),
}
WIDTH, HEIGHT, COLUMNS, GRIDS = (
    0.0012,
    0.0009,
    5,
    20,
)  # a grid of about 10,000 m2, in degrees; twenty to a district
PLACES = 14  # assets stand on 14 x 14 places of their grid, 7 m apart
STAGES = ("上报", "立案", "派遣", "处置", "核查", "结案")


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The grids twice a year, the register and the cases of the month."""
    parts, period, sent = world.size(COMPONENTS), f"{month:%Y-%m}", month_end(month)
    if month.month in (1, 7):
        bounds = Order(
            world.contracts["construction/grid"],
            f"{period}-001",
            period,
            "full",
            sent,
            f"单元网格_{month:%Y%m}.csv",
            distinct_of="division_code",
        )
        yield bounds, iter(grids(world.root))
    register = Order(
        world.contracts["construction/component"],
        f"{period}-001",
        period,
        "full",
        sent,
        f"城市部件_{month:%Y%m}.csv",
        distinct_of="class_code",
        older=("name", "旧值"),
    )
    yield register, components(world.seed, parts, month, world.root)
    reported = Order(
        world.contracts["construction/component_case"],
        f"{period}-001",
        period,
        "changes",
        sent,
        f"案卷_{month:%Y%m}.json",
        older=("source_kind", "旧值"),
    )
    yield reported, cases(world.seed, world.size(CASES), parts, month, world.root)


@lru_cache(maxsize=4)
def grids(root: Path) -> tuple[Row, ...]:
    """Every grid with its bounds; 康平 writes codes of 14 digits, the others of 15."""
    streets: dict[str, list[str]] = {}
    for street in codes(root, "streets"):
        streets.setdefault(street["division_code"], []).append(street["code"])
    return tuple(_grid(place, streets[place], k) for place in CORNERS for k in range(GRIDS))


def _grid(place: str, streets: list[str], k: int) -> Row:
    street, number = streets[k // COLUMNS], k % COLUMNS + 1
    west, south = CORNERS[place][0] + k % COLUMNS * WIDTH, CORNERS[place][1] + k // COLUMNS * HEIGHT
    return {
        "grid_code": f"{street}001{number:02d}" if place == "210123" else f"{street}001{number:03d}",
        "division_code": place,
        "street_code": street,
        "keeper_name": "区城管局",
        "west": f"{west:.7f}",
        "south": f"{south:.7f}",
        "east": f"{west + WIDTH:.7f}",
        "north": f"{south + HEIGHT:.7f}",
    }


def components(seed: int, count: int, month: date, root: Path) -> Iterator[Row]:
    """The register as of a month: some have gone since January, some are new, some were surveyed twice."""
    n = (month.year - 2016) * 12 + month.month - 1
    for i in range(count + n * max(count // 100, 1)):
        row = asset(seed, i, root)
        if float(row["#gone"]) < 0.01 * n:
            continue
        yield row | {"state_code": "破损" if float(row["#breaks"]) < 0.01 * (n + 1) else "完好"}
        if row["#twin"]:
            yield _second_survey(row, float(row["#twin"]))


def asset(seed: int, i: int, root: Path) -> Row:
    """One asset as its survey team wrote it down. Marks: true place (CGCS2000) and datum, what is wrong with
    it, when it goes and breaks.
    """
    rng = Random(f"{seed}/component/{i}")
    grid, kind = grids(root)[i * 37 % len(grids(root))], _kind(rng, root)
    place = grid["division_code"]
    longitude, latitude = _stands(grid, i, rng)
    ill, owner = _ill(rng, grid, root), kind["typical_owner"] or "区城管局"
    written = DATUMS[ill["#datum"]](longitude, latitude)
    return {
        "object_id": f"{'210122' if place == '210115' else place}{kind['code']}{i:06d}",
        "name": kind["label_zh"],
        "class_code": kind["code"],
        "manager_name": "市城乡建设委员会",
        "owner_name": "" if ill["#finding"] == "D83" else owner,
        "keeper_name": owner,
        "grid_code": grid["grid_code"],
        "state_code": "完好",
        "surveyed_on": (date(2012, 1, 1) + timedelta(days=rng.randrange(1400))).isoformat(),
        "changed_on": "",
        "source_kind": "实测",
        "longitude": f"{written[0]:.7f}",
        "latitude": f"{written[1]:.7f}",
        "material": rng.choice(("铸铁", "混凝土", "复合材料", "")),
        "note": "",
        "#longitude": f"{longitude:.7f}",
        "#latitude": f"{latitude:.7f}",
        "#grid": grid["grid_code"],
        "#division": place,
        "#gone": str(rng.random()),
        "#breaks": str(rng.random()),
        **ill,
    }


def _kind(rng: Random, root: Path) -> Row:
    """A class; one in three is a drain or a manhole that rain fills."""
    classes = codes(root, "component_classes")
    wet = [c for c in classes if c["weather_join"] == "rain"]
    return rng.choice(wet if rng.random() < 0.35 else classes)


def _stands(grid: Row, i: int, rng: Random) -> tuple[float, float]:
    """A place of its own in the grid, so that no two assets meet by chance."""
    turn = i // (len(CORNERS) * GRIDS) * 89 % PLACES**2
    longitude = float(grid["west"]) + (turn % PLACES + 0.5) * WIDTH / PLACES
    latitude = float(grid["south"]) + (turn // PLACES + 0.5) * HEIGHT / PLACES
    return moved(longitude, latitude, rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5))


def _ill(rng: Random, grid: Row, root: Path) -> Row:
    """What is wrong with an asset from its survey on; `#rule` is the rule of the register that sees it, where
    one does.
    """
    sound = {"#finding": "", "#rule": "", "#expect": "nothing", "#datum": "CGCS2000", "#twin": ""}
    turn = rng.random()
    if turn < 0.02:
        return sound | {"#finding": "D77", "#datum": "GCJ-02"}
    if turn < 0.04:
        return sound | {"#finding": "D78", "#datum": "BD-09"}
    if turn < 0.06:
        other = rng.choice([g for g in grids(root) if g["grid_code"] != grid["grid_code"]])
        foreign = other["division_code"] != grid["division_code"]
        return (
            sound
            | {"#finding": "D80", "grid_code": other["grid_code"]}
            | ({"#rule": "component.grid_in_division", "#expect": "flag"} if foreign else {})
        )
    if turn < 0.09:
        return sound | {"#finding": "D84", "#twin": str(rng.choice((0.4, 0.7, 2.0)))}
    return sound | ({"#finding": "D83"} if turn < 0.12 else {})


def _second_survey(row: Row, metres: float) -> Row:
    """The same object once more under another number, so many metres to the north."""
    longitude, latitude = moved(float(row["#longitude"]), float(row["#latitude"]), 0, metres)
    at = {"longitude": f"{longitude:.7f}", "latitude": f"{latitude:.7f}"}
    number = f"{int(row['object_id'][10:]) + 500000:06d}"
    return row | at | {"#" + k: v for k, v in at.items()} | {"object_id": row["object_id"][:10] + number}


def cases(seed: int, count: int, parts: int, month: date, root: Path) -> Iterator[Row]:
    """Cases reported in a month, and those of the month before that were open when it was sent, with the
    stages that came since.
    """
    before = (month - timedelta(days=1)).replace(day=1)
    if before.year >= 2016:
        for i in range(count):
            row = _case(seed, i, parts, before, root)
            if _complete(row) != _complete(_as_sent(row, month_end(before))):
                yield _as_sent(row, month_end(month))
    yield from (_as_sent(_case(seed, i, parts, month, root), month_end(month)) for i in range(count))


def _complete(row: Row) -> int:
    return len(json.loads(row["stages"]))


def _as_sent(row: Row, sent: datetime) -> Row:
    """The case with the stages that had come by then."""
    return row | {
        "stages": json.dumps(
            [s for s in json.loads(row["stages"]) if s["at"] <= f"{sent:%Y-%m-%d %H:%M:%S}"],
            ensure_ascii=False,
        )
    }


def _case(seed: int, i: int, parts: int, month: date, root: Path) -> Row:
    """A whole case: a flood follows rain, a few assets have many cases, some cases concern no asset of the
    register.
    """
    rng = Random(f"{seed}/case/{month}/{i}")
    wet = sorted(rain_hours(seed, month))
    flooded = rng.random() < 0.4
    hour = wet[rng.randrange(len(wet))] + rng.randrange(1, 6) if flooded else rng.randrange(24 * 28)
    at = datetime(month.year, month.month, 1) + timedelta(hours=min(hour, 24 * 28), minutes=rng.randrange(60))
    kind = (
        rng.choice(("道路积水", "检查井溢水"))
        if flooded
        else rng.choice(("路面塌陷", "工地扬尘", "井盖破损", "除雪后积雪结冰"))
    )
    part = _concerned(rng, seed, parts, month, root, kind)
    longitude, latitude = moved(
        float(part["#longitude"]), float(part["#latitude"]), rng.uniform(-3, 3), rng.uniform(-3, 3)
    )
    return {
        "case_id": f"SY{month:%Y%m}{i:06d}",
        "object_id": "" if rng.random() < 0.03 else part["object_id"],
        "event_class": kind,
        "longitude": f"{longitude:.7f}",
        "latitude": f"{latitude:.7f}",
        "street_code": "",
        "source_kind": rng.choice(("监督员上报", "市民投诉", "视频巡查")),
        "reported_at": f"{at:%Y-%m-%d %H:%M:%S}",
        "deadline_at": f"{at + timedelta(hours=48):%Y-%m-%d %H:%M:%S}",
        "stages": json.dumps(_stages(rng, at, part["keeper_name"]), ensure_ascii=False),
    }


def _concerned(rng: Random, seed: int, parts: int, month: date, root: Path, kind: str) -> Row:
    """An asset of the register of that month whose class fits the event, if a few looks find one; often one
    of the fifteen worst.
    """
    n = (month.year - 2016) * 12 + month.month - 1
    fits: dict[str, Callable[[str], bool]] = {
        "道路积水": lambda c: c in ("0102", "0103", "0104"),
        "检查井溢水": lambda c: c in ("0102", "0103", "0104"),
        "井盖破损": lambda c: c < "0113",
        "工地扬尘": lambda c: c == "0602",
    }
    looks = (asset(seed, rng.randrange(15 if rng.random() < 0.25 else parts), root) for _ in range(12))
    there = [a for a in looks if float(a["#gone"]) >= 0.01 * n]
    return next((a for a in there if fits.get(kind, lambda c: True)(a["class_code"])), there[0])


def _stages(rng: Random, at: datetime, keeper: str) -> list[Row]:
    """The stages to the end; one case in six takes weeks, one in twelve fails its check, one in thirty comes
    back after it was closed.
    """
    steps = [*STAGES]
    turn = rng.random()
    if turn < 0.08:
        steps[5:5] = ["处置", "核查"]
    elif turn < 0.115:
        steps += ["处置", "核查", "结案"]
    minutes = {"立案": (10, 180), "派遣": (10, 240), "核查": (30, 600), "结案": (10, 120)}
    stages: list[Row] = []
    slow = rng.randrange(6) == 0
    for step in steps:
        if step == "处置":
            at += timedelta(
                minutes=int(60 * 2 ** rng.uniform(0, 5.5)) + (rng.randrange(3, 20) * 1440 if slow else 0)
            )
        elif step in minutes:
            at += timedelta(minutes=rng.randrange(*minutes[step]))
        stages.append(
            {
                "stage": step,
                "at": f"{at:%Y-%m-%d %H:%M:%S}",
                "dept": keeper if step == "处置" else "市城管监督指挥中心",
            }
        )
    return stages


_GRID = (
    Defect(
        "D80",
        "division_code",
        "grid.in_division",
        "quarantine",
        lambda v, row, rng: "210102" if v != "210102" else "210103",
    ),
    Defect("D76", "west", "west.swapped", "quarantine", lambda v, row, rng: row["south"]),
)
_COMPONENT = (
    Defect("D22", "name", "name.repaired", "repair", when(lambda v: len(v) > 2, lambda v: f"{v}\u3000")),
    Defect("D49", "surveyed_on", "surveyed_on.unparsable", "quarantine", always("42404")),
    Defect("D76", "longitude", "longitude.swapped", "quarantine", lambda v, row, rng: row["latitude"]),
    Defect("D79", "longitude", "longitude.unparsable", "quarantine", always("535000.00")),
    Defect(
        "D82",
        "class_code",
        "component.class_in_code",
        "flag",
        lambda v, row, rng: "0203" if v != "0203" else "0104",
    ),
)
_CASE = (
    Defect(
        "D48",
        "reported_at",
        "reported_at.repaired",
        "repair",
        when(lambda v: True, lambda v: f"{v[:4]}/{int(v[5:7])}/{int(v[8:10])} {v[11:16]}"),
    ),
    Defect("D76", "longitude", "longitude.swapped", "quarantine", lambda v, row, rng: row["latitude"]),
    Defect("D83", "object_id", "", "nothing", always("")),
)
DEFECTS = {
    "construction/grid": _GRID,
    "construction/component": _COMPONENT,
    "construction/component_case": _CASE,
}
