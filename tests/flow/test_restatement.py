"""A late delivery of an old period restates exactly the touched keys; the ledger says old, new and why; the
first release stays as it was.
"""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from citylake.core.names import mart
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.evidence import events
from citylake.marts.restatement import LEDGER, restatements
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.run import replay_dataset
from citylake.pipeline.steps import build_mart, release
from citylake.release.release import as_known_on, create_views, latest, releases, then
from citylake.release.shown import audit_statements, audit_tables
from citylake.storage.delta import open_table
from citylake.synthetic import generate

DATASET, MART, LATE = "civil_affairs/movement", "population/movement_balance", "2016-01-001"
FIGURES = "SELECT area_code, stat_month, deaths, expected_stock FROM population.movement_balance ORDER BY ALL"

Late = tuple[Lake, dict[str, Any]]


@pytest.fixture(scope="module")
def late(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Late:
    """A lake that received February's movements, released, and then January's."""
    folder = tmp_path_factory.mktemp("late")
    generate(folder / "city", months=2, scale=0.3, defects="off", only=("civil_affairs/resident", DATASET))
    held_back = folder / "late" / "inbox" / DATASET / LATE
    held_back.parent.mkdir(parents=True)
    shutil.move(folder / "city" / "inbox" / DATASET / LATE, held_back)
    lake = open_lake(lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-late"}))
    fetch_folder(lake.store, folder / "city" / "inbox")
    for dataset in ("civil_affairs/resident", DATASET):
        replay_dataset(lake, dataset)
    fetch_folder(lake.store, folder / "late" / "inbox")
    return lake, replay_dataset(lake, DATASET)


def _rows(lake: Lake, version: int) -> dict[tuple[str, str], dict[str, Any]]:
    table = open_table(lake.settings, mart(MART))
    assert table is not None
    table.load_as_version(version)
    return {(r["area_code"], str(r["stat_month"])): r for r in table.to_pyarrow_table().to_pylist()}


def test_the_ledger_holds_exactly_the_touched_keys_with_old_and_new(late: Late) -> None:
    lake, _ = late
    built = [e.facts["version"] for e in events(lake.store, MART) if e.event == "built"]
    old, new = _rows(lake, built[-2]), _rows(lake, built[-1])
    entered = [r for r in restatements(lake.settings, MART) if r["new_version"] == built[-1]]
    keys = {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)}
    assert len(entered) == len(keys) > 0
    for row in entered:
        key = next(
            k
            for k in keys
            if k[0] == row["key"].split('"area_code":"')[1].split('"')[0] and k[1] in row["key"]
        )
        before, after = old.get(key, {}), new.get(key, {})
        assert row["change"] == ("added" if not before else "removed" if not after else "changed")
        wanted = {
            c: (before.get(c), after.get(c))
            for c in after
            if c not in ("area_code", "stat_month") and before.get(c) != after.get(c)
        }
        assert {c["column"]: (c["old"], c["new"]) for c in row["changed"]} == {
            c: (_text(a), _text(b)) for c, (a, b) in wanted.items()
        }


def _text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_it_names_the_delivery_that_caused_it(late: Late) -> None:
    lake, _ = late
    causes = restatements(lake.settings, MART)[-1]["because"]
    assert [(c["input"], c["deliveries"]) for c in causes] == [(DATASET, [LATE])]


def test_the_first_release_still_shows_the_first_figures(late: Late) -> None:
    lake, _ = late
    create_views(lake.spark, lake.settings, latest(lake.store))
    before = [r for r in releases(lake.store) if mart(MART).title in r.tables][-2]
    create_views(lake.spark, lake.settings, before, then(before))
    first = [tuple(r) for r in lake.spark.sql(as_known_on(lake.settings, before, FIGURES)).collect()]
    now = [tuple(r) for r in lake.spark.sql(FIGURES).collect()]
    pinned = _rows(lake, before.tables[mart(MART).title]["version"])
    assert first == sorted(
        ((r["area_code"], r["stat_month"], r["deaths"], r["expected_stock"]) for r in pinned.values()),
        key=str,
    )
    assert first != now


def test_a_second_run_enters_nothing(late: Late) -> None:
    lake, done = late
    assert sum(s.get("changed", 0) + s.get("added", 0) + s.get("removed", 0) for s in done["steps"])
    table = open_table(lake.settings, LEDGER)
    assert table is not None
    assert not build_mart(lake, MART)["built"]
    assert not release(lake)["new"]
    again = open_table(lake.settings, LEDGER)
    assert again is not None
    assert again.version() == table.version()


def test_the_ledger_is_a_view_of_analysts(late: Late) -> None:
    lake, _ = late
    for statement in audit_statements(lake.settings, audit_tables(lake.store)):
        lake.spark.sql(statement).collect()
    shown = lake.spark.sql(f"SELECT count(*) FROM audit.restatement WHERE mart = '{MART}'").collect()[0][0]
    assert shown == len(restatements(lake.settings, MART))
