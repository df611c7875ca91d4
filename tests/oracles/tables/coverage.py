"""What stands behind every mart, from the orders of the synthetic offices."""

from __future__ import annotations

import ast
from collections import defaultdict
from datetime import date
from typing import Any

from citylake.core.settings import ROOT

from tests.oracles.city import City
from tests.oracles.credit import covered_to as last_day


def _behind(mart: str) -> set[str]:
    """The datasets that the text of a mart's module names, and those of the marts that it names."""
    tree = ast.parse((ROOT / "jobs" / "citylake" / "marts" / f"{mart}.py").read_text("utf-8"))
    named = next(
        n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "INPUTS"
    )
    found: set[str] = set()
    for name in ast.literal_eval(named):
        room, _, rest = name.partition("/")
        if room == "marts":
            found |= _behind(rest)
        elif (ROOT / "schemas" / f"{name}.odcs.yaml").is_file():
            found.add(name)
    return found


def covered_from(row: dict[str, str]) -> date:
    """The first day of the period of a row's delivery."""
    parts = [int(p) for p in row["_period"].split("-")]
    return date(*[*parts, 1, 1][:3])


def covered_to(row: dict[str, str]) -> date:
    """The last one; a period of four digits is a year."""
    return date(int(row["_period"]), 12, 31) if len(row["_period"]) == 4 else last_day(row)


def mart_input(city: City) -> list[dict[str, Any]]:
    marts = [
        str(p.relative_to(ROOT / "schemas" / "marts"))[: -len(".odcs.yaml")]
        for p in (ROOT / "schemas" / "marts").rglob("*.odcs.yaml")
    ]
    periods: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for dataset in {d for m in marts for d in _behind(m)}:
        for row in city.rows(dataset):
            periods[dataset][row["_delivery"]] = row
    return [
        {
            "mart": mart,
            "dataset": dataset,
            "admitted": len(told),
            "held": 0,
            "waiting": 0,
            "covered_from": min(map(covered_from, told.values())),
            "covered_to": max(map(covered_to, told.values())),
            "held_periods": None,
            "held_deliveries": None,
        }
        for mart in marts
        for dataset in _behind(mart)
        if (told := periods.get(dataset))
    ]


TABLES = {"coverage/mart_input": mart_input}
