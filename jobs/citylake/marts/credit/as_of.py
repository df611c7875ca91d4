"""Two times of a row: when something is so (valid) and when the lake knew it (known); both half-open, an open
end is NULL.

Rows carry both, so what was known on a day survives VACUUM: it is a filter, not a version of the table.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

NOW = "9999-12-31"  # as a day of knowing: what is known now holds, what was known once does not


def known(silver: DataFrame) -> DataFrame:
    """Every version that the lake ever knew, with `known_from` and `known_to`."""
    return silver.withColumns({"known_from": F.col("_known_from"), "known_to": F.col("_known_to")})


def as_of(
    versions: DataFrame,
    valid_on: Column | date,
    known_on: Column | date,
    span: tuple[str, str | None] = ("valid_from", "valid_to"),
) -> DataFrame:
    """The versions that hold on `valid_on` as the lake knew them at the end of the day `known_on`.

    Of two versions of one day the later counts; what arrived after `known_on` is not seen, however early it
    is valid.
    `span` names the columns of validity; without an end what began goes on.
    """
    return versions.where(holds("known_from", "known_to", known_on, to_day=True) & holds(*span, valid_on))


def holds(start: str, end: str | None, day: Column | date, *, to_day: bool = False) -> Column:
    """Whether a day lies in the interval of two columns; `to_day` takes moments by their day. One without a
    beginning never began.
    """
    on = day if isinstance(day, Column) else F.lit(day)
    begun = F.coalesce((F.to_date(start) if to_day else F.col(start)) <= on, F.lit(False))
    return (
        begun
        if end is None
        else begun & (F.col(end).isNull() | ((F.to_date(end) if to_day else F.col(end)) > on))
    )


def beside(left: DataFrame, right: DataFrame, keys: list[str], fits: str = "true") -> DataFrame:
    """Versions of `left` cut where the version of `right` beside it changed, with that one as the struct
    `other` (or NULL).

    Both have `known_from` and `known_to`; `fits` is SQL over a version `v` of `right` and the columns of
    `left`. The cuts leave
    no gap and no overlap: each version of `left` is covered once.
    """
    versions = right.groupBy(*keys).agg(F.collect_list(F.struct(*right.columns)).alias("_right"))
    fitting = left.join(versions, keys, "left").withColumn("_fit", F.expr(f"filter(_right, v -> {fits})"))
    return fitting.select("*", F.posexplode(F.expr(_CUTS)).alias("_i", "_at")).select(
        *[c for c in left.columns if not c.startswith("known_")],
        F.col("_at").alias("known_from"),
        F.expr(f"coalesce(get({_CUTS}, _i + 1), known_to)").alias("known_to"),
        F.expr(
            "get(array_sort(filter(_fit, v -> v.known_from <= _at AND (v.known_to IS NULL OR _at <"
            " v.known_to))), 0)"
        ).alias("other"),
    )


_POINTS = "flatten(transform(_fit, v -> array(v.known_from, v.known_to)))"
_INSIDE = f"filter({_POINTS}, p -> p > known_from AND (known_to IS NULL OR p < known_to))"
_CUTS = f"array_sort(array_distinct(concat(array(known_from), coalesce({_INSIDE}, array()))))"
