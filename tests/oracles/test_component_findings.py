"""What is wrong with assets of a city, by its truth, is what the mart of assets finds: recall and precision
per kind of defect.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from citylake.core.settings import Settings

from tests.oracles.city import SCALE, SEEDS, City

DATASETS = ("construction/grid", "construction/component")
# Which assets of `urban_components.asset` count as a finding of which defect.
FINDINGS = {
    "D77": "detected_datum = 'GCJ-02'",
    "D78": "detected_datum = 'BD-09'",
    "D80": "NOT in_grid",
    "D81": "division_at_issue <> division_now",
    "D82": "class_conflict = 'code'",
    "D83": "owner_name IS NULL",
    "D84": "twins_3m > 0",
}


@pytest.fixture(scope="module", params=SEEDS)
def found(
    request: pytest.FixtureRequest, lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Per defect the assets that have it and those in which the mart finds it, of all that were accepted and
    whose grid was.
    """
    from citylake.core.names import mart
    from citylake.ingest.sources.folder import fetch_folder
    from citylake.marts.build import build_table
    from citylake.pipeline.hops import decode_dataset, refine_dataset
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import receive_dataset
    from citylake.synthetic import generate

    folder = tmp_path_factory.mktemp("ill")
    generate(folder, months=1, scale=SCALE, seed=request.param, defects="heavy", only=DATASETS)
    lake = open_lake(
        lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-findings-{request.param}"})
    )
    fetch_folder(lake.store, folder / "inbox")
    for dataset in DATASETS:
        for verb in (receive_dataset, decode_dataset, refine_dataset):
            verb(lake, dataset)
    assert build_table(
        lake.settings, lake.store, lambda: lake.spark, lake.contracts, "urban_components/asset"
    )["passed"]
    table = mart("urban_components/asset").spark_uri(lake.settings.lake)
    rows = lake.spark.read.format("delta").load(table).where("in_grid IS NOT NULL")
    seen = {
        d: {r[0] for r in rows.where(condition).select("object_id").collect()}
        for d, condition in FINDINGS.items()
    }
    known = {r[0] for r in rows.select("object_id").collect()}
    return {d: ids & known for d, ids in _truth(folder, request.param).items()}, seen


def _truth(folder: Path, seed: int) -> dict[str, set[str]]:
    """The assets with each defect: ill from their survey on by the city's marks, or planted in the file by
    the log.
    """
    true: dict[str, set[str]] = defaultdict(set)
    for row in City(seed, 1, SCALE).rows("construction/component"):
        true[row["#finding"]].add(row["object_id"])
        if row["object_id"].startswith("210122"):
            true["D81"].add(row["object_id"])
    for line in (folder / "truth" / "defects.jsonl").read_text("utf-8").splitlines():
        defect: dict[str, Any] = json.loads(line)
        if defect["dataset"] == "construction/component" and defect["id"] == "D82":
            true["D82"].add(_object(folder, defect))
    return true


def _object(folder: Path, defect: dict[str, Any]) -> str:
    path = folder / "inbox" / defect["dataset"] / defect["delivery"] / defect["file"]
    with path.open(encoding="gb18030", newline="") as handle:
        return list(csv.reader(handle))[defect["record"]][0]


@pytest.mark.parametrize("defect", FINDINGS)
def test_recall_and_precision(found: tuple[dict[str, set[str]], dict[str, set[str]]], defect: str) -> None:
    true, seen = found[0][defect], found[1][defect]
    assert true
    assert len(true & seen) >= 0.99 * len(true), sorted(true - seen)[:5]
    assert len(true & seen) >= 0.99 * len(seen), sorted(seen - true)[:5]
