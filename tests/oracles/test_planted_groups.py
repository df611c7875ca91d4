"""Defects that were planted in deliveries are found by the rules of the contracts, and sound rows are not
accused: per group of the catalogue.

What a mart has to find (spells of sensors, assets, vintages) is scored by `test_sensor_scores`,
`test_component_findings` and `test_macro_defects`.
"""

from __future__ import annotations

import pytest
from citylake.core.settings import Settings
from citylake.synthetic.score import Kind, Score, score

from tests.oracles.city import SEEDS

# Ids of shared/domain/defect_catalogue.csv, by its groups.
GROUPS = {
    "text": (17, 25),
    "id": (26, 36),
    "name": (37, 42),
    "place": (43, 47),
    "time": (48, 52),
    "num": (53, 56),
    "macro": (57, 61),
    "sensor": (62, 69),
    "weather": (70, 75),
    "geo": (76, 80),
    "components": (81, 84),
}


@pytest.fixture(scope="module", params=SEEDS)
def found(
    request: pytest.FixtureRequest, lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Score:
    """The score of a city of two months in which every kind of defect is planted often."""
    from citylake.ingest.sources.folder import fetch_folder
    from citylake.pipeline.hops import decode_dataset
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import receive_dataset
    from citylake.synthetic import generate

    folder = tmp_path_factory.mktemp("planted")
    generate(folder, months=2, scale=0.5, seed=request.param, defects="heavy")
    lake = open_lake(
        lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-planted-{request.param}"})
    )
    fetch_folder(lake.store, folder / "inbox")
    for dataset in (c.id for c in lake.contracts.values() if c.kind != "mart"):
        receive_dataset(lake, dataset)
        decode_dataset(lake, dataset)
    return score(lake.settings, lake.store, lake.spark, lake.contracts, folder / "truth" / "defects.jsonl")


def _of(found: Score, group: str) -> list[Kind]:
    low, high = GROUPS[group]
    return [
        k for k in found.kinds if k.expect != "nothing" and k.id[0] == "D" and low <= int(k.id[1:]) <= high
    ]


@pytest.mark.parametrize("group", [g for g in GROUPS if g not in ("name", "components")])
def test_recall_and_precision(found: Score, group: str) -> None:
    kinds = _of(found, group)
    planted, right = sum(k.planted for k in kinds), sum(k.found for k in kinds)
    accused = [a for k in kinds for a in k.accused]
    assert right >= 0.99 * planted > 0, [k for k in kinds if k.missed]
    assert right >= 0.99 * (right + len(accused)), accused[:5]


def test_sound_rows_raise_nothing(found: Score) -> None:
    assert found.alarms == {}


def test_every_hour_of_co_in_another_unit_is_found(found: Score) -> None:
    """The row rule sees them too, so they are no false alarms (D67)."""
    kind = next(k for k in found.kinds if (k.id, k.expect) == ("D67", "flag"))
    assert kind.found == kind.planted > 0
    assert kind.accused == []
