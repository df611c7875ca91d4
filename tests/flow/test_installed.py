"""What docs/engineers say of a city's own project, done as written: the wheel in an environment that holds
nothing else of ours, `citylake init`, two datasets, one mart of the city's own, from the inbox to a figure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from citylake.synthetic import generate

from tests.conftest import PORTS, free_ports

DATASETS = ("construction/component", "construction/component_case")
BUILD = '''"""Components by state."""

from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("construction/component",)


def build(inputs):
    """One row per state: how many components are in it."""
    return current(inputs[INPUTS[0]]).groupBy("state_code").agg(F.count("*").alias("components"))
'''
CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: our_city/states
version: "1.0.0"
status: active
domain: construction
description: {purpose: "各状态部件数 (components by state)", limitations: "按最近普查 (as surveyed last)"}
team: {name: 市建委, description: "Construction Commission",
  members: [{username: component-data, role: owner}]}
schema:
- name: states
  businessName: 部件状态统计
  dataGranularityDescription: "每状态一行 (one row per state)"
  customProperties:
  - {property: kind, value: mart}
  - {property: titleEn, value: "components by state"}
  properties:
  - {name: state_code, logicalType: string, businessName: 部件状态, primaryKey: true, primaryKeyPosition: 1,
     customProperties: [{property: type, value: component_state}, {property: en, value: "state"}]}
  - {name: components, logicalType: integer, businessName: 部件数, required: true,
     customProperties: [{property: type, value: count_number}, {property: en, value: "components"}]}
  quality:
  - {id: rows_min, metric: rowCount, mustBeGreaterOrEqualTo: 1, severity: error, dimension: completeness}
slaProperties: [{property: frequency, value: 1, unit: m}, {property: latency, value: 48, unit: h}]
"""
SOURCES = ("jobs", "schemas", "dags", "infra", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def environment(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what the lock names, and our wheel."""
    folder = tmp_path_factory.mktemp("installed")
    source, python = folder / "source", folder / "env" / "bin" / "python"
    source.mkdir()
    for name in SOURCES:
        part, to = root / name, source / name
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(part, to, ignore=ignored) if part.is_dir() else shutil.copy2(part, to)
    uv = [sys.executable, "-m", "uv"]
    wheel = "from setuptools.build_meta import build_wheel; print(build_wheel('..'))"
    lock = str(root / "requirements.lock")
    _done([*uv, "venv", "--quiet", "--python", sys.executable, str(folder / "env")], folder)
    _done([*uv, "pip", "sync", "--quiet", "--require-hashes", lock, "--python", str(python)], folder)
    built = _done([str(python), "-c", wheel], source).splitlines()[-1]
    _done(
        [*uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(folder / built)], folder
    )
    shutil.rmtree(source)
    return folder / "env"


def _done(command: list[str], folder: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_a_city_of_its_own(environment: Path, root: Path, tmp_path: Path) -> None:
    ports = {f"CITYLAKE_{n.upper()}": str(p) for n, p in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CITYLAKE_", "PYTHONPATH"))}
    env = kept | ports | {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    _done(["citylake", "init", "city"], tmp_path, env)
    city = tmp_path / "city"
    _describe(city, root)
    generate(tmp_path / "offices", months=2, scale=0.02, only=DATASETS)
    _done(["make", "expectations", "check"], city, env)
    inbox = f"{tmp_path / 'offices' / 'inbox'}#departments=construction"
    try:
        _done(["citylake", "up"], city, env)
        _done(["citylake", "fetch", inbox], city, env)
        _done(["make", "run"], city, env)
        told = _done(["citylake", "sql", "select sum(components) from our_city.states"], city, env)
        assert "60" in told
        _done(["citylake", "check"], city, env)
        _done(["citylake", "trace", "our_city.states", "完好"], city, env)
        _done(["make", "report"], city, env)
    finally:
        _done(["citylake", "down"], city, env)


def _describe(city: Path, root: Path) -> None:
    """Two contracts of a department, one mart with its contract."""
    for dataset in DATASETS:
        to = city / "schemas" / f"{dataset}.odcs.yaml"
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / "schemas" / f"{dataset}.odcs.yaml", to)
    for path, text in (
        ("schemas/marts/our_city/states.odcs.yaml", CONTRACT),
        ("jobs/marts/our_city/states.py", BUILD),
    ):
        (city / path).parent.mkdir(parents=True)
        (city / path).write_text(text, "utf-8")
