"""F and the whole pipeline on the same rows in one run: CPU seconds of every process and counters beside wall time.

F, the floor, is what Spark does with the same delivered bytes when nobody asks a question of them: one warm CSV scan and one Delta
write, on the same S3 server. The pipeline is hops 1 to 6 on `construction/component`: two full monthly deliveries, the second one a
MERGE over the first. Run by `make bench`; prints a table and writes `bench/results/floor_and_pipeline.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATASET = "construction/component"
PER_MONTH = 3019  # records of one month at scale 1
TICKS = os.sysconf("SC_CLK_TCK")


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
        print(f"{name:34} {rows:>9,} rows {wall:7.1f} s   cpu {_cpu(self.steps[-1]):7.1f} s", flush=True)
        return result

    def _now(self) -> dict[str, float]:
        from citylake.lake.spark import spark_jobs

        used = resource.getrusage(resource.RUSAGE_SELF)
        settings = self._lake.settings
        return {
            "cpu_python_s": used.ru_utime + used.ru_stime,
            "cpu_spark_s": _tree_cpu("spark", settings.state), "cpu_store_s": _tree_cpu("s3", settings.state),
            "spark_jobs": spark_jobs(settings), **_tasks(settings.port_spark_ui),
            "requests": sum(self._lake.store.requests.values()),
        }  # fmt: skip


def _tree_cpu(name: str, state: Path) -> float:
    """CPU seconds of a service's supervisor and all of its living children."""
    from citylake.lake.processes import running

    def cpu(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return (int(fields[11]) + int(fields[12])) / TICKS + sum(cpu(int(c)) for c in children)

    top = running(name, state)
    return cpu(top) if top else 0.0


def _tasks(port: int) -> dict[str, float]:
    """Bytes that tasks read, also from memory, and shuffled."""
    base = f"http://127.0.0.1:{port}/api/v1/applications"
    app = json.load(urllib.request.urlopen(base))[0]["id"]
    executors = json.load(urllib.request.urlopen(f"{base}/{app}/allexecutors"))
    names = {"spark_read_mb": "totalInputBytes", "spark_shuffled_mb": "totalShuffleWrite"}
    return {k: sum(e[v] for e in executors) / 1e6 for k, v in names.items()}


def _generate(to: Path, scale: float) -> dict[str, Any]:
    """The city's deliveries of one dataset, made by a process of its own so that its memory can be read."""
    code = f"from citylake.city import generate; from pathlib import Path; print(generate(Path({str(to)!r}), months=2, scale={scale}, only=({DATASET!r},)))"
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = sum(json.loads(m.read_text("utf-8"))["totals"]["records"] for m in to.rglob("manifest.json"))
    return {"rows": rows, "wall_s": round(time.monotonic() - start, 1), "cpu_s": round(cpu, 1), "peak_mib": after.ru_maxrss // 1024}


def _floor(lake: Any, keys: list[str], run: int) -> None:
    paths = [f"s3a://{lake.settings.lake}/{k}" for k in keys]
    lake.spark.conf.set("spark.sql.legacy.javaCharsets", "true")  # Spark 4 knows GB18030 only by this name
    rows = lake.spark.read.csv(paths, header=True, encoding="GB18030")
    rows.write.format("delta").mode("overwrite").save(f"s3a://{lake.settings.lake}/bench/floor-{run}")


def _pipeline(lake: Any, meter: Meter, rows: int) -> None:
    from citylake.run import decode_dataset, receive_dataset, refine_dataset

    meter.step("receive (verify, land, answer)", rows, lambda: receive_dataset(lake, DATASET))
    meter.step("decode (bronze)", rows, lambda: decode_dataset(lake, DATASET))
    meter.step("refine (judge, gate, admit)", rows, lambda: refine_dataset(lake, DATASET))


def measure(state: Path, rows: int) -> dict[str, Any]:
    """Everything in one run; the services are started and stopped here."""
    os.environ["CITYLAKE_STATE"] = str(state)
    from citylake.audit.conservation import batches
    from citylake.ingest.sources.folder import fetch_folder
    from citylake.lake.names import landing_key
    from citylake.lake.services import down, up
    from citylake.lake.settings import load_settings
    from citylake.run import open_lake

    city = state / "city"
    made = _generate(city, rows / 2 / PER_MONTH)
    print(f"generated {made}", flush=True)
    settings = load_settings()
    up(settings)
    lake = open_lake(settings)
    try:
        fetch_folder(lake.store, city / "inbox")
        _ = lake.spark.range(1).count()
        meter = Meter(lake)
        _pipeline(lake, meter, made["rows"])
        found = [b for b in batches(lake.store, lake.contracts) if b.dataset == DATASET]
        keys = [k for k in lake.store.list(landing_key(DATASET, ""))]
        for run, name in ((0, "F, first"), (1, "F (CSV scan and Delta write, warm)")):
            meter.step(name, made["rows"], lambda r=run: _floor(lake, keys, r))
    finally:
        lake.spark.stop()  # a client that outlives its server retries for ten minutes
        down(settings)
    return {"generated": made, "steps": meter.steps, "batches": [b.__dict__ | {"balanced": b.balanced} for b in found]}


def _cpu(step: dict[str, Any]) -> float:
    return step["cpu_python_s"] + step["cpu_spark_s"] + step["cpu_store_s"]


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    state = ROOT / ".citylake" / "bench"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    result = measure(state, rows)
    shutil.rmtree(state, ignore_errors=True)
    *hops, _, floor = result["steps"]
    pipeline = {"wall_s": round(sum(s["wall_s"] for s in hops), 1), "cpu_s": round(sum(_cpu(s) for s in hops), 1)}
    ratio = {"wall": round(pipeline["wall_s"] / floor["wall_s"], 2), "cpu": round(pipeline["cpu_s"] / _cpu(floor), 2)}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30}
    head = {"command": f"python bench/floor_and_pipeline.py --rows {rows}", "machine": machine, "pipeline": pipeline, "pipeline_to_floor": ratio}
    print(json.dumps(head))
    out = ROOT / "bench" / "results" / "floor_and_pipeline.json"
    out.write_text(json.dumps({**head, **result}, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
