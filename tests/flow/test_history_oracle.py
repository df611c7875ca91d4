"""Random histories of a register through the whole way, against a slow history in plain Python.

One run holds 100,000 components, each with a story of its own over the deliveries: unchanged, changed,
changed back, missing,
returned, damaged, sent twice, changed again on the same day, changed late for a period long past. The oracle
replays all deliveries
from the start: equal tables mean that what was built delivery by delivery is what a full rebuild gives.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from citylake.audit.conservation import batches
from citylake.core.names import silver
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.hops import decode_dataset, refine_dataset
from citylake.pipeline.lake import open_lake
from citylake.pipeline.steps import receive_dataset
from citylake.storage.delta import open_table

from tests.flow.deliveries import HEADER

pytestmark = pytest.mark.slow

DATASET = "construction/component"
_BEIJING = pa.timestamp("s", tz="Asia/Shanghai")
STATES = ("完好", "破损", "丢失")
STORIES = ("same", "same", "same", "change", "change", "missing", "damaged", "twice", "superseded")
KEYS = int(os.environ.get("CITYLAKE_HISTORIES", "100000"))


@dataclass(frozen=True)
class Delivery:
    """One hand-over: its name, the month it is about, when it was sent, and whether what it lacks has
    ended.
    """

    name: str
    month: int
    sent: str
    full: bool = True

    @property
    def known(self) -> str:
        return f"{self.sent}+08:00"


DELIVERIES = (
    Delivery("2016-01-001", 1, "2016-02-01T09:30:00"),
    Delivery("2016-02-001", 2, "2016-03-01T09:30:00"),
    Delivery("2016-02-002", 2, "2016-03-01T15:00:00", full=False),  # on the same day, for the same month
    Delivery("2016-03-001", 3, "2016-04-01T09:30:00"),
    Delivery("2016-04-001", 4, "2016-05-01T09:30:00"),
    Delivery("2016-02-003", 2, "2016-05-03T09:30:00", full=False),  # late: for a month long past
)

# Of one key: state, valid from and to (months), known from and to (positions of deliveries).
Version = tuple[str, int, int | None, int, int | None]
Said = tuple[dict[str, str], set[str]]  # the state of each accepted key, and all keys that are named at all


def _line(key: str, state: str, longitude: str = "123.4500000") -> str:
    return f"{key},路灯,0119,市城管局,区城管局,区城管局,{key[:6]}001001001,{state},2012-03-04,,实测,{longitude},41.8000000,铸铁,"  # noqa: E501


def _told(rng: random.Random, keys: list[str], held: dict[str, str]) -> tuple[list[str], Said]:
    """The lines of one delivery and what they say."""
    lines, accepted, named = list[str](), dict[str, str](), set[str]()
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
    return lines, (accepted, named)


def _replayed(told: list[Said]) -> dict[str, set[Version]]:
    """The slow truth: per key a list of versions; a delivery closes what it contradicts and asserts what it
    says.
    """
    histories: dict[str, list[Version]] = defaultdict(list)
    for now, (delivery, (accepted, named)) in enumerate(zip(DELIVERIES, told, strict=True)):
        gone = [k for k in histories if k not in named] if delivery.full else []
        for key in gone:
            _say(histories[key], None, delivery.month, now)
        for key, state in accepted.items():
            _say(histories[key], state, delivery.month, now)
    return {k: set(rows) for k, rows in histories.items() if rows}


def _say(rows: list[Version], state: str | None, month: int, now: int) -> None:
    """From `month` on the key has this state (None: it is no more), unless something later is known of it."""
    known = [r for r in rows if r[4] is None]
    if any(r[1] > month or (r[2] or 0) > month for r in known):
        return
    held = next((r for r in known if r[2] is None), None)
    if held is not None and held[0] != state:
        rows[rows.index(held)] = (*held[:4], now)
        if held[1] < month:
            rows.append((held[0], held[1], month, now, None))
    if state is not None and (held is None or held[0] != state):
        rows.append((state, month, None, now, None))


def _deliver(folder: Path, delivery: Delivery, lines: list[str]) -> None:
    body = ("\r\n".join([HEADER, *lines]) + "\r\n").encode("gb18030")
    manifest: dict[str, Any] = {
        "manifest": 1,
        "dataset": DATASET,
        "contract": "1.0.0",
        "delivery": delivery.name,
        "period": f"2016-{delivery.month:02d}",
        "coverage": "full" if delivery.full else "changes",
        "sent_at": delivery.known,
        "corrects": None,
        "files": [
            {
                "name": "a.csv",
                "bytes": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "records": len(lines),
            }
        ],
        "totals": {"records": len(lines), "sum": {}, "distinct": {}, "min": {}, "max": {}},
    }
    to = folder / DATASET / delivery.name
    to.mkdir(parents=True)
    (to / "a.csv").write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _histories(settings: Settings) -> dict[str, set[Version]]:
    table = open_table(settings, silver(DATASET))
    assert table is not None
    rows = table.to_pyarrow_table(
        columns=["object_id", "state_code", "_valid_from", "_valid_to", "_known_from", "_known_to"]
    )
    at = {d.known: n for n, d in enumerate(DELIVERIES)}
    months = [[m.month if m else None for m in rows[c].to_pylist()] for c in ("_valid_from", "_valid_to")]
    moments = [
        pc.strftime(pc.cast(rows[c], _BEIJING, safe=False), "%Y-%m-%dT%H:%M:%S+08:00").to_pylist()
        for c in ("_known_from", "_known_to")
    ]  # pyright: ignore[reportAttributeAccessIssue]
    found: dict[str, set[Version]] = defaultdict(set)
    for key, state, *months_, begin, end in zip(
        rows["object_id"].to_pylist(), rows["state_code"].to_pylist(), *months, *moments, strict=True
    ):
        version = (state, *months_, at[begin], at[end] if end else None)
        assert version not in found[key], "a version stands twice"
        found[key].add(version)
    return found


def _faults(history: set[Version], named: list[bool]) -> Iterator[str]:
    """What no history may show, at any moment of knowing."""
    for now in range(len(DELIVERIES)):
        known = sorted(
            (r for r in history if r[3] <= now and (r[4] is None or r[4] > now)), key=lambda r: r[1]
        )
        if sum(r[2] is None for r in known) > 1:
            yield "more than one open version"
        for one, other in pairwise(known):
            if one[2] is None or one[2] > other[1]:
                yield "an overlap"
            elif one[2] < other[1] and all(named):
                yield "a gap"


def test_every_history_is_what_a_slow_replay_gives(lake_settings: Settings, tmp_path: Path) -> None:
    settings = lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-history"})
    rng, told, held = random.Random(1), list[Said](), dict[str, str]()
    keys = [f"2101020119{n:06d}" for n in range(KEYS)]
    sent = 0
    for delivery in DELIVERIES:
        lines, said = _told(rng, keys if delivery.full else rng.sample(keys, KEYS // 5), held)
        _deliver(tmp_path, delivery, lines)
        told.append(said)
        held |= said[0]
        sent += len(lines)
    lake = open_lake(settings)
    fetch_folder(lake.store, tmp_path)
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, DATASET)
    answered = [b for b in batches(lake.store, lake.contracts) if b.dataset == DATASET]
    assert [b.state for b in answered] == ["admitted"] * len(DELIVERIES)
    assert all(b.balanced for b in answered) and sum(b.received for b in answered) == sent
    found = _histories(settings)
    always = [n for _, n in told[:2]] + [told[3][1], told[4][1]]
    assert {f for k, h in found.items() for f in _faults(h, [k in n for n in always])} == set()
    assert found == _replayed(told)
