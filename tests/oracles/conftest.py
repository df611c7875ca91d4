"""One lake per seed for all oracles: a city without planted defects, taken in and released."""

from __future__ import annotations

from typing import Any

import pytest
from citylake.core.settings import Settings

from tests.oracles.city import MONTHS, SCALE, SEEDS, City


@pytest.fixture(scope="session", params=SEEDS)
def answered(
    request: pytest.FixtureRequest, lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[City, Any]:
    """A city without planted defects and a Spark client on the views of the lake that took it in."""
    from citylake.ingest.sources.folder import fetch_folder
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.run import run_all
    from citylake.release.release import create_views, latest
    from citylake.storage.spark import connect
    from citylake.synthetic import generate

    folder = tmp_path_factory.mktemp("truth")
    generate(folder, months=MONTHS, scale=SCALE, seed=request.param, defects="off")
    settings = lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-answers-{request.param}"})
    lake = open_lake(settings)
    fetch_folder(lake.store, folder / "inbox")
    run_all(lake)
    spark = connect(settings)
    create_views(spark, settings, latest(lake.store))
    return City(request.param, MONTHS, SCALE), spark
