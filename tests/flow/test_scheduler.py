"""The real scheduler runs the same plan: its tables are those of `citylake run`."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from citylake.appliance.processes import port_free
from citylake.core.names import TOKEN_KEY
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.lake import Lake, open_lake
from citylake.release.release import releases
from citylake.synthetic.demo import schedule
from rich.console import Console

pytestmark = pytest.mark.slow


def test_airflow_and_run_give_identical_tables(
    small_lake: Any, contents: Callable[[Lake], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, city = small_lake
    monkeypatch.setenv("CITYLAKE_LAKE", "airflow")
    other = open_lake(lake.settings.model_copy(update={"lake": "airflow"}))
    other.store.create(TOKEN_KEY, lake.store.get(TOKEN_KEY))  # the same tokens
    fetch_folder(other.store, city / "inbox")
    told = StringIO()
    assert schedule(other, Console(file=told)) == [], told.getvalue()
    assert contents(other) == contents(lake)
    assert len(releases(other.store)) == 1
    assert port_free(lake.settings.port_airflow)
