"""The real scheduler runs the same plan: its tables are those of `citylake run`."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from citylake.ingest.sources.folder import fetch_folder
from citylake.lake.processes import port_free
from citylake.orchestrate.demo import schedule
from citylake.publish.release import releases
from citylake.run import Lake, open_lake
from rich.console import Console

pytestmark = pytest.mark.slow


def test_airflow_and_run_give_identical_tables(small_lake: Any, contents: Callable[[Lake], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lake, city = small_lake
    monkeypatch.setenv("CITYLAKE_LAKE", "airflow")
    other = open_lake(lake.settings.model_copy(update={"lake": "airflow"}))
    fetch_folder(other.store, city / "inbox")
    _, before = other.spark.range(1).count(), _sessions(lake)
    told = StringIO()
    assert schedule(other, Console(file=told)) == [], told.getvalue()
    assert contents(other) == contents(lake)
    assert len(releases(other.store)) == 1
    assert port_free(lake.settings.port_airflow)
    assert _sessions(lake) == before  # no task leaves its session, and the plans in it, to the server


def _sessions(lake: Lake) -> int:
    """Sessions that the Spark server holds, by its own page."""
    page = urllib.request.urlopen(f"http://127.0.0.1:{lake.settings.port_spark_ui}/connect/", timeout=10).read().decode()
    found = re.search(r"(\d+)\s+session\(s\) are online", page)
    assert found
    return int(found[1])
