"""A city installs the wheel, makes its own project and adds a contract and a mart; no checkout is near."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CONTRACT = "weather/station_hourly"
MART = "our_weather/coldest_hour"
BUILD = """'''The coldest hour of every station.'''

from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("weather/station_hourly",)


def build(inputs):
    hours = current(inputs[INPUTS[0]])
    return hours.groupBy("station_code").agg(F.min("temperature_celsius").alias("coldest_celsius"))
"""
PROPERTIES = """
  - {name: station_code, logicalType: string, businessName: 区站号, primaryKey: true,
     primaryKeyPosition: 1, customProperties:
       [{property: type, value: weather_station_code}, {property: en, value: "station number"}]}
  - {name: coldest_celsius, logicalType: number, businessName: 最低气温,
     customProperties:
       [{property: type, value: temperature_celsius}, {property: en, value: "lowest temperature"}]}
"""
SHOW = """
import citylake
from citylake.appliance.jars import locked
from citylake.contract.inputs import mart_code
from citylake.core.settings import load_settings
from citylake.messages.advice import advice
from citylake.pipeline.plan import load_plan

settings = load_settings()
marts = [m.id for m in load_plan(settings.root).marts]
print(citylake.__path__[0], marts, settings.spark_conf["spark.master"])
print(mart_code(settings.root, "our_weather/coldest_hour"), len(locked()), advice("delivery.bytes"))
"""


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignore = shutil.ignore_patterns(".git", ".venv", ".citylake", "tests", "docs", "bench", "__pycache__")
    shutil.copytree(root, source, ignore=ignore)
    wheel = "from setuptools.build_meta import build_wheel; print(build_wheel('..'))"
    done = subprocess.run(
        [sys.executable, "-c", wheel], cwd=source, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(folder / done.stdout.splitlines()[-1]) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def _run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CITYLAKE_")} | {"PYTHONPATH": str(site)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def _call(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(site, folder, "-m", "citylake.cli", *arguments)


def test_a_project_of_its_own(installed: Path, root: Path, tmp_path: Path) -> None:
    made = _call(installed, tmp_path, "init", "city")
    assert made.returncode == 0, made.stderr
    city = tmp_path / "city"
    top = {"pyproject.toml", "dags", "jobs", "schemas", "expectations", "tests", "infra", "Makefile"}
    assert top <= {p.name for p in city.iterdir()}
    target = city / "schemas" / f"{CONTRACT}.odcs.yaml"
    target.parent.mkdir(parents=True)
    shutil.copy2(root / "schemas" / f"{CONTRACT}.odcs.yaml", target)
    _add_mart(city, root)
    for arguments in (("expectations",), ("lint",), ("expectations", "--check")):
        done = _call(installed, city, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (city / "expectations" / "marts" / f"{MART}.rows.json").exists()
    done = _run(installed, city, "-c", SHOW)
    assert done.returncode == 0, done.stderr[-2000:]
    assert str(installed) in done.stdout, "it is the wheel that runs"
    assert f"['{MART}']" in done.stdout
    assert "local[2]" in done.stdout


def _add_mart(city: Path, root: Path) -> None:
    """A mart of the city's own, its contract after the shape of one of ours."""
    text = (root / "schemas" / "marts" / "weather" / "gap.odcs.yaml").read_text("utf-8")
    head, rest = (
        text.replace("weather/gap", MART)
        .replace("- name: gap", "- name: coldest_hour")
        .split("  properties:\n")
    )
    path = city / "schemas" / "marts" / f"{MART}.odcs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"{head}  properties:{PROPERTIES}{rest[rest.index('  quality:') :]}", "utf-8")
    module = city / "jobs" / "marts" / f"{MART}.py"
    module.parent.mkdir(parents=True)
    module.write_text(BUILD, "utf-8")


def test_a_folder_in_use_is_left_alone(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x", "utf-8")
    done = _call(installed, tmp_path, "init", ".")
    assert done.returncode == 3
    assert "init.not_empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
