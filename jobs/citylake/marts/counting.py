"""Counts that say when they do not know: SQL's own `count_if` takes an unknown condition for a false one."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def count_sure(condition: Column) -> Column:
    """How many rows fulfil a condition; NULL as soon as it is unknown for one of them."""
    return F.when(F.count_if(condition.isNull()) == 0, F.count_if(condition))


def count_known(condition: Column) -> Column:
    """How many rows are known to fulfil a condition; those of which it is unknown are counted elsewhere."""
    return F.count_if(condition)
