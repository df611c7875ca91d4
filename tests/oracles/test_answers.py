"""Every question of the analysts, answered by its committed SQL on released views, equals the oracle's answer
from the truth.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from citylake.core.settings import Settings

from tests.oracles.city import DOCS, City

pytestmark = pytest.mark.slow

SEEDS = tuple(int(s) for s in os.environ.get("CITYLAKE_SEEDS", "2016").split(","))
MONTHS, SCALE = 3, 0.3
QUESTIONS = sorted(DOCS.glob("*/[0-9]*.sql"))

Answer = Callable[[City], list[tuple[Any, ...]]]


@pytest.fixture(scope="module", params=SEEDS)
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


def oracle(question: Path) -> Answer:
    """The oracle's function for a question."""
    return importlib.import_module(f"tests.oracles.{question.parent.name}").ANSWERS[question.stem]


def test_every_question_has_an_oracle() -> None:
    assert [
        q.stem
        for q in QUESTIONS
        if q.stem not in importlib.import_module(f"tests.oracles.{q.parent.name}").ANSWERS
    ] == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q.parent.name}/{q.stem}")
def test_the_answer_is_the_oracles(answered: tuple[City, Any], question: Path) -> None:
    city, spark = answered
    got = [tuple(row) for row in spark.sql(question.read_text("utf-8").rstrip().rstrip(";")).collect()]
    assert sorted(map(_text, got)) == sorted(map(_text, oracle(question)(city)))


def _text(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Cells as text: decimals without trailing zeros, so that the scale of a type never counts as a
    difference.
    """
    return tuple(
        f"{v.normalize():f}" if isinstance(v, Decimal) else f"{v:.9g}" if isinstance(v, float) else str(v)
        for v in row
    )
