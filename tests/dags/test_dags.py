"""The DAGs equal the plan, parse fast, import nothing heavy, and say who owns them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from citylake.pipeline.plan import load_plan

PROBE = """
import json, sys, time
start = time.process_time()
import airflow.sdk
library = time.process_time() - start
start = time.process_time()
sys.path.insert(0, "dags")
import ingest, marts, steward, upkeep
spent = time.process_time() - start
from airflow.sdk import DAG
dags = {k: v for m in (ingest, marts, steward, upkeep) for k, v in vars(m).items() if isinstance(v, DAG)}
print(json.dumps({
    "share": spent / library,
    "heavy": [m for m in ("pyspark", "great_expectations", "deltalake", "pandas", "pyarrow") if m in sys.modules],
    "dags": {k: {"owner": sorted({t.owner for t in d.tasks}), "tags": sorted(d.tags), "doc": bool(d.doc_md), "aware": d.start_date.tzinfo is not None,
                 "timeout": d.dagrun_timeout is not None,
                 "active": d.max_active_runs,

                 "tasks": {t.task_id: {"pool": t.pool, "retries": t.retries,
                     "limit": t.execution_timeout is not None or getattr(t, "response_timeout", None) is not None} for t in d.tasks}} for k, d in dags.items()},
}))
"""  # noqa: E501


@pytest.fixture(scope="module")
def parsed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    # The first run of a fresh clone compiles our modules; a DAG processor parses compiled ones.
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(PROBE)],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_dags_are_the_plan(parsed: dict[str, Any], root: Path) -> None:
    plan = load_plan(root)
    wanted = {f"ingest_{d.id.replace('/', '__')}" for d in plan.datasets} | {
        f"mart_{m.id.replace('/', '__')}" for m in plan.marts
    }
    assert set(parsed["dags"]) == wanted | {"upkeep", "waivers"}


def test_parsing_is_fast_and_light(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []
    # Of the processor time that importing the library itself takes in the same process: seconds differ with
    # the neighbours of a machine.
    assert parsed["share"] < 0.5


def test_every_dag_and_task_says_what_it_must(parsed: dict[str, Any]) -> None:
    for name, dag in parsed["dags"].items():
        assert dag["owner"] != ["airflow"], name
        assert dag["tags"] and dag["doc"] and dag["aware"] and dag["timeout"], name
        assert all(t["limit"] for t in dag["tasks"].values()), name
    waivers = parsed["dags"].pop("waivers")
    assert waivers["tasks"]["decide"]["retries"] == 0
    for name, dag in parsed["dags"].items():
        assert dag["active"] == 1, name
        assert all(t["retries"] == 2 for t in dag["tasks"].values()), name
    writers = {
        t["pool"]
        for d in parsed["dags"].values()
        for n, t in d["tasks"].items()
        if n in ("ingest", "build", "release")
    }
    assert "default_pool" not in writers
    assert len(writers) == len(parsed["dags"])


def test_three_hundred_contracts_are_planned_within_five_seconds(root: Path, tmp_path: Path) -> None:
    import time

    text = (root / "schemas/construction/component.odcs.yaml").read_text("utf-8")
    (tmp_path / "schemas" / "many").mkdir(parents=True)
    for i in range(300):
        (tmp_path / "schemas" / "many" / f"d{i}.odcs.yaml").write_text(
            text.replace("construction/component", f"many/d{i}"), "utf-8"
        )
    start = time.process_time()
    assert len(load_plan(tmp_path).datasets) == 300
    assert time.process_time() - start < 5
