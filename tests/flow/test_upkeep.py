"""Upkeep removes what nothing needs and nothing else: every pinned version reads as before, in any
history.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from citylake.core.errors import LakeError
from citylake.release.upkeep import FLOOR, delta_tables, keeps_its_log, upkeep, vacuum
from citylake.storage.delta import KEPT_FOR_GOOD, open_table
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = timedelta(0)


def _written(folder: Path, modes: list[str]) -> None:
    for n, mode in enumerate(modes):
        rows = pa.table({"n": [n, n + 1]})
        write_deltalake(folder, rows, mode=mode, configuration=KEPT_FOR_GOOD if n == 0 else None)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(
    modes=st.lists(st.sampled_from(["append", "overwrite"]), min_size=1, max_size=8),
    pins=st.sets(st.integers(0, 7), max_size=4),
)
def test_pinned_versions_read_as_before(
    tmp_path_factory: pytest.TempPathFactory, modes: list[str], pins: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("table")
    _written(folder, modes)
    table = DeltaTable(folder)
    pinned = {p for p in pins if p <= table.version()}
    wanted = pinned | {table.version()}
    before = {v: DeltaTable(folder, version=v).to_pyarrow_table().sort_by("n") for v in wanted}
    used = {Path(f).name for v in wanted for f in DeltaTable(folder, version=v).file_uris()}
    would = {Path(f).name for f in vacuum(table, pinned, NOW, dry_run=True)}
    vacuum(table, pinned, NOW, dry_run=False)
    assert {v: DeltaTable(folder, version=v).to_pyarrow_table().sort_by("n") for v in wanted} == before
    assert not would & used
    assert {p.name for p in folder.glob("*.parquet")} == used, "nothing else is left"


def test_a_retention_below_the_floor_is_refused(lake_settings: Any, store: Any) -> None:
    with pytest.raises(LakeError, match="7 days"):
        upkeep(lake_settings, store, {}, retention=FLOOR - timedelta(hours=1))


def test_a_run_leaves_tables_that_keep_their_log(small_lake: Any) -> None:
    """Whoever wrote them: delta-rs bronze, Spark the rest."""
    lake, _ = small_lake
    tables = delta_tables(lake.store)
    assert {t.layer for t in tables} >= {"bronze", "silver", "quarantine", "marts"}
    for table in tables:
        opened = open_table(lake.settings, table)
        assert opened is not None
        assert keeps_its_log(opened) or table.layer == "audit", table.title


def test_a_dry_run_changes_nothing(small_lake: Any) -> None:
    lake, _ = small_lake
    before = list(lake.store.list(""))
    care = upkeep(lake.settings, lake.store, lake.contracts, dry_run=True)
    assert list(lake.store.list("")) == before
    assert len(care.tables) == len(delta_tables(lake.store))
    assert care.stages
