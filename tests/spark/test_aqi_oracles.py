"""IAQI, AQI and primary pollutants equal the two published oracles, aqi-hub 0.2.1 (2012) and 0.3.3 (2026),
each in a process of its own.

100,000 random concentrations and every boundary of every table per edition, in one Spark query. Where an
oracle and the text of the
standard differ the text wins: HJ 633 rounds the exact index up, and an oracle that reckons in floating point
lifts some exact whole
numbers by one. Such a case is accepted only when the exact index, in fractions, is that whole number.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from citylake.core.codes import load_codes
from citylake.core.settings import ROOT
from citylake.marts.environment.aqi import ITEMS, graded, summary

EDITIONS = {"2012": ("aqi-2012", "2016-01-05"), "2026": ("aqi-2026", "2026-06-01")}
VALUES = 100_000
TOPS = {"PM2.5": 700, "PM10": 800, "SO2": 3000, "NO2": 4200, "CO": 170, "O3": 1500}
ORACLE = """
import json, sys, warnings
warnings.simplefilter("ignore")
from aqi_hub.aqi_cn.aqi import cal_iaqi_cn, cal_primary_pollutant
out = []
for place in json.load(sys.stdin):
    iaqi = {i: cal_iaqi_cn(f"{i.replace('.', '')}_{a.upper()}", v) for i, (a, v) in place.items()}
    graded = [v for v in iaqi.values() if v is not None]
    out.append([iaqi, max(graded) if graded else None, cal_primary_pollutant(iaqi)])
json.dump(out, sys.stdout)
"""
Place = dict[str, tuple[str, Decimal]]


def _averaging(item: str, daily: bool) -> str:
    return ("8h" if item == "O3" else "24h") if daily else "1h"


def _bounds(edition: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in load_codes(ROOT, "aqi_breakpoints"):
        if row["edition"].endswith(edition):
            found.setdefault((row["item_code"], row["averaging"]), []).append(row)
    return found


def _places(edition: str) -> list[Place]:
    """Places with six items each: first every boundary and what lies a thousandth and one to both sides, then
    random ones.
    """
    rng, bounds = Random(f"aqi/{edition}"), _bounds(edition)
    places: list[Place] = []
    for daily in (True, False):
        for step in ("-1", "-0.001", "0", "0.001", "1"):
            for n in range(8):
                tables = {i: bounds[i, _averaging(i, daily)] for i in ITEMS}
                places.append(
                    {
                        i: (
                            _averaging(i, daily),
                            max(Decimal(t[min(n, len(t) - 1)]["bp_lo"]) + Decimal(step), Decimal(0)),
                        )
                        for i, t in tables.items()
                    }
                )
    for n in range(VALUES // len(ITEMS) + 1):
        scale = rng.choice((1, 0.3, 0.1))
        places.append(
            {
                i: (
                    _averaging(i, n % 2 == 0),
                    round(Decimal(rng.uniform(0, TOPS[i] * scale)), rng.choice((0, 1, 2, 3))),
                )
                for i in ITEMS
            }
        )
    return places


def _oracle(name: str, places: list[Place]) -> list[tuple[dict[str, int | None], int | None, list[str]]]:
    given = json.dumps([{i: (a, float(v)) for i, (a, v) in p.items()} for p in places])
    env = os.environ | {"PYTHONPATH": str(Path(sys.prefix) / "oracles" / name)}
    return json.loads(
        subprocess.run(
            [sys.executable, "-c", ORACLE], input=given, capture_output=True, text=True, check=True, env=env
        ).stdout
    )


def _exact(value: Decimal, table: list[dict[str, str]]) -> Fraction:
    row = next(
        r for r in table if Decimal(r["bp_lo"]) <= value and (not r["bp_hi"] or value <= Decimal(r["bp_hi"]))
    )
    low, high, index_low, index_high = (
        Fraction(r) for r in (row["bp_lo"], row["bp_hi"], row["iaqi_lo"], row["iaqi_hi"])
    )
    return (index_high - index_low) * (Fraction(value) - low) / (high - low) + index_low


def _reckoned(spark: Any, day: str, places: list[Place]) -> dict[int, Any]:
    import pyarrow as pa

    rows = [(n, i, a, str(v)) for n, p in enumerate(places) for i, (a, v) in p.items()]
    columns = [pa.array(c) for c in zip(*rows, strict=True)]
    given = spark.createDataFrame(pa.table(columns, names=["place", "item_code", "averaging", "value"]))
    means = given.selectExpr(
        "place", "item_code", "averaging", f"DATE'{day}' AS day", "CAST(value AS DECIMAL(9,3)) AS mean"
    )
    codes = load_codes(ROOT, "aqi_breakpoints")
    listed = spark.createDataFrame(
        [tuple(r[c] or None for c in codes[0]) for r in codes], ", ".join(f"{c} STRING" for c in codes[0])
    )
    return {r["place"]: r for r in graded(means, listed).groupBy("place", "day").agg(*summary()).collect()}


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_index_is_the_oracles(spark: Any, edition: str) -> None:
    name, day = EDITIONS[edition]
    places, bounds = _places(edition), _bounds(edition)
    ours, theirs, lifted = _reckoned(spark, day, places), _oracle(name, places), 0
    assert len(ours) == len(places) and sum(map(len, places)) > VALUES
    for n, (place, (indices, aqi, primary)) in enumerate(zip(places, theirs, strict=True)):
        wrong = [i for i, p in ITEMS.items() if ours[n][f"{p}_iaqi"] != indices[i]]
        for i in wrong:
            exact = _exact(place[i][1], bounds[i, place[i][0]])
            assert (ours[n][f"{ITEMS[i]}_iaqi"], indices[i]) == (exact, exact + 1), (i, place[i])
            assert exact.denominator == 1
        lifted += len(wrong)
        if not wrong:
            assert ours[n]["aqi"] == aqi
            assert (ours[n]["primary_items"] or "").split(",") == (primary or [""])
            assert ours[n]["edition"].endswith(edition)
    assert lifted < VALUES / 100  # whole numbers are rare among random indices


@pytest.mark.parametrize(
    ("item", "averaging", "value", "exact"),
    [
        ("CO", "24h", "2.2", 55),
        ("PM2.5", "24h", "9.8", 14),
        ("PM2.5", "24h", "4.9", 7),
        ("CO", "1h", "69.9", 233),
    ],
)
def test_cases_in_which_the_text_wins(item: str, averaging: str, value: str, exact: int) -> None:
    """A day's CO of 2.2 mg/m3: 50 / 2 * 0.2 + 50 is 55 exactly; in floating point it is a little more, and
    the oracle says 56.
    """
    assert _exact(Decimal(value), _bounds("2012")[item, averaging]) == exact
    assert _oracle("aqi-2012", [{item: (averaging, Decimal(value))}])[0][0][item] == exact + 1


def test_what_lies_above_the_tables() -> None:
    """SO2 1 h and O3 8 h above 800: not graded in 2012, capped at 200 and 300 in 2026; above every other
    table 500.
    """
    above = {
        (r["edition"][-4:], r["item_code"], r["averaging"]): r["iaqi_hi"]
        for r in load_codes(ROOT, "aqi_breakpoints")
        if not r["bp_hi"]
    }
    capped = {
        ("2012", "SO2", "1h"): "",
        ("2012", "O3", "8h"): "",
        ("2026", "SO2", "1h"): "200",
        ("2026", "O3", "8h"): "300",
    }
    assert {k: v for k, v in above.items() if v != "500"} == capped
    assert len(above) == 24
