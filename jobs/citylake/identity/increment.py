"""The links after some records changed, from the links before: only groups that a change reaches are looked at again.

`linked` is a chain of steps, each a function of one group of rows (`linking`). So of every step only the groups are taken anew
that held, or now hold, a row which the steps before changed; a row that comes out as it was carries nothing further. What is
left equals a run from nothing (tests/spark/test_increment.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.identity import linking as by
from citylake.identity import reach
from citylake.identity.records import RECORD

Step = Callable[[DataFrame], DataFrame]


def increment(fresh: DataFrame, kept: DataFrame, judgements: DataFrame) -> DataFrame:
    """The rows of `linking.linked` that are new or differ from `kept`, which it gave before.

    `fresh`: records that are new or may have changed, as `identity.records.records` gives them; no record ever leaves.
    `judgements`: all that hold now, since each may reach any record.
    """
    fresh, index = by.by_keys(fresh).localCheckpoint(), reach.index(kept).localCheckpoint()  # many steps look at them
    near = _picked(kept, reach.identified(index, fresh))
    moved = _moved(fresh, near, (*RECORD, *by.BY_KEYS))
    moved = _again(moved, _mates(moved, near, "registration_no"), by.by_identifier, by.BY_IDENTIFIER)
    moved = _again(moved, _mates(moved, near, "id_anchor"), by.by_confirmation, by.BY_CONFIRMATION)
    moved = _again(moved, _picked(kept, reach.compared(index, moved)), by.by_name, by.BY_NAMES)
    near = _picked(kept, reach.placed(index, moved, judgements))
    moved = _again(moved, _judged(moved, near, judgements), lambda rows: by.by_judgement(rows, judgements), by.BY_JUDGEMENT)
    return _again(moved, _mates(moved, near, "anchor"), by.by_eldest, by.BY_ELDEST)


def _picked(kept: DataFrame, ids: DataFrame) -> DataFrame:
    return reach.same(kept, ids).localCheckpoint()


def _moved(fresh: DataFrame, near: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Fresh rows that are new or differ in these columns; what later steps add is empty."""
    was = reach.same(near, fresh).select("record_id", F.struct(*columns).alias("_was"))
    new = fresh.join(was, "record_id", "left").where(~F.col("_was").eqNullSafe(F.struct(*columns))).drop("_was")
    return near.limit(0).unionByName(new, allowMissingColumns=True).localCheckpoint()


def _again(moved: DataFrame, others: DataFrame, step: Step, columns: Sequence[str]) -> DataFrame:
    """Moved rows after the step, and of the others in their groups those that the step changed."""
    was = F.struct(*columns)
    scope = moved.withColumns({"_moved": F.lit(True), "_was": was}).unionByName(others.withColumns({"_moved": F.lit(False), "_was": was}))
    done = step(scope.drop(*columns).localCheckpoint())
    return done.where(F.col("_moved") | ~F.col("_was").eqNullSafe(was)).select(*moved.columns).localCheckpoint()


def _mates(moved: DataFrame, near: DataFrame, group: str) -> DataFrame:
    """The rows that share a group with a moved row, where it was or where it is now."""
    groups = moved.select(group).union(reach.same(near, moved).select(group)).dropna().distinct()
    return reach.rest(near, moved).join(F.broadcast(groups), group, "left_semi")


def _judged(moved: DataFrame, near: DataFrame, judgements: DataFrame) -> DataFrame:
    """Judged rows, all that the rules put beside one, and those whose place a judgement decided before."""
    rest, named = reach.rest(near, moved), F.broadcast(reach.named(judgements))
    places = [rows.join(named, "record_id", "left_semi").select("name_anchor") for rows in (rest, moved)]
    heads = F.broadcast(places[0].union(places[1]).distinct().withColumn("_head", F.lit(True)))
    marked = rest.join(named.withColumn("_named", F.lit(True)), "record_id", "left").join(heads, "name_anchor", "left")
    return marked.where(F.col("_named") | F.col("_head") | reach.decided()).select(*near.columns)
