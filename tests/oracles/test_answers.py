"""Every question of the analysts, answered by its committed SQL on released views, equals the oracle's answer
from the truth.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.city import DOCS, City

pytestmark = pytest.mark.slow

QUESTIONS = sorted(DOCS.glob("*/[0-9]*.sql"))

Answer = Callable[[City], list[tuple[Any, ...]]]


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
