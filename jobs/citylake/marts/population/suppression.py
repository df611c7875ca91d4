"""Withholds small counts of persons, and as many further cells as keep every small one from being reckoned
out of a total.

The rule, for rows whose counts are published together or not at all, inside a group whose sums may be known:
- a row with a count below 10 is withheld (primary);
- then the smallest rows left are withheld too (complementary), until at least two rows are withheld and their
sum is at least 10 in every count;
- a group whose own total is withheld keeps back rows in the same way, or the total would follow from its
parts.

So what is withheld in a group has a sum of at least 10 that is spread over at least two rows, and each single
value may be anything from 0 to that sum.
Where the total is below 10 all rows of the group are, and nothing is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

SMALLEST_CELL = 10  # design rule 7: counts below 10 never leave


def withhold(
    rows: DataFrame,
    group: Sequence[str],
    counts: Sequence[str],
    order: Sequence[str],
    *,
    name: str,
    also: Column | None = None,
    total: Column | None = None,
) -> DataFrame:
    """The rows with a further column `name`: true where the counts must not be shown.

    `order` makes the choice of the complementary rows a matter of the data alone. `also` withholds a row for
    another reason;
    `total` says that the total of the row's group is withheld.
    """
    primary = (F.least(*counts, F.lit(SMALLEST_CELL)) < SMALLEST_CELL) | _true(also)
    inside = Window.partitionBy(*group)
    ranked = inside.orderBy(F.col("_primary").desc(), F.least(*counts, F.lit(2**62)), *order)
    before = ranked.rowsBetween(Window.unboundedPreceding, -1)
    short = [F.coalesce(F.sum(c).over(before), F.lit(0)) < SMALLEST_CELL for c in counts]
    needed = (F.row_number().over(ranked) <= 2) | reduce(Column.__or__, short)
    asked = F.max("_primary").over(inside) | _true(total)
    return (
        rows.withColumn("_primary", primary)
        .withColumn(name, F.col("_primary") | (asked & needed))
        .drop("_primary")
    )


def _true(condition: Column | None) -> Column:
    """The condition where it is known, else false."""
    return F.lit(False) if condition is None else F.coalesce(condition, F.lit(False))


def shown(count: str, withheld: Column) -> Column:
    """The count where it may be shown, else NULL."""
    return F.when(~withheld, F.col(count)).alias(count)
