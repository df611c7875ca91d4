"""Sound files by seed: rows of the golden cases that broke no rule, written anew in people's spellings, and
the values that must come of each row. What a cell means is read from its plain text here, not by the lake.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import yaml
from citylake.contract.load import load_contracts
from citylake.contract.model import AMEND_SUFFIX, Column, Contract
from citylake.core.settings import ROOT
from citylake.ingest.decode import open_file
from citylake.ingest.formats.hj212 import crc16
from citylake.ingest.manifest import read_manifest

from tests.sound.spellings import Kind, Spelt, spell, value_of
from tests.sound.writers import FORMATS, Written

CONTRACTS = {c.id: c for c in load_contracts(ROOT).values() if c.kind != "mart"}
TEXT_FORMS, SHEETS = ("csv", "tsv", "zip"), ("xlsx", "xls", "ods")
ALL_FORMS = (*TEXT_FORMS, *SHEETS, "json", "jsonl", "xml", "dbf", "fixed_width")
ROWS = 6
# Types whose texts are counted in tenths, or in degrees and minutes.
TENTHS = {
    "temperature_tenths",
    "wind_speed_tenths",
    "pressure_tenths",
    "altitude_tenths",
    "isd_rain_mm",
    "cma_rain_mm",
}
Plain = dict[str, str]
Value = str | Decimal | None


@dataclass(frozen=True)
class Source:
    """Rows as one golden delivery holds them."""

    dataset: str
    layout: str
    period: str
    rows: tuple[Plain, ...]


@dataclass(frozen=True)
class SoundFile:
    """A file, and the values of its rows in order."""

    label: str
    dataset: str
    period: str
    written: Written
    expected: list[dict[str, Value]]


def sources() -> Iterator[Source]:
    """Every delivery of the golden cases that its own contract can read, as plain texts."""
    for dataset, contract in sorted(CONTRACTS.items()):
        for path in sorted((ROOT / "tests" / "cases" / dataset).glob("*/*/manifest.json")):
            manifest = read_manifest(path.read_bytes())
            files = [path.parent / e.name for e in manifest.files]
            if len(files) == 1 and files[0].exists() and not files[0].name.endswith(AMEND_SUFFIX):
                yield from _source(contract, manifest.period, files[0])


def _source(contract: Contract, period: str, path: Path) -> Iterator[Source]:
    try:
        with open_file(path, contract) as decoder:
            records = [r for r in decoder if r.error is None]
            layout, columns = decoder.layout, decoder.columns
    except Exception:  # a case of a file that nobody can read
        return
    rows = tuple({n: v or "" for n, v in zip(columns, r.values, strict=True)} for r in records)
    yield Source(contract.id, layout, period, rows)


def forms(contract: Contract) -> tuple[str, ...]:
    """The formats in which a dataset's rows can be written."""
    if contract.format == "hj212":
        return ("hj212",)
    if contract.layouts or contract.unpivot:
        return TEXT_FORMS
    if contract.table:
        return SHEETS
    return (*ALL_FORMS, "spaced") if contract.format == "spaced" else ALL_FORMS


def make(rng: random.Random, source: Source, form: str, folder: Path, label: str) -> SoundFile:
    """One file of a source's rows."""
    contract = CONTRACTS[source.dataset]
    guarded = form in TEXT_FORMS
    cells: list[dict[str, Spelt]] = []
    for row in source.rows:
        kept = form in ("spaced", "hj212")
        cells.append(
            {n: Spelt(v, v) if kept else _cell(rng, contract, n, v, guarded=guarded) for n, v in row.items()}
        )
    texts = [{n: c.cell for n, c in row.items()} for row in cells]
    if contract.unpivot:
        texts = _wide(contract, source.rows, texts)
    if form == "hj212":
        written = Written("数据.txt", "".join(map(_packet, source.rows)).encode(), contract)
    else:
        written = FORMATS[form](rng, contract, texts, source.layout, folder)
    shown = [{n: c.shown for n, c in row.items()} for row in cells]
    expected = [meaning(contract, source.period, r, s) for r, s in zip(source.rows, shown, strict=True)]
    return SoundFile(f"{label} {source.dataset} {form}", source.dataset, source.period, written, expected)


def _packet(row: Plain) -> str:
    parts = [
        f"{row['pollutant_code']}-{h}={row[c]}"
        for c, h in (("real_time_value", "Rtd"), ("device_flag", "Flag"))
        if row[c]
    ]
    head = f"ST=31;CN={row['command_code']};PW=123456;MN={row['monitor_no']};Flag=4"
    data = f"{head};CP=&&DataTime={row['data_time']};{','.join(parts)}&&"
    return f"##{len(data):04d}{data}{crc16(data.encode()):04X}\r\n"


def _wide(contract: Contract, rows: tuple[Plain, ...], cells: list[Plain]) -> list[Plain]:
    """One row per record with a column for each cell; the keys of a record are spelt once."""
    unpivot = contract.unpivot or {}
    name, value = unpivot["name"], unpivot["value"]
    made: dict[tuple[str, ...], Plain] = {}
    for row, cell in zip(rows, cells, strict=True):
        key = tuple(v for n, v in row.items() if n not in (name, value))
        record = made.setdefault(key, {n: v for n, v in cell.items() if n not in (name, value)})
        record[row[name]] = cell[value]
    widest = dict.fromkeys(n for r in made.values() for n in r)
    return [{n: r.get(n, "") for n in widest} for r in made.values()]


def _cell(rng: random.Random, contract: Contract, name: str, text: str, *, guarded: bool) -> Spelt:
    column = contract.column(name)
    kind = kind_of(column, contract)
    if column.type.personal != "none" or (not text.strip() and column.required):
        return Spelt(text, text)
    if contract.unpivot and name == contract.unpivot["name"]:
        return Spelt(text, text)
    if contract.table and name in ("indicator_name", "parent_name"):  # blanks in front are the hierarchy
        return Spelt(text, text)
    return spell(rng, kind, text, guarded=guarded)


def kind_of(column: Column, contract: Contract) -> Kind:
    """How the texts of a column may be spelt."""
    kind = column.type
    if kind.name in TENTHS or kind.name in ("json_text", "latitude_ddmm", "longitude_ddmm"):
        return "kept"
    if column.name == "month_text":
        return "month"
    physical = kind.physical.split("(")[0]
    found: dict[str, Kind] = {
        "DATE": "day",
        "TIMESTAMP": "moment",
        "DECIMAL": "number",
        "BIGINT": "whole",
        "INT": "whole",
    }
    return found.get(physical) or ("code" if _is_code(kind.name) else "text")


@lru_cache(maxsize=256)
def _is_code(name: str) -> bool:
    if name in ("code_text", "digits"):
        return True
    raw = yaml.safe_load((ROOT / "schemas" / "types" / f"{name}.yaml").read_text("utf-8"))
    return "like" in raw and _is_code(raw["like"])


def meaning(contract: Contract, period: str, row: Plain, shown: Plain) -> dict[str, Value]:
    """Column -> value of a row of plain texts."""
    out: dict[str, Value] = {}
    for column in (contract.column(n) for n in row):
        kind = kind_of(column, contract)
        if column.bronze_only or column.type.personal != "none" or column.type.name.endswith("_ddmm"):
            continue
        out[column.name] = (
            _tenths(row[column.name]) if column.type.name in TENTHS else value_of(kind, row[column.name])
        )
    return out | computed(contract.id, period, row, shown)


def _tenths(text: str) -> Decimal | None:
    """Tenths; 100000 is added to an altitude that is an estimate, 30000 to 32600 to snow, sleet and frost."""
    if text.strip() in ("", "-9999", "32766", "32744"):
        return None
    number = Decimal(0 if text.strip() == "32700" else text)
    if 30_000 <= number < 32_700:
        number %= 1000
    return (number - 100_000 if number >= 100_000 else number) / 10


def computed(dataset: str, period: str, row: Plain, shown: Plain) -> dict[str, Value]:
    """Columns that a contract computes."""
    out: dict[str, Value] = {}
    if "month_text" in row:
        out["stat_month"] = value_of("month", row["month_text"])
    raws = {"month_value": "month_raw", "cumulative_value": "cumulative_raw", "value": "delivered_value"}
    for source, name in raws.items():
        if source in row and name in {c.name for c in CONTRACTS[dataset].columns}:
            out[name] = (
                value_of("number", row[source]) if name == "delivered_value" else shown[source] or None
            )
    match dataset:
        case "commerce/trade_retail":
            out["indicator_code"] = f"社会消费品零售总额/{row['group_name']}"
        case "power_supply/electricity":
            out["indicator_code"] = f"全社会用电量/{row['use_name']}"
        case "finance/fiscal_revenue":
            tax = "" if row["item_name"] == "非税收入" else "税收收入/"
            out["indicator_code"] = f"一般公共预算收入/{tax}{row['item_name']}"
        case "statistics/monthly_indicator":
            out["stat_month"] = f"{period}-01"
            above = "" if row["parent_name"] == "-" else f"{row['parent_name']}/"
            out["indicator_code"] = above + row["indicator_name"]
        case "environment/air_quality_hourly":
            out["measured_at"] = str(
                datetime.strptime(row["date"], "%Y%m%d") + timedelta(hours=int(row["hour"]))
            )
        case "environment/emission_packet":
            out["measured_at"] = str(datetime.strptime(row["data_time"], "%Y%m%d%H%M%S"))
        case "weather/station_hourly" | "weather/isd_lite":
            at = datetime(*(int(row[n]) for n in ("year", "month", "day")))  # pyright: ignore[reportArgumentType]
            hours = int(row["hour"]) + (8 if dataset.endswith("isd_lite") else 0)
            out["observed_at"] = str(at + timedelta(hours=hours))
        case "weather/climate_daily_rain" | "weather/climate_daily_temperature":
            out["observed_on"] = f"{row['year']}-{int(row['month']):02d}-{int(row['day']):02d}"
        case "construction/component_case":
            out |= _stages(json.loads(row["stages"] or "[]"))
        case _:
            pass
    return out


def _stages(stages: list[dict[str, str]]) -> dict[str, Value]:
    at: dict[str, list[str]] = defaultdict(list)
    for stage in stages:
        at[stage["stage"]].append(stage["at"])
    last = max(stages, key=lambda s: s["at"], default=None)
    first = {"filed_at": at["立案"][:1], "dispatched_at": at["派遣"][:1]}
    ends = {"handled_at": at["处置"][-1:], "verified_at": at["核查"][-1:]}
    ends["closed_at"] = [last["at"]] if last and last["stage"] == "结案" else []
    counts: dict[str, Value] = {
        "handled_times": Decimal(len(at["处置"])),
        "closed_times": Decimal(len(at["结案"])),
    }
    return {**{n: v[0] if v else None for n, v in (first | ends).items()}, **counts}


def plan(seed: int, count: int, chosen: list[Source]) -> Iterator[tuple[random.Random, Source, str, str]]:
    """Which source is written in which format: formats in turn, datasets in turn within each."""
    rng = random.Random(seed)
    by_form: dict[str, list[Source]] = defaultdict(list)
    for source in rng.sample(chosen, len(chosen)):
        for form in forms(CONTRACTS[source.dataset]):
            by_form[form].append(source)
    for i in range(count):
        form = list(by_form)[i % len(by_form)]
        options = by_form[form]
        source = options[i // len(by_form) % len(options)]
        most = max(1, len(source.rows) - ROWS)
        at = rng.randrange(most)
        contract = CONTRACTS[source.dataset]
        whole = contract.unpivot or contract.table  # records of several rows, parts under the row above
        part = source.rows if whole else source.rows[at : at + ROWS]
        yield random.Random(f"{seed}-{i}"), replace(source, rows=part), form, f"{seed}/{i}"
