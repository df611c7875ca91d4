"""The links after some records changed, from the links before: only groups that a change reaches are looked
at again.

`linked` is a chain of steps, each a function of one group of rows (`linking`). They are run again in three
passes, by identifiers, by
names, and by judgements. A pass sees the rows whose groups the changes so far reach (`affected`), and what
comes out of it as it was
carries nothing further. What is left equals a run from nothing (tests/spark/test_increment.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.identity import affected
from citylake.identity import linking as by
from citylake.identity.records import RECORD

Step = Callable[[DataFrame], DataFrame]


def increment(fresh: DataFrame, kept: DataFrame, judgements: DataFrame) -> DataFrame:
    """The rows of `linking.linked` that are new or differ from `kept`, which it gave before.

    `fresh`: records that are new or may have changed, as `identity.records.records` gives them; no record
    ever leaves.
    `judgements`: all that hold now, since each may reach any record.
    """
    fresh, index = fresh.localCheckpoint(), affected.index(kept).localCheckpoint()  # many plans look at them
    moved = by.by_keys(
        _identified(fresh, affected.same(kept, affected.identified(index, fresh)))
    ).localCheckpoint()
    near = by.by_keys(affected.same(kept, affected.compared(index, moved)))
    moved = by.unkeyed(_again(moved, near, by.by_name, by.BY_NAMES))
    near = affected.same(kept, affected.placed(index, moved, judgements))
    return _again(
        moved,
        near,
        lambda rows: by.by_eldest(by.by_judgement(rows, judgements)),
        (*by.BY_JUDGEMENT, *by.BY_ELDEST),
    )


def _identified(fresh: DataFrame, near: DataFrame) -> DataFrame:
    """Fresh records that are new or say something else, and of those near them the ones that are now linked
    otherwise by an identifier.
    """
    columns = (*RECORD, *by.BY_IDENTIFIER, *by.BY_CONFIRMATION)
    near = near.withColumn("_was", F.struct(*columns)).localCheckpoint()  # read twice
    new = fresh.join(near.select("record_id", "_was"), "record_id", "left")
    scope = affected.rest(near, fresh).unionByName(new, allowMissingColumns=True).localCheckpoint()
    return (
        by.by_confirmation(by.by_identifier(scope))
        .where(~F.col("_was").eqNullSafe(F.struct(*columns)))
        .drop("_was")
    )


def _again(moved: DataFrame, near: DataFrame, step: Step, columns: Sequence[str]) -> DataFrame:
    """Moved rows after the step, and of the others near them those that it changed."""
    was = F.struct(*columns)
    others = affected.rest(near, moved).withColumns({"_moved": F.lit(False), "_was": was})
    scope = moved.withColumns({"_moved": F.lit(True), "_was": was}).unionByName(others)
    done = step(scope.drop(*columns).localCheckpoint())
    return (
        done.where(F.col("_moved") | ~F.col("_was").eqNullSafe(was)).select(*moved.columns).localCheckpoint()
    )
