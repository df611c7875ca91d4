"""Every mart as a person sees it: the released table, all columns, equals what its oracle reckons slowly from
the truth, in one city per seed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.settings import ROOT
from citylake.release.query import ask

from tests.oracles.city import City
from tests.oracles.tables.cells import Score, compared
from tests.oracles.tables.organisations import by_truth, true_numbers

MARTS = [c for c in load_contracts(ROOT).values() if c.kind == "mart"]
# Who is who has a score of its own (`make score-identity`), not a truth row by row.
IDENTITY = {
    "credit/entity_record",
    "credit/entity_identifier",
    "credit/entity_field",
    "credit/conflict",
}
ALL = 10_000_000
Oracle = Callable[[City], list[dict[str, Any]]]


def oracles() -> dict[str, Oracle]:
    """The oracle of every table, by mart."""
    found: dict[str, Oracle] = {}
    for path in sorted((Path(__file__).parent / "tables").glob("*.py")):
        module = importlib.import_module(f"tests.oracles.tables.{path.stem}")
        found |= getattr(module, "TABLES", {})
    return found


def test_every_mart_has_an_oracle() -> None:
    assert {c.id for c in MARTS} == set(oracles()) | IDENTITY
    assert set(oracles()).isdisjoint(IDENTITY)


def test_an_oracle_tells_every_column() -> None:
    city = City(2016, 2, 0.1)
    short = {
        c.id: sorted(missing)
        for c in MARTS
        if c.id in oracles()
        for row in oracles()[c.id](city)[:1]
        if (missing := {x.name for x in c.columns} - row.keys())
    }
    assert short == {}


def released(spark: Any, title: str) -> list[dict[str, Any]]:
    """All rows of a view, as `citylake sql` answers."""
    answer = ask(spark, f"SELECT * FROM {title}", ALL)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


@pytest.mark.slow
@pytest.mark.parametrize("contract", [c for c in MARTS if c.id not in IDENTITY], ids=lambda c: c.id)
def test_the_released_table_is_the_oracles(answered: tuple[City, Any], contract: Contract) -> None:
    city, spark = answered
    rows = released(spark, contract.id.replace("/", "."))
    if any(c.name == "entity_id" for c in contract.columns):
        numbers = true_numbers(city, released(spark, "credit.entity_record"))
        rows = by_truth(rows, numbers)
    score = compared(rows, oracles()[contract.id](city), contract.keys, [c.name for c in contract.columns])
    print(_line(contract, city, score))
    assert score.rows and score.wrong == {}


def _line(contract: Contract, city: City, score: Score) -> str:
    equal = score.columns - len(score.wrong)
    told = f"{score.rows:7} rows {equal:3} of {score.columns:3} columns equal"
    return f"{contract.id:40} seed {city.seed:5} {told}"
