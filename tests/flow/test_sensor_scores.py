"""How well the marts find what sensors and their platform do wrong: recall and precision per id of the defect
catalogue.

The truth log of the city says which spells and cells were at fault; `environment.sensor_fault` says what was
found. A truth is found when
a fault of its kind at its station and item covers nine tenths of its hours; a fault is right when it lies
within a truth of its kind.
`CITYLAKE_SEEDS=2016,7,99` scores three cities.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from citylake.core.names import mart
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.lake import open_lake
from citylake.pipeline.run import run_all
from citylake.storage.delta import open_table
from citylake.synthetic import generate

from tests.oracles.city import City

SEEDS = tuple(int(s) for s in os.environ.get("CITYLAKE_SEEDS", "2016").split(","))
MONTHS = 2
AIR = "environment/air_quality_hourly"
CONTROLS = ("peak", "calm", "outage")
DAY_ITEMS = ("PM2.5_24h", "PM10_24h")
BEIJING = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Fault:
    """A spell at one station, of one kind; both ends included."""

    kind: str
    station: str
    item: str
    first: datetime
    last: datetime
    hours: int

    def within(self, other: Fault) -> bool:
        """Same place and kind, and no hour outside the other."""
        same = (self.kind, self.station) == (other.kind, other.station) and other.item in ("", self.item)
        return same and other.first <= self.first and self.last <= other.last


@pytest.fixture(scope="module", params=SEEDS)
def scored(
    request: pytest.FixtureRequest, lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Fault], list[Fault], list[Fault]]:
    """(truths, controls, what was found) of a city with planted defects."""
    folder = tmp_path_factory.mktemp("sensors")
    generate(folder, months=MONTHS, scale=0.1, seed=request.param, only=(AIR,))
    lake = open_lake(
        lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-sensors-{request.param}"})
    )
    fetch_folder(lake.store, folder / "inbox")
    run_all(lake)
    opened = open_table(lake.settings, mart("environment/sensor_fault"))
    assert opened is not None
    truths = list(_truths(folder, City(request.param, MONTHS, 0.1)))
    return (
        [t for t in truths if t.kind not in CONTROLS],
        [t for t in truths if t.kind in CONTROLS],
        [_found(r) for r in opened.to_pyarrow_table().to_pylist()],
    )


def _truths(folder: Path, city: City) -> Any:
    rows: dict[str, list[dict[str, str]]] = {}
    for row in city.rows(AIR):
        rows.setdefault(row["_delivery"], []).append(row)
    for line in (folder / "truth" / "defects.jsonl").read_text("utf-8").splitlines():
        log = json.loads(line)
        if log["expect"] == "spell":
            yield from _spell(log, city)
        elif log["id"] == "D62":
            row = rows[log["delivery"]][log["record"] - 1]
            at = datetime.strptime(f"{row['date']}{row['hour']}", "%Y%m%d%H")
            yield Fault(
                "negative" if log["rule"] == "value.range" else "missing_code",
                log["station"],
                row["item_code"],
                at,
                at,
                1,
            )


def _spell(log: dict[str, Any], city: City) -> Any:
    first, last = datetime.fromisoformat(log["from"]), datetime.fromisoformat(log["to"])
    if log["kind"] == "short_mean":
        first = first.replace(hour=0)
        for item in DAY_ITEMS:
            yield Fault("short_mean", log["station"], item, first, first + timedelta(hours=23), 1)
    elif log["kind"] == "other_edition":
        marked = sum(
            r.get(f"#{log['station']}") == "other_edition" and first <= _at(r) <= last for r in city.rows(AIR)
        )
        yield Fault(log["kind"], log["station"], "AQI", first, last, marked)
    else:
        hours = int((last - first).total_seconds() // 3600) + 1
        for item in ("PM2.5", "PM10") if log["kind"] == "inverted" else (log["item"],):
            yield Fault(log["kind"], log["station"], item, first, last, hours)


def _at(row: dict[str, str]) -> datetime:
    return datetime(int(row["date"][:4]), int(row["date"][4:6]), int(row["date"][6:]), int(row["hour"]))


def _found(row: dict[str, Any]) -> Fault:
    first, last = (row[c].astimezone(BEIJING).replace(tzinfo=None) for c in ("started_at", "ended_at"))
    return Fault(row["kind"], row["station_code"], row["item_code"], first, last, row["hours"])


def test_every_kind_is_found_and_nothing_else(scored: tuple[list[Fault], list[Fault], list[Fault]]) -> None:
    truths, _, found = scored
    planted, hit = Counter(t.kind for t in truths), Counter(t.kind for t in truths if _is_found(t, found))
    told, right = (
        Counter(f.kind for f in found),
        Counter(f.kind for f in found if any(f.within(t) for t in truths)),
    )
    table = {
        k: (hit[k] / planted[k] if planted[k] else 1.0, right[k] / told[k] if told[k] else 1.0, planted[k])
        for k in sorted(planted | told)
    }
    print(*(f"{k:14} recall {r:.3f} precision {p:.3f} of {n}" for k, (r, p, n) in table.items()), sep="\n")
    assert all(
        planted[k]
        for k in (
            "negative",
            "missing_code",
            "stuck",
            "replay",
            "inverted",
            "co_unit",
            "other_edition",
            "short_mean",
            "clock_shift",
        )
    )
    assert [k for k, (recall, precision, _) in table.items() if min(recall, precision) < 0.99] == []


def test_true_peaks_calms_and_outages_raise_nothing(
    scored: tuple[list[Fault], list[Fault], list[Fault]],
) -> None:
    truths, controls, found = scored
    alarms = [f for f in found if not any(f.within(t) for t in truths)]
    assert {c.kind for c in controls} == set(CONTROLS)
    assert [
        a
        for a in alarms
        for c in controls
        if a.station == c.station and a.first <= c.last and c.first <= a.last
    ] == []


def _is_found(truth: Fault, found: list[Fault]) -> bool:
    hours = Counter(f.item for f in found if f.within(truth) for _ in range(f.hours))
    return bool(hours) and min(hours.values()) >= (1 if truth.kind == "short_mean" else 0.9 * truth.hours)
