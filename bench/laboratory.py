"""What every benchmark needs: a lake of its own that ends with it, a meter of what steps cost, and a place
for results.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def lake_of(name: str, **given: str) -> Iterator[tuple[Any, Path]]:
    """An empty lake whose services run only inside the block, and its state folder; `given` are settings
    (`CITYLAKE_...`).
    """
    state = ROOT / ".citylake" / name
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    os.environ |= {"CITYLAKE_STATE": str(state), **{f"CITYLAKE_{k.upper()}": v for k, v in given.items()}}
    from citylake.appliance.services import down, up
    from citylake.core.settings import load_settings
    from citylake.pipeline.lake import open_lake

    settings = load_settings()
    up(settings)
    lake = open_lake(settings)
    try:
        _ = lake.spark.range(1).count()
        yield lake, state
    finally:
        lake.close()  # a client that outlives its server retries for ten minutes
        down(settings)


def told(name: str, command: str, found: dict[str, Any]) -> None:
    """Print what was found and write it, with the command that finds it again, to `bench/results`."""
    text = json.dumps({"command": command, "cores": os.cpu_count(), **found}, ensure_ascii=False, indent=1)
    print(text)
    (ROOT / "bench" / "results" / f"{name}.json").write_text(text + "\n", "utf-8")


def cpu(step: dict[str, Any]) -> float:
    """CPU seconds of all processes in a step of the meter."""
    return step["cpu_python_s"] + step["cpu_spark_s"] + step["cpu_store_s"]


class Meter:
    """Wall time, CPU seconds of this process, Spark and the store, and Spark's own counters."""

    def __init__(self, lake: Any) -> None:
        """Reads `/proc` of the services that the settings' state folder names."""
        self._lake = lake
        self.steps: list[dict[str, Any]] = []

    def step(self, name: str, rows: int, work: Callable[[], Any]) -> Any:
        """Run one step and note what it cost."""
        before, start = self._now(), time.monotonic()
        result = work()
        wall, after = time.monotonic() - start, self._now()
        spent = {k: round(after[k] - before[k], 2) for k in before}
        self.steps.append({"step": name, "rows": rows, "wall_s": round(wall, 1), **spent})
        print(f"{name:34} {rows:>9,} rows {wall:7.1f} s   cpu {cpu(self.steps[-1]):7.1f} s", flush=True)
        return result

    def _now(self) -> dict[str, float]:
        from citylake.storage.spark import spark_jobs

        used = resource.getrusage(resource.RUSAGE_SELF)
        settings = self._lake.settings
        return {
            "cpu_python_s": used.ru_utime + used.ru_stime,
            "cpu_spark_s": _tree_cpu("spark", settings.state),
            "cpu_store_s": _tree_cpu("s3", settings.state),
            "spark_jobs": spark_jobs(settings),
            **_bytes(settings),
            "requests": sum(self._lake.store.requests.values()),
        }


def _tree_cpu(name: str, state: Path) -> float:
    """CPU seconds of a service's supervisor and all of its living children."""
    from citylake.appliance.processes import running

    def spent(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return (int(fields[11]) + int(fields[12])) / TICKS + sum(spent(int(c)) for c in children)

    top = running(name, state)
    return spent(top) if top else 0.0


def _bytes(settings: Any) -> dict[str, float]:
    """Megabytes that tasks read, also from memory, and shuffled."""
    from citylake.storage.spark import spark_pages

    app = spark_pages(settings, "")[0]["id"]
    executors = spark_pages(settings, f"/{app}/allexecutors")
    names = {"spark_read_mb": "totalInputBytes", "spark_shuffled_mb": "totalShuffleWrite"}
    return {k: sum(e[v] for e in executors) / 1e6 for k, v in names.items()}
