"""What a kill, a race and a missing server do to a lake: nothing that the next run does not set right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from citylake.appliance.processes import listening, running, wait_until
from citylake.audit.conservation import batches
from citylake.audit.losses import losses
from citylake.core.names import TOKEN_KEY
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.evidence import broken_links
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.run import run_all


def _run(bucket: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "citylake.cli", "run"],
        env={**os.environ, "CITYLAKE_LAKE": bucket},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _until_one_succeeds(bucket: str) -> None:
    """As the scheduler does: the statement of a killed client goes on in the Spark server, and may make the
    next run fail once.
    """
    assert any(_run(bucket).wait(300) == 0 for _ in range(3))


def _other(lake: Lake, city: Path, bucket: str) -> Lake:
    other = open_lake(lake.settings.model_copy(update={"lake": bucket}))
    other.store.create(TOKEN_KEY, lake.store.get(TOKEN_KEY))  # the same tokens
    fetch_folder(other.store, city / "inbox")
    return other


def _whole(lake: Lake) -> bool:
    sources = [c for c in lake.contracts.values() if c.kind != "mart"]
    chains = [*lake.contracts, "release"]
    lost = [x for c in sources for x in losses(lake.settings, lake.store, c)]
    return (
        not lost
        and not [t for c in chains for t in broken_links(lake.store, c)]
        and all(b.balanced for b in batches(lake.store, lake.contracts))
    )


@pytest.mark.slow
def test_runs_that_are_killed_leave_what_one_run_leaves(
    small_lake: Any, contents: Callable[[Lake], Any]
) -> None:
    lake, city = small_lake
    other = _other(lake, city, "killed")
    for seconds in (6, 9, 12, 15, 18):
        process = _run("killed")
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    _until_one_succeeds("killed")
    assert _whole(other)
    assert contents(other) == contents(lake)


@pytest.mark.slow
def test_two_runs_at_once_admit_every_row_once(small_lake: Any, contents: Callable[[Lake], Any]) -> None:
    lake, city = small_lake
    other = _other(lake, city, "raced")
    for process in [_run("raced"), _run("raced")]:
        process.wait(300)
    run_all(other)
    assert _whole(other)
    assert contents(other) == contents(lake)


def _child(name: str, state: Path) -> int | None:
    """The process that a supervisor runs."""
    top = running(name, state)
    found = Path(f"/proc/{top}/task/{top}/children").read_text().split() if top else []
    return int(found[0]) if found else None


def test_a_killed_spark_server_is_started_again(other_spark: Settings) -> None:
    from citylake.storage.spark import connect

    first = _child("spark", other_spark.state)
    assert first is not None and listening(other_spark.port_spark)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not listening(other_spark.port_spark), "spark", other_spark.state, 20)
    wait_until(lambda: listening(other_spark.port_spark), "spark", other_spark.state, 60)
    assert _child("spark", other_spark.state) not in (first, None)
    assert connect(other_spark).sql("SELECT 1 AS one").collect()[0]["one"] == 1
