"""What happens in the city: decisions, weather, air, indicators, components and the cases about them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from citylake.city.identifiers import resident_id
from citylake.city.people import AUTHORITIES, DISTRICTS, TRUTH, entity

Row = dict[str, str]


@lru_cache(maxsize=32)
def codes(root: Path, name: str) -> tuple[dict[str, str], ...]:
    """A code list of the project."""
    with (root / "schemas" / "codes" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


def decisions(seed: int, kind: str, sunday: date, count: int, firms: int, *, revised: bool) -> Iterator[Row]:
    """Permits or penalties decided in the week that ends on `sunday`; `revised` adds withdrawals of the week before."""
    for i in range(count):
        yield _decision(seed, kind, sunday, i, firms, withdrawn=False)
    if revised:
        yield _decision(seed, kind, sunday - timedelta(days=7), count - 1, firms, withdrawn=True)


def _decision(seed: int, kind: str, sunday: date, i: int, firms: int, *, withdrawn: bool) -> Row:
    rng = Random(f"{seed}/{kind}/{sunday}/{i}")
    number = rng.randrange(firms)
    e, authority = entity(seed, number), rng.choice(AUTHORITIES)
    decided = sunday - timedelta(days=rng.randrange(7) + (14 if rng.random() < 0.08 else 0))
    sent = sunday + timedelta(days=8 if withdrawn else 1)
    row = {
        "authority_name": authority, "document_no": f"沈{'许' if kind == 'permit' else '罚'}字〔{sunday.year}〕{sunday:%m%d}{i:03d}号",
        "counterpart_name": e.name, "counterpart_kind": "法人及非法人组织", "counterpart_uscc": e.uscc, "counterpart_org_code": e.org_code,
        "counterpart_registration_no": e.registration_no, "counterpart_taxpayer_no": f"{e.division}{e.org_code}", "counterpart_resident_id": "",
        "representative": "", "decided_on": f"{decided:%Y/%m/%d}", "state_code": "1" if withdrawn else "0", "place_code": "210100",
        "updated_at": f"{sent:%Y-%m-%d} 0{8 + (i % 2)}:00:00", "note": "", "source_name": authority, TRUTH: str(number),
    }  # fmt: skip
    return row | (_permit(rng, e.name, decided) if kind == "permit" else _penalty(rng, decided))


def _permit(rng: Random, name: str, decided: date) -> Row:
    what = rng.choice(("食品经营许可", "排水许可", "特种设备使用登记", "建筑施工许可", "安全生产许可", "医疗器械经营许可"))
    until = date(decided.year + rng.choice((3, 5)), decided.month, min(decided.day, 28))
    return {
        "project_name": f"{what}（{name[:8]}）", "permit_class": rng.choice("11112456"), "content": f"准予{what}，请按规定开展活动",
        "certificate_name": f"{what}证", "certificate_no": f"JY{rng.randrange(10**8):08d}", "valid_from": f"{decided:%Y/%m/%d}",
        "valid_to": f"{until:%Y/%m/%d}",
    }  # fmt: skip


def _penalty(rng: Random, decided: date) -> Row:
    what = rng.choice(("无证经营", "产品质量不合格", "未按规定公示年报", "超标排放", "安全生产隐患", "虚假宣传"))
    fine = rng.choice((0.2, 0.5, 1, 2, 5, 10))
    return {
        "case_name": what, "penalty_class": rng.choice("01111236"), "violation": f"当事人存在{what}行为", "legal_basis": "《中华人民共和国行政处罚法》",
        "result_text": f"罚款人民币{fine}万元", "fine_10k_cny": f"{fine:.6f}",
        "publicity_end": f"{date(decided.year + 1, decided.month, min(decided.day, 28)):%Y/%m/%d}",
    }  # fmt: skip


@lru_cache(maxsize=64)
def rain_hours(seed: int, month: date) -> dict[int, float]:
    """Hour of the month -> millimetres: a few spells, more in summer; dry otherwise."""
    rng = Random(f"{seed}/rain/{month}")
    out: dict[int, float] = {}
    for _ in range(3 + (5 if month.month in (6, 7, 8) else 0)):
        start, length = rng.randrange(24 * 28), rng.randrange(3, 14)
        peak = rng.uniform(0.4, 3 if month.month in (12, 1, 2) else 18)
        for h in range(length):
            out[start + h] = round(peak * math.sin(math.pi * (h + 1) / (length + 1)), 1)
    return out


def hours(month: date) -> Iterator[datetime]:
    """The hours of a month, Beijing time."""
    at = datetime(month.year, month.month, 1)
    while at.month == month.month:
        yield at
        at += timedelta(hours=1)


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


def person_in_company_column(seed: int, i: int) -> str:
    """A valid synthetic identifier, for the defect that a person stands where a company should."""
    rng = Random(f"{seed}/person/{i}")
    return resident_id("210102", f"{date(1960, 1, 1) + timedelta(days=rng.randrange(15000)):%Y%m%d}", rng.randrange(1, 999))
