"""Twelve kinds of drift done to sound files, and the combinations that cannot exist, each with its reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract

KINDS = (
    "renamed",
    "reordered",
    "added",
    "dropped",
    "split",
    "widened",
    "unit_change",
    "new_code",
    "date_format",
    "charset",
    "delimiter",
    "header_moved",
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is done to one dataset: header texts (or keys, or fields) by kind."""

    renamed: tuple[str, str]
    swapped: tuple[str, str]
    dropped: str
    split: tuple[str, int]  # column, at which character
    widened: tuple[str, Callable[[str], str]]
    unit: tuple[tuple[str, ...], float]
    code: tuple[str, str]
    dates: tuple[str, ...]
    none: dict[str, str] = field(default_factory=dict)  # kind -> why it cannot exist here


PLANS = {
    "market_regulation/legal_entity": Plan(
        ("登记机关", "发证机关"),
        ("住所", "行政区划"),
        "曾用名",
        ("住所", 9),
        ("行业代码", lambda v: f"{v}00"),
        (("注册资本(万元)",), 1e4),
        ("登记状态", "歇业"),
        ("成立日期", "核准日期", "经营期限自"),
    ),
    "development_reform/admin_permit": Plan(
        ("许可编号", "许可证书编号"),
        ("行政许可决定文书名称", "行政许可决定文书号"),
        "数据来源单位",
        ("许可编号", 2),
        ("许可编号", lambda v: v * 30),
        ((), 1.0),
        ("许可类别", "9"),
        ("许可决定日期", "有效期自"),
        {"unit_change": "no column holds a number"},
    ),
    "weather/station_hourly": Plan(
        ("WIN_S_Avg_2mi", "WIN_S_Avg_10mi"),
        ("TEM", "RHU"),
        "Q_TEM",
        ("Station_Id_C", 2),
        ("Station_Id_C", lambda v: f"0{v}"),
        (("PRS",), 100.0),
        ("Q_RHU", "7"),
        (),
        {"date_format": "year, month, day and hour stand in columns of digits"},
    ),
    "construction/component": Plan(
        ("BGID", "GridID"),
        ("ObjState", "ORDate"),
        "Material",
        ("BGID", 6),
        ("BGID", lambda v: f"{v}000"),
        (("PointX", "PointY"), 1e6),
        ("ObjState", "歪斜"),
        ("ORDate",),
    ),
    "construction/component_case": Plan(
        ("source", "source_kind"),
        ("", ""),
        "street_code",
        ("reported_at", 10),
        ("obj_id", lambda v: f"{v}00"),
        (("x", "y"), 1e6),
        ("event_class", "窨井盖移位"),
        ("reported_at", "deadline_at"),
        {
            "reordered": "the keys of a JSON object have no order",
            "delimiter": "JSON has none",
            "header_moved": "JSON has no header",
        },
    ),
    "civil_affairs/resident": Plan(
        ("", ""),
        ("sex_code", "street_code"),
        "street_code",
        ("", 0),
        ("name", str),
        ((), 1.0),
        ("marital_status_code", "60"),
        ("birth_date", "registered_on"),
        {
            "renamed": "records have no header",
            "split": "two parts in the same bytes are the same record",
            "unit_change": "no column holds a number",
            "delimiter": "fields are found by bytes",
            "header_moved": "records have no header",
        },
    ),
}


def mutate(kind: str, source: Path, target: Path, contract: Contract) -> None:
    """Write the file with one kind of drift."""
    plan = PLANS[contract.id]
    {"csv": _csv, "json": _json, "fixed_width": _fixed}[contract.format](kind, plan, source, target, contract)


def _turned(value: str) -> str:
    """A day or moment with its day first."""
    digits = value.replace("-", "").replace("/", "")
    return f"{digits[6:8]}/{digits[4:6]}/{digits[:4]}{value[10:]}" if value else value


def _grown(value: str, factor: float) -> str:
    return f"{float(value) * factor:.3f}" if value else value


def _values(kind: str, plan: Plan, rows: list[Row]) -> None:
    """The kinds that change values under the same header."""
    for i, row in enumerate(rows):
        match kind:
            case "widened" if row[plan.widened[0]]:
                row[plan.widened[0]] = plan.widened[1](row[plan.widened[0]])
            case "unit_change":
                row.update({c: _grown(row[c], plan.unit[1]) for c in plan.unit[0]})
            case "new_code" if i % 3 == 0:
                row[plan.code[0]] = plan.code[1]
            case "date_format":
                row.update({c: _turned(row[c]) for c in plan.dates})
            case _:
                pass


def _columns(kind: str, plan: Plan, header: list[str], rows: list[Row]) -> list[str]:
    """The header after a kind that changes columns; rows are changed in place."""
    names = list(header)
    match kind:
        case "renamed":
            names[names.index(plan.renamed[0])] = plan.renamed[1]
            for row in rows:
                row[plan.renamed[1]] = row.pop(plan.renamed[0])
        case "reordered":
            i, j = (names.index(c) for c in plan.swapped)
            names[i], names[j] = names[j], names[i]
        case "added":
            names.insert(3, "联系人")
            for i, row in enumerate(rows):
                row["联系人"] = f"联系{i % 7}"
        case "dropped":
            names.remove(plan.dropped)
            for row in rows:
                row.pop(plan.dropped)
        case "split":
            column, at = plan.split
            place = names.index(column)
            names[place : place + 1] = ["前半", "后半"]
            for row in rows:
                value = row.pop(column)
                row |= {"前半": value[:at], "后半": value[at:].strip()}
        case _:
            pass
    return names


def _csv(kind: str, plan: Plan, source: Path, target: Path, contract: Contract) -> None:
    text = source.read_bytes().decode("utf-8-sig" if contract.encoding == "utf-8" else contract.encoding)
    header, *records = list(csv.reader(io.StringIO(text, newline=""), delimiter=contract.delimiter))
    header = [h or f"F{i}" for i, h in enumerate(header, start=1)]
    rows: list[Row] = [dict(zip(header, r, strict=True)) for r in records]
    names = _columns(kind, plan, header, rows)
    _values(kind, plan, rows)
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter="\t" if kind == "delimiter" else contract.delimiter, lineterminator="\r\n"
    )
    writer.writerow(names)
    writer.writerows([row[n] for n in names] for row in rows)
    before = "沈阳市数据交换表\r\n制表单位：信息中心\r\n" if kind == "header_moved" else ""
    # Text in ASCII alone is the same bytes in UTF-8 and GB18030.
    other = "utf-16" if text.isascii() else {"utf-8": "gb18030", "gb18030": "utf-8"}[contract.encoding]
    target.write_bytes((before + out.getvalue()).encode(other if kind == "charset" else contract.encoding))


def _json(kind: str, plan: Plan, source: Path, target: Path, contract: Contract) -> None:
    data = json.loads(source.read_text("utf-8"))
    rows: list[Row] = data[contract.records]
    _columns(kind, plan, list(rows[0]), rows)
    _values(kind, plan, rows)
    target.write_bytes(
        json.dumps(data, ensure_ascii=False, indent=1).encode("gb18030" if kind == "charset" else "utf-8")
    )


def _fixed(kind: str, plan: Plan, source: Path, target: Path, contract: Contract) -> None:
    spans = {c.name: (c.start or 0, c.end or 0) for c in contract.columns if c.start is not None}
    rows: list[Row] = [
        {n: line[a:b].decode(contract.encoding).strip() for n, (a, b) in spans.items()}
        for line in source.read_bytes().splitlines()
    ]
    widths = {n: b - a for n, (a, b) in spans.items()}
    names, encoding = list(spans), "utf-8" if kind == "charset" else contract.encoding
    match kind:
        case "reordered":
            i, j = (names.index(c) for c in plan.swapped)
            names[i], names[j] = names[j], names[i]
        case "dropped":
            names.remove(plan.dropped)
        case "added":
            names.append("extra")
            widths["extra"] = 6
        case "widened":
            widths[plan.widened[0]] += 10
        case _:
            pass
    for i, row in enumerate(rows):
        row["extra"] = f"X{i % 9}"
        if kind == "date_format":
            row.update({c: row[c][6:8] + row[c][4:6] + row[c][:4] for c in plan.dates})
        elif kind == "new_code" and i % 5 == 0:
            row[plan.code[0]] = plan.code[1]
    target.write_bytes(
        b"".join(
            b"".join(r[n].encode(encoding)[: widths[n]].ljust(widths[n]) for n in names) + b"\r\n"
            for r in rows
        )
    )
