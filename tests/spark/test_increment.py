"""Links built on from the links before equal links built from nothing, whatever came: all columns of every
step, not only the ids.

Random worlds are small and crowded: few codes, numbers, names, people and places, so that nearly every change
reaches other records.
"""

from __future__ import annotations

import datetime
from random import Random
from typing import Any

import pytest
from citylake.identity.increment import increment
from citylake.identity.linking import linked
from citylake.identity.records import RECORD, records, retold, statements
from citylake.marts.credit import entity_record

from tests.spark.test_identity import COLUMNS, DDL, FOUR, JUDGED, SILVER, delivered, of_world, record

WORLDS, STEPS, START = 120, 3, 14
CODES = ("PDY00001X", "PDY000028", "PDY000036")
NUMBERS = ("210112000012340", "210102000012341", "210105000012342")
PLACES, PEOPLE = ("210112", "210102", "210122", "210115"), ("t1", "t2", "t3")
NAMES = (
    "沈阳恒远机械制造有限公司",
    "恒远机械制造有限责任公司",
    "沈阳恒远机械制造股份有限公司",
    "恒远机械",
    "沈阳恒远机械制造有限公司第一分公司",
    "沈阳市和平区恒远烧烤店",
    "沈阳市大东区恒远烧烤店",
    "恒远烧烤店",
    "沈阳广源食品有限公司",
    "广源食品",
    "沈阳有限公司",
)
Row = dict[str, Any]


def anything(rng: Random, number: int) -> Row:
    """A record of any source with any of the few values that its world has."""
    code, some = rng.choice(CODES), lambda values, share: rng.choice(values) if rng.random() < share else None
    given = {
        "uscc": f"91210112{code}B" if rng.random() < 0.15 else None,
        "org_code": rng.choice(CODES) if rng.random() < 0.25 else None,
        "taxpayer_no": f"210112{rng.choice(CODES)}" if rng.random() < 0.15 else None,
        "registration_no": some(NUMBERS, 0.35),
        "division_code": some(PLACES, 0.5),
        "address": some(("号段1号", "号段2号"), 0.3),
        "representative": some(PEOPLE, 0.5),
    }
    names = sorted(rng.sample(NAMES, rng.choice((1, 1, 1, 2))))
    return {
        **record(
            f"R{number:02d}", rng.choice(names), trust=rng.randrange(9), day=rng.randrange(1, 28), **given
        ),
        "names": names,
    }


def changed(rng: Random, world: dict[str, Row]) -> list[Row]:
    """Two records anew: as anything else, but as known since the day it was; or a new one."""
    found: dict[str, Row] = {}
    for _ in range(2):
        number = rng.randrange(len(world) + 2)
        row = anything(rng, number)
        old = world.get(row["record_id"])
        found[row["record_id"]] = (
            row
            if old is None
            else {
                **row,
                "trust": old["trust"],
                "source": old["source"],
                "first_known_on": old["first_known_on"],
            }
        )
    return list(found.values())


def judged(
    rng: Random, world: dict[str, Row], before: dict[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """Judgements of a month: mostly as before, some withdrawn, new or changed; one may name a record that
    nobody knows.
    """
    now = {pair: verdict for pair, verdict in before.items() if rng.random() < 0.6}
    if rng.random() < 0.8:
        a, b = rng.sample([*sorted(world), "R99"], 2)
        now[min(a, b), max(a, b)] = rng.choice(("same", "same", "not_same", "not_same", "undecided"))
    return now


def test_increments_equal_a_run_from_nothing(spark: Any) -> None:
    rngs = [Random(n) for n in range(WORLDS)]
    worlds: list[dict[str, Row]] = [
        {r["record_id"]: r for r in (anything(rng, n) for n in range(START))} for rng in rngs
    ]
    said: list[dict[tuple[str, str], str]] = [{} for _ in rngs]
    kept = linked(
        _records(spark, [list(w.values()) for w in worlds]), _judgements(spark, said)
    ).localCheckpoint()
    for step in range(STEPS):
        fresh = [changed(rng, world) for rng, world in zip(rngs, worlds, strict=True)]
        for world, rows in zip(worlds, fresh, strict=True):
            world.update({r["record_id"]: r for r in rows})
        said = [judged(rng, world, before) for rng, world, before in zip(rngs, worlds, said, strict=True)]
        rows = increment(_records(spark, fresh), kept, _judgements(spark, said))
        kept = kept.join(rows, "record_id", "left_anti").unionByName(rows).localCheckpoint()
        whole = linked(_records(spark, [list(w.values()) for w in worlds]), _judgements(spark, said))
        wrong, right = _by_id(kept), _by_id(whole)
        assert {k: (wrong.get(k), v) for k, v in right.items() if wrong.get(k) != v} == {}, step
        assert wrong.keys() == right.keys()


def test_what_no_group_of_a_change_holds_is_not_looked_at_again(spark: Any) -> None:
    """One changed record of one world: nothing of the other worlds comes out."""
    rng = Random(7)
    worlds = [[anything(rng, n) for n in range(START)] for _ in range(30)]
    none = _judgements(spark, [])
    kept = linked(_records(spark, worlds), none).localCheckpoint()
    rows = increment(
        _records(
            spark, [[{**worlds[0][0], "name": "沈阳新名食品有限公司", "names": ["沈阳新名食品有限公司"]}]]
        ),
        kept,
        none,
    ).collect()
    assert rows
    assert {r["record_id"].partition("/")[0] for r in rows} == {"000"}
    assert increment(_records(spark, [w[:5] for w in worlds]), kept, none).count() == 0


def test_a_withdrawn_judgement_restores_what_was_before(spark: Any) -> None:
    """One that held two records apart and one that united two organisations; no record changed."""
    worlds = [FOUR, FOUR]
    kept = linked(
        _records(spark, worlds), _judgements(spark, [{("A", "B"): "not_same"}, {("A", "C"): "same"}])
    ).localCheckpoint()
    before = _by_id(linked(_records(spark, worlds), _judgements(spark, [])))
    changed = {k for k, row in _by_id(kept).items() if before[k] != row}
    rows = _by_id(increment(_records(spark, []), kept, _judgements(spark, [])))
    assert changed == rows.keys() > set()
    assert rows == {k: before[k] for k in changed}


@pytest.fixture(scope="module")
def silver(spark: Any) -> list[dict[str, Any]]:
    """What three offices' silver tables hold after each of the last three months of 2016, and no
    judgement.
    """
    frames: list[dict[str, Any]] = []
    rows = delivered(2016, 60)
    for month in (10, 11, 12):
        seen = {
            d: [(*r.values(), datetime.datetime(2016, m, 28)) for m, r in given if m <= month]
            for d, given in rows.items()
        }
        month_frames = {
            d: spark.createDataFrame(
                s, ", ".join(f"{c} STRING" for c in SILVER[d]) + ", _known_from TIMESTAMP"
            )
            for d, s in seen.items()
        }
        frames.append(
            month_frames
            | {
                "development_reform/identity_judgement": spark.createDataFrame(
                    [], f"{JUDGED}, _known_to TIMESTAMP"
                )
            }
        )
    return frames


def test_a_month_of_silver_is_taken_in_by_update(spark: Any, silver: list[dict[str, Any]]) -> None:
    kept = entity_record.build(silver[0]).localCheckpoint()
    for month in silver[1:]:
        rows = entity_record.update(month, month, kept).localCheckpoint()
        assert 0 < rows.count() < kept.count()
        kept = kept.join(rows, "record_id", "left_anti").unionByName(rows).localCheckpoint()
        assert _by_id(kept) == _by_id(entity_record.build(month))


def test_what_is_said_later_is_added_to_what_was_known(spark: Any, silver: list[dict[str, Any]]) -> None:
    """Also where only one of many values is said again, and where both were said at once."""
    whole, since = (
        _by_id(records(silver[2])),
        dict.fromkeys(SILVER, int(datetime.datetime(2016, 11, 28).timestamp()) * 1_000_000),
    )
    said = statements(silver[2], since).localCheckpoint()
    added = _by_id(retold(records(silver[1]), said))
    assert set(added) == {r["record_id"] for r in said.select("record_id").collect()}
    assert added == {k: whole[k] for k in added}
    before = _by_id(records(silver[1]))
    assert {k for k in whole if before.get(k) != whole[k]} == added.keys() < whole.keys()


def _records(spark: Any, worlds: list[list[Row]]) -> Any:
    rows = [(*of_world(r, n), datetime.datetime(2016, 1, 1)) for n, world in enumerate(worlds) for r in world]
    assert {*COLUMNS, "last_known_at"} == set(RECORD)
    return spark.createDataFrame(rows, f"{DDL}, last_known_at TIMESTAMP").select(*RECORD)


def _judgements(spark: Any, said: list[dict[tuple[str, str], str]]) -> Any:
    return spark.createDataFrame(
        [(f"{n:03d}/{a}", f"{n:03d}/{b}", v) for n, pairs in enumerate(said) for (a, b), v in pairs.items()],
        JUDGED,
    )


def _by_id(frame: Any) -> dict[str, dict[str, Any]]:
    return {r["record_id"]: r.asDict(recursive=True) for r in frame.collect()}
