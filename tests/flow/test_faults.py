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
from citylake.audit.conservation import batches, losses
from citylake.ingest.fetch import fetch_folder
from citylake.lake.services import up
from citylake.lake.settings import Settings
from citylake.ledger.evidence import broken_links
from citylake.run import Lake, open_lake, run_all


def _run(bucket: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "citylake.cli", "run"], env={**os.environ, "CITYLAKE_LAKE": bucket}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _other(lake: Lake, city: Path, bucket: str) -> Lake:
    other = open_lake(lake.settings.model_copy(update={"lake": bucket}))
    fetch_folder(other.store, city / "inbox")
    return other


def _whole(lake: Lake) -> bool:
    sources = [c for c in lake.contracts.values() if c.kind != "mart"]
    chains = [*lake.contracts, "release"]
    lost = [x for c in sources for x in losses(lake.settings, lake.store, c)]
    return not lost and not [t for c in chains for t in broken_links(lake.store, c)] and all(b.balanced for b in batches(lake.store, lake.contracts))


def test_runs_that_are_killed_leave_what_one_run_leaves(small_lake: Any, contents: Callable[[Lake], Any]) -> None:
    lake, city = small_lake
    other = _other(lake, city, "killed")
    for seconds in (6, 9, 12, 15, 18):
        process = _run("killed")
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    run_all(other)
    assert _whole(other)
    assert contents(other) == contents(lake)


def test_two_runs_at_once_admit_every_row_once(small_lake: Any, contents: Callable[[Lake], Any]) -> None:
    lake, city = small_lake
    other = _other(lake, city, "raced")
    for process in [_run("raced"), _run("raced")]:
        process.wait(300)
    run_all(other)
    assert _whole(other)
    assert contents(other) == contents(lake)


def test_a_killed_spark_server_is_started_again(lake_settings: Settings, spark: Any) -> None:
    def server() -> int | None:
        found = subprocess.run(["pgrep", "-f", f"binding.port={lake_settings.port_spark}.*SparkConnectServer"], capture_output=True, text=True, check=False)
        java = [int(p) for p in found.stdout.split() if "java" in Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[0].decode()]
        return java[0] if java else None

    first = server()
    assert first is not None
    spark.stop()
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while server() in (first, None) and time.monotonic() < deadline:
        time.sleep(0.2)
    up(lake_settings)
    assert server() not in (first, None)
    from citylake.lake.spark import connect

    deadline = time.monotonic() + 60
    while True:
        try:
            assert connect(lake_settings).sql("SELECT 1 AS one").collect()[0]["one"] == 1
            return
        except Exception:
            if time.monotonic() > deadline:
                pytest.fail("the server did not come back")
            time.sleep(1)
