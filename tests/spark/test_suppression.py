"""No withheld count can be reckoned: over random cities the best attack leaves every withheld cell a range of
at least ten values.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from citylake.marts.population.movement_balance import FLOWS, balance
from citylake.marts.population.suppression import SMALLEST_CELL, withhold
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

MONTHS = 3  # of one city; the cities of one example lie years apart, so that one query judges them all
Cell = tuple[str, int, str]  # area, month, measure
Sums = dict[Cell, dict[int, float]]  # what a cell is over the unknowns of the attack
MEASURES = ("stock_before", "register_stock", *FLOWS)
COUNT = st.one_of(st.integers(0, 3), st.integers(0, 14), st.integers(8, 60))
STREET = st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), min_size=MONTHS, max_size=MONTHS)
CITY = st.lists(st.lists(STREET, min_size=1, max_size=4), min_size=1, max_size=3)
slow = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _streets(number: int, city: list[Any]) -> list[tuple[Any, ...]]:
    """The rows of one city; its first stock is what keeps every later one from going below zero."""
    rows: list[tuple[Any, ...]] = []
    for d, streets in enumerate(city):
        for s, months in enumerate(streets):
            stock = before = (
                max(0, *(-sum(b + i - x - o for b, i, x, o in months[: n + 1]) for n in range(MONTHS))) + s
            )
            for n, (b, i, x, o) in enumerate(months):
                stock += b + i - x - o
                area, month = f"22{number:02d}{d:02d}", date(1900 + number, n + 1, 1)
                rows.append(
                    (
                        area,
                        f"{area}{s:03d}",
                        month,
                        None if n == 0 else before,
                        b,
                        i,
                        x,
                        o,
                        stock,
                        min(b + i, x + o),
                    )
                )
                before = stock
    return rows


def _unknowns(shown: dict[tuple[str, int], dict[str, Any]]) -> tuple[Sums, int]:
    """Flows and first stocks of streets are the unknowns; every other cell is a sum of them, since an
    attacker knows that the months balance.
    """
    sums: Sums = {}
    count = 0
    for area in sorted({a for a, _ in shown if len(a) == 9}):
        stock = {count: 1.0}
        count += 1
        for n in range(MONTHS):
            sums[area, n, "stock_before"] = dict(stock)
            for measure, sign in zip(FLOWS, (1, 1, -1, -1), strict=True):
                sums[area, n, measure] = {count: 1.0}
                stock[count] = float(sign)
                count += 1
            sums[area, n, "register_stock"] = dict(stock)
    for (area, n, measure), parts in list(sums.items()):
        for above in (area[:6], "210100"):
            target = sums.setdefault((above, n, measure), {})
            for k, v in parts.items():
                target[k] = target.get(k, 0) + v
    return sums, count


def _row(parts: dict[int, float], count: int) -> Any:
    row = np.zeros(count)
    row[list(parts)] = list(parts.values())
    return row


def _least_range(shown: dict[tuple[str, int], dict[str, Any]]) -> float:
    """The narrowest range that linear programming leaves to a withheld cell; every count is at least zero."""
    sums, count = _unknowns(shown)
    known = {c: shown[c[0], c[1]][c[2]] for c in sums if shown[c[0], c[1]][c[2]] is not None}
    equal = (
        {"A_eq": np.array([_row(sums[c], count) for c in known]), "b_eq": np.array(list(known.values()))}
        if known
        else {}
    )
    least = np.array([-_row(p, count) for (_, _, m), p in sums.items() if m == "register_stock"])
    ranges = [float("inf")]
    for cell in (c for c in sums if c not in known and not (c[1] == 0 and c[2] == "stock_before")):
        goal = _row(sums[cell], count)
        ends = [
            linprog(s * goal, A_ub=least, b_ub=np.zeros(len(least)), **equal, bounds=(0, 10_000)).fun
            for s in (1, -1)
        ]
        ranges.append(-ends[1] - ends[0])
    return min(ranges)


@slow
@given(cities=st.lists(CITY, min_size=10, max_size=20))
def test_a_withheld_stock_or_flow_cannot_be_reckoned(spark: Any, cities: list[Any]) -> None:
    ddl = "district_code STRING, street_code STRING, stat_month DATE, stock_before BIGINT, " + ", ".join(
        f"{f} BIGINT" for f in FLOWS
    )
    frame = spark.createDataFrame(
        [r for n, c in enumerate(cities) for r in _streets(n, c)],
        ddl + ", register_stock BIGINT, turnover BIGINT",
    )
    found = [r.asDict() for r in balance(frame).collect()]
    assert all(row[m] is None or row[m] >= SMALLEST_CELL for row in found for m in MEASURES)
    for number, city in enumerate(cities):
        shown = {
            (r["area_code"], r["stat_month"].month - 1): r
            for r in found
            if r["stat_month"].year == 1900 + number
        }
        assert len(shown) == MONTHS * (1 + len(city) + sum(map(len, city)))
        assert _least_range(shown) >= SMALLEST_CELL - 1e-6, city


@slow
@given(groups=st.lists(st.lists(COUNT, min_size=1, max_size=7), min_size=200, max_size=400))
def test_what_a_total_leaves_over_is_never_small_and_never_one_cell(
    spark: Any, groups: list[list[int]]
) -> None:
    rows = [(g, c, n) for g, counts in enumerate(groups) for c, n in enumerate(counts)]
    frame = spark.createDataFrame(rows, "g INT, c INT, n BIGINT")
    judged = withhold(frame, ["g"], ["n"], ["c"], name="withheld").collect()
    for g, counts in enumerate(groups):
        hidden = [r["n"] for r in judged if r["g"] == g and r["withheld"]]
        assert all(r["n"] >= SMALLEST_CELL for r in judged if r["g"] == g and not r["withheld"])
        assert not hidden or (len(hidden) >= 2 and sum(hidden) >= SMALLEST_CELL) or len(hidden) == len(counts)
        assert bool(hidden) == any(n < SMALLEST_CELL for n in counts)


@pytest.mark.parametrize("total_withheld", [True, False])
def test_the_parts_of_a_withheld_total_do_not_add_up_to_it(spark: Any, total_withheld: bool) -> None:
    from pyspark.sql import functions as F

    frame = spark.createDataFrame([("a", 40), ("b", 30), ("c", 20)], "c STRING, n BIGINT")
    judged = withhold(frame, [], ["n"], ["c"], name="withheld", total=F.lit(total_withheld)).collect()
    assert {r["c"] for r in judged if r["withheld"]} == ({"b", "c"} if total_withheld else set())
