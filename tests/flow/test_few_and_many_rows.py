"""Whether batches pass through memory, together or one by one, or through Spark alone: the tables hold the
same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.catalogue import column_comment
from citylake.core.names import mart, quarantine, silver
from citylake.core.settings import Settings
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import VERBS
from citylake.storage.delta import APP, open_table
from citylake.storage.evolve import comments_of

from tests.flow.deliveries import REGISTER, State, components, hand_over

MART = "urban_components/inventory"
KEYS = [f"21010201{n:08d}" for n in range(1, 41)]
FIRST = dict.fromkeys(KEYS, "完好")
DELIVERIES: list[tuple[str, State, str | None]] = [  # name, what it says, what it corrects
    ("2016-01-001", FIRST, None),
    ("2016-02-001", {**dict.fromkeys(KEYS[1:], "完好"), KEYS[1]: "不明", KEYS[2]: "破损"}, None),
    ("2016-02-002", {**dict.fromkeys(KEYS[2:], "完好"), KEYS[3]: "破损", KEYS[4]: "不明"}, "2016-02-001"),
    ("2016-03-001", {**FIRST, KEYS[5]: "丢失"}, None),
]
WAYS: dict[str, tuple[dict[str, int], bool]] = {  # settings, whether all deliveries wait together
    "together": ({}, True),
    "one-by-one": ({}, False),
    "spark": ({"codegen_from_records": 1}, False),
}


@pytest.fixture(scope="module")
def lakes(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lake]:
    """The same deliveries, taken in by each way."""
    return {
        way: _taken_in(
            lake_settings.model_copy(update={"lake": f"rows-{way}", **own}),
            tmp_path_factory.mktemp(way),
            together=together,
        )
        for way, (own, together) in WAYS.items()
    }


def _taken_in(settings: Settings, folder: Path, *, together: bool) -> Lake:
    lake = open_lake(settings)
    for day, (name, state, corrects) in enumerate(DELIVERIES, 1):
        sent_at = f"2016-04-{day:02d}T09:30:00+08:00"
        hand_over(lake, folder / name, REGISTER, name, components(state), len(state), sent_at, corrects)
        if not together:
            VERBS["ingest"](lake, REGISTER)
    if together:
        done = VERBS["ingest"](lake, REGISTER)
        assert len(done["refine"]["batches"]) == len(DELIVERIES)
    assert VERBS["build"](lake, MART)["built"]
    return lake


def test_the_tables_hold_the_same_rows(lakes: dict[str, Lake], contents: Callable[[Lake], Any]) -> None:
    found = {way: contents(lake) for way, lake in lakes.items()}
    assert {silver(REGISTER).title, quarantine(REGISTER).title, mart(MART).title} == found["spark"].keys()
    assert all(found["spark"].values())
    assert found["together"] == found["spark"]
    assert found["one-by-one"] == found["spark"]


def test_the_tables_tell_the_same_of_themselves(lakes: dict[str, Lake]) -> None:
    """Columns, types, comments, properties that the contract wants, and the marks of every batch."""
    for table in (silver(REGISTER), quarantine(REGISTER), mart(MART)):
        opened = {way: open_table(lake.settings, table) for way, lake in lakes.items()}
        told = {way: _told(found) for way, found in opened.items()}
        assert told["together"] == told["one-by-one"] == told["spark"], table


def _told(opened: Any) -> tuple[Any, ...]:
    said = opened.metadata()
    columns = opened.schema().to_json()
    return columns, said.configuration, said.description, opened.transaction_version(APP), _marks(opened)


def _marks(opened: Any) -> set[str]:
    return {c["userMetadata"] for c in opened.history() if c.get("userMetadata")}


def test_a_mart_bears_its_comments(lakes: dict[str, Lake]) -> None:
    for lake in lakes.values():
        opened, contract = open_table(lake.settings, mart(MART)), lake.contracts[MART]
        assert opened is not None
        wanted = {c.name: column_comment(contract, c) for c in contract.columns}
        assert comments_of(opened.schema().to_json()) == wanted
