"""F and the whole pipeline on the same rows in one run: CPU seconds of every process and counters beside wall
time.

F, the floor, is what Spark does with the same delivered bytes when nobody asks a question of them: one warm
CSV scan and one Delta
write, on the same S3 server. The pipeline is hops 1 to 6 on `construction/component`: two full monthly
deliveries, the second one a
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
from pathlib import Path
from typing import Any

from laboratory import Meter, cpu, lake_of, told

DATASET = "construction/component"
PER_MONTH = 3019  # records of one month at scale 1


def _generate(to: Path, scale: float) -> dict[str, Any]:
    """The city's deliveries of one dataset, made by a process of its own so that its memory can be read."""
    code = (
        "from citylake.synthetic import generate; from pathlib import Path;"
        f" print(generate(Path({str(to)!r}), months=2, scale={scale}, only=({DATASET!r},)))"
    )
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = sum(json.loads(m.read_text("utf-8"))["totals"]["records"] for m in to.rglob("manifest.json"))
    return {
        "rows": rows,
        "wall_s": round(time.monotonic() - start, 1),
        "cpu_s": round(cpu, 1),
        "peak_mib": after.ru_maxrss // 1024,
    }


def _floor(lake: Any, keys: list[str], run: int) -> None:
    paths = [f"s3a://{lake.settings.lake}/{k}" for k in keys]
    lake.spark.conf.set("spark.sql.legacy.javaCharsets", "true")  # Spark 4 knows GB18030 only by this name
    rows = lake.spark.read.csv(paths, header=True, encoding="GB18030")
    rows.write.format("delta").mode("overwrite").save(f"s3a://{lake.settings.lake}/bench/floor-{run}")


def _pipeline(lake: Any, meter: Meter, rows: int) -> None:
    from citylake.pipeline.hops import decode_dataset, refine_dataset
    from citylake.pipeline.steps import receive_dataset

    meter.step("receive (verify, land, answer)", rows, lambda: receive_dataset(lake, DATASET))
    meter.step("decode (bronze)", rows, lambda: decode_dataset(lake, DATASET))
    meter.step("refine (judge, gate, admit)", rows, lambda: refine_dataset(lake, DATASET))


def measure(lake: Any, state: Path, rows: int) -> dict[str, Any]:
    """Everything in one run."""
    from citylake.audit.conservation import batches
    from citylake.core.names import landing_key
    from citylake.ingest.sources.folder import fetch_folder

    city = state / "city"
    made = _generate(city, rows / 2 / PER_MONTH)
    print(f"generated {made}", flush=True)
    fetch_folder(lake.store, city / "inbox")
    meter = Meter(lake)
    _pipeline(lake, meter, made["rows"])
    found = [b for b in batches(lake.store, lake.contracts) if b.dataset == DATASET]
    keys = [k for k in lake.store.list(landing_key(DATASET, ""))]
    for run, name in ((0, "F, first"), (1, "F (CSV scan and Delta write, warm)")):
        meter.step(name, made["rows"], lambda r=run: _floor(lake, keys, r))
    return {
        "generated": made,
        "steps": meter.steps,
        "batches": [b.__dict__ | {"balanced": b.balanced} for b in found],
    }


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    with lake_of("bench") as (lake, state):
        result = measure(lake, state, rows)
    shutil.rmtree(state, ignore_errors=True)
    *hops, _, floor = result["steps"]
    pipeline = {
        "wall_s": round(sum(s["wall_s"] for s in hops), 1),
        "cpu_s": round(sum(cpu(s) for s in hops), 1),
    }
    ratio = {
        "wall": round(pipeline["wall_s"] / floor["wall_s"], 2),
        "cpu": round(pipeline["cpu_s"] / cpu(floor), 2),
    }
    machine = {
        "python": platform.python_version(),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30,
    }
    head = {"machine": machine, "pipeline": pipeline, "pipeline_to_floor": ratio}
    told("floor_and_pipeline", f"python bench/floor_and_pipeline.py --rows {rows}", {**head, **result})


if __name__ == "__main__":
    main()
