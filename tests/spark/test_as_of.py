"""Two times of a row: what was known on a day about a day, with late arrivals, same-day changes and cuts by
another table.
"""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import load_contracts
from citylake.marts.build import input_ddl
from citylake.marts.credit.as_of import as_of, beside
from citylake.marts.credit.entity_file import INPUTS, files

ROOT = Path(__file__).resolve().parents[2]
DDL = "name STRING, valid_from DATE, valid_to DATE, known_from TIMESTAMP, known_to TIMESTAMP"
MORNING, EVENING = "08:00:00", "17:00:00"


def _versions(spark: Any, rows: list[tuple[str, str, str | None, str, str | None]]) -> Any:
    texts = spark.createDataFrame(
        rows, "name STRING, valid_from STRING, valid_to STRING, known_from STRING, known_to STRING"
    )
    return texts.selectExpr(
        *[f"CAST({c.split()[0]} AS {c.split()[1]}) AS {c.split()[0]}" for c in DDL.split(", ")]
    )


# A firm renamed on 05-01, which became known on 06-10; its entry was corrected on the evening of the day on
# which it came.
RENAMED = [
    ("wrong", "2016-01-01", None, f"2016-02-01 {MORNING}", f"2016-02-01 {EVENING}"),
    ("old", "2016-01-01", None, f"2016-02-01 {EVENING}", f"2016-06-10 {MORNING}"),
    ("old", "2016-01-01", "2016-05-01", f"2016-06-10 {MORNING}", None),
    ("new", "2016-05-01", None, f"2016-06-10 {MORNING}", None),
]


@pytest.mark.parametrize(
    ("valid_on", "known_on", "names"),
    [
        ("2016-03-01", "2016-01-31", []),  # nothing had arrived
        ("2016-03-01", "2016-02-01", ["old"]),  # of two versions of one day the later counts
        ("2016-05-31", "2016-06-09", ["old"]),  # the change of 05-01 had not arrived
        ("2016-05-31", "2016-06-10", ["new"]),  # now it had
        ("2016-04-30", "2016-06-30", ["old"]),
        ("2016-05-01", "2016-06-30", ["new"]),  # the first day of the new name is not the last of the old
        ("2015-12-31", "2016-06-30", []),
    ],
)
def test_what_was_known_on_a_day_about_a_day(
    spark: Any, valid_on: str, known_on: str, names: list[str]
) -> None:
    found = as_of(_versions(spark, RENAMED), date.fromisoformat(valid_on), date.fromisoformat(known_on))
    assert [r["name"] for r in found.collect()] == names


def _story(rng: random.Random, key: int) -> list[tuple[int, int, datetime, datetime | None]]:
    """Versions of a key without gap and overlap in the time of knowing."""
    at = sorted(rng.sample(range(200), rng.randrange(1, 6)))
    moments: list[datetime | None] = [datetime(2016, 1, 1) + timedelta(hours=7 * h) for h in at]
    ends = [*moments[1:], rng.choice([None, datetime(2016, 6, 1)])]
    return [(key, n, b, e) for n, (b, e) in enumerate(zip(moments, ends, strict=True)) if b is not None]


def test_versions_cut_by_another_table_leave_no_gap_and_no_overlap(spark: Any) -> None:
    rng = random.Random(7)
    left = [v for k in range(200) for v in _story(rng, k)]
    right = [v for k in range(0, 200, 2) for v in _story(rng, k)]
    ddl = "key INT, n INT, known_from TIMESTAMP_NTZ, known_to TIMESTAMP_NTZ"
    got = (
        beside(spark.createDataFrame(left, ddl), spark.createDataFrame(right, ddl), ["key"])
        .selectExpr("*", "other.n AS m")
        .collect()
    )
    for moment in (datetime(2016, 1, 1) + timedelta(hours=7 * h, minutes=30) for h in range(0, 220, 5)):

        def holds(begin: datetime, end: datetime | None, at: datetime = moment) -> bool:
            return begin <= at and (end is None or at < end)

        other = {k: n for k, n, b, e in right if holds(b, e)}
        expected = sorted((k, n, other.get(k, -1)) for k, n, b, e in left if holds(b, e))
        assert (
            sorted(
                (r["key"], r["n"], -1 if r["m"] is None else r["m"])
                for r in got
                if holds(r["known_from"], r["known_to"])
            )
            == expected
        )


def test_the_file_of_a_firm_as_it_stood(spark: Any) -> None:
    """A penalty of 01-05, sent on 01-11, repaired on 05-20, which became known on 06-01."""
    who = {"entity_id": "E1111111111111111"}
    penalty = {
        **who,
        "penalty_class": "1",
        "decided_on": "2016-01-05",
        "visible_from": "2016-01-05",
        "fine_10k_cny": 2,
    }
    given = {
        "marts/credit/entity": [
            {
                **who,
                "kind": "enterprise",
                "name": "甲",
                "valid_from": "2015-01-01",
                "known_from": f"2016-01-04 {MORNING}",
            }
        ],
        "marts/credit/penalty": [
            {
                **penalty,
                "visible_to": "2017-01-06",
                "known_from": f"2016-01-11 {MORNING}",
                "known_to": f"2016-06-01 {MORNING}",
            },
            {
                **penalty,
                "visible_to": "2016-05-20",
                "repaired_on": "2016-05-20",
                "known_from": f"2016-06-01 {MORNING}",
            },
        ],
    }
    contracts = load_contracts(ROOT)
    tables = {n: _frame(spark, input_ddl(ROOT, contracts, n), given.get(n, [])) for n in INPUTS}
    pairs = [
        ("2016-01-10", "2016-01-10"),
        ("2016-05-19", "2016-06-30"),
        ("2016-05-20", "2016-05-31"),
        ("2016-05-20", "2016-06-01"),
        ("2016-01-04", "2016-06-30"),
    ]
    days = spark.createDataFrame(pairs, "valid_on STRING, known_on STRING").selectExpr(
        "CAST(valid_on AS DATE)", "CAST(known_on AS DATE)"
    )
    found = {
        (str(r["valid_on"]), str(r["known_on"])): (r["penalties_visible"], r["penalties_repaired"])
        for r in files(tables, days).collect()
    }
    assert found == dict(zip(pairs, [(0, 0), (1, 0), (1, 0), (0, 1), (0, 0)], strict=True))


def _frame(spark: Any, ddl: str, rows: list[dict[str, Any]]) -> Any:
    from pyspark.sql import functions as F

    texts = spark.createDataFrame([(json.dumps(r, ensure_ascii=False),) for r in rows], "j STRING")
    return texts.select(
        F.from_json("j", ddl, {"timestampFormat": "yyyy-MM-dd HH:mm:ss", "mode": "FAILFAST"}).alias("r")
    ).select("r.*")
