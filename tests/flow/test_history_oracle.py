"""Random histories of a register through the whole way, against a slow history in plain Python.

One run holds 200 components, each with a story of its own over five monthly deliveries (unchanged, changed, changed back, missing,
returned, damaged, sent twice), so every run checks 200 histories. The oracle replays all deliveries from the start: equal tables
mean that what was built month by month is what a full rebuild gives.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.conservation import batches
from citylake.ingest.sources.folder import fetch_folder
from citylake.lake.delta import open_table
from citylake.lake.names import silver
from citylake.lake.settings import Settings
from citylake.run import decode_dataset, open_lake, receive_dataset, refine_dataset

DATASET = "construction/component"
HEADER = "ObjID,ObjName,SmallClass,DeptName1,DeptName2,DeptName3,BGID,ObjState,ORDate,CHDate,DataSource,PointX,PointY,Material,Note"
STATES = ("完好", "破损", "丢失")
STORIES = ("same", "same", "same", "change", "change", "missing", "damaged", "twice", "superseded")
MONTHS = 5


@dataclass(frozen=True)
class Version:
    """One row of history: what is true from when to when, known from when to when (months)."""

    key: str
    state: str
    valid_from: int
    valid_to: int | None
    known_from: int
    known_to: int | None


def _line(key: str, state: str, longitude: str = "123.4500000") -> str:
    return f"{key},路灯,0119,市城管局,区城管局,区城管局,{key[:6]}001001001,{state},2012-03-04,,实测,{longitude},41.8000000,铸铁,"


def _month(rng: random.Random, keys: list[str], held: dict[str, str]) -> tuple[list[str], dict[str, str], set[str]]:
    """The lines of one delivery, the state that each accepted key has in it, and the keys that it names at all."""
    lines: list[str] = []
    accepted: dict[str, str] = {}
    named: set[str] = set()
    for key in keys:
        story, state = rng.choice(STORIES), held.get(key, STATES[0])
        if story == "missing" and rng.random() < 0.5:
            continue
        named.add(key)
        if story == "damaged" and rng.random() < 0.5:
            lines.append(_line(key, state, "不详"))
            continue
        if story == "superseded":
            lines.append(_line(key, STATES[2]))
        accepted[key] = rng.choice(STATES[:2]) if story == "change" else state
        lines += [_line(key, accepted[key])] * (2 if story == "twice" else 1)
    return lines, accepted, named


def _replayed(months: list[tuple[dict[str, str], set[str]]]) -> set[Version]:
    """The slow truth: per key a list of versions; a month closes what it contradicts and asserts what it says."""
    rows: list[Version] = []
    for now, (accepted, named) in enumerate(months):
        for row in [r for r in rows if r.known_to is None and r.valid_to is None]:
            gone, changed = row.key not in named, accepted.get(row.key, row.state) != row.state
            if not (gone or changed):
                continue
            rows[rows.index(row)] = Version(row.key, row.state, row.valid_from, None, row.known_from, now)
            if row.valid_from < now:
                rows.append(Version(row.key, row.state, row.valid_from, now, now, None))
        open_keys = {r.key for r in rows if r.known_to is None and r.valid_to is None}
        rows += [Version(k, s, now, None, now, None) for k, s in accepted.items() if k not in open_keys]
    return set(rows)


def _deliver(folder: Path, month: int, lines: list[str]) -> None:
    period, name = f"2016-{month + 1:02d}", f"2016-{month + 1:02d}-001"
    body = ("\r\n".join([HEADER, *lines]) + "\r\n").encode("gb18030")
    manifest: dict[str, Any] = {
        "manifest": 1, "dataset": DATASET, "contract": "1.0.0", "delivery": name, "period": period, "coverage": "full",
        "sent_at": f"2016-{month + 2:02d}-01T09:30:00+08:00", "corrects": None,
        "files": [{"name": "a.csv", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "records": len(lines)}],
        "totals": {"records": len(lines), "sum": {}, "distinct": {}, "min": {}, "max": {}},
    }  # fmt: skip
    to = folder / DATASET / name
    to.mkdir(parents=True)
    (to / "a.csv").write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _versions(settings: Settings) -> set[Version]:
    table = open_table(settings, silver(DATASET))
    assert table is not None
    known = {f"2016-{m + 2:02d}-01": m for m in range(MONTHS)}
    valid = {f"2016-{m + 1:02d}-01": m for m in range(MONTHS)}
    rows = table.to_pyarrow_table().to_pylist()
    found = [
        Version(
            r["object_id"], r["state_code"], valid[str(r["_valid_from"])], valid[str(r["_valid_to"])] if r["_valid_to"] else None,
            known[str(r["_known_from"])[:10]], known[str(r["_known_to"])[:10]] if r["_known_to"] else None,
        )
        for r in rows
    ]  # fmt: skip
    assert len(found) == len(set(found)), "a version stands twice"
    return set(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_history_is_what_a_slow_replay_gives(lake_settings: Settings, tmp_path: Path, seed: int) -> None:
    settings = lake_settings.model_copy(update={"lake": f"history-{seed}"})
    rng, months, held = random.Random(seed), list[tuple[dict[str, str], set[str]]](), dict[str, str]()
    keys = [f"2101020119{n:06d}" for n in range(200)]
    sent = 0
    for month in range(MONTHS):
        lines, accepted, named = _month(rng, keys, held)
        _deliver(tmp_path, month, lines)
        months.append((accepted, named))
        held |= accepted
        sent += len(lines)
    lake = open_lake(settings)
    fetch_folder(lake.store, tmp_path)
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, DATASET)
    answered = [b for b in batches(lake.store, lake.contracts) if b.dataset == DATASET]
    assert [b.state for b in answered] == ["admitted"] * MONTHS
    assert all(b.balanced for b in answered) and sum(b.received for b in answered) == sent
    assert _versions(settings) == _replayed(months)
