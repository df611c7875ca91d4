"""Residents by district, sex and five-year age band; small cells are withheld."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("civil_affairs/resident",)
SMALLEST_CELL = 10  # design rule 7: counts below 10 never leave


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Registered, not cancelled residents; age in full years on the first day of the register's period.

    Cells below 10 have `residents` NULL and `suppressed` true. When a district has exactly one such cell, its next
    smallest cell is withheld too, so that no total gives it away.
    """
    alive = current(inputs["civil_affairs/resident"]).where("cancelled_on IS NULL")
    as_of = inputs["civil_affairs/resident"].agg(F.max("_valid_from").alias("as_of"))
    age = F.floor(F.months_between("as_of", "birth_date") / 12)
    band = (F.least(F.greatest(age, F.lit(0)), F.lit(100)) / 5).cast("int") * 5
    rows = alive.crossJoin(as_of).select("as_of", "division_code", "sex_code", band.alias("age_from"))
    return _suppressed(rows.groupBy("as_of", "division_code", "sex_code", "age_from").agg(F.count(F.lit(1)).alias("residents")))


def _suppressed(cells: DataFrame) -> DataFrame:
    small = F.col("residents") < SMALLEST_CELL
    order = F.struct((~small).alias("a"), F.col("residents").alias("b"), F.col("sex_code").alias("c"), F.col("age_from").alias("d"))
    district = cells.groupBy("as_of", "division_code").agg(F.count_if(small).alias("_small"), F.min(F.when(~small, order)).alias("_next"))
    joined = cells.join(F.broadcast(district), ["as_of", "division_code"])
    second = (F.col("_small") == 1) & F.coalesce(order == F.col("_next"), F.lit(False))
    hidden = small | second
    return joined.select("as_of", "division_code", "sex_code", "age_from", F.when(~hidden, F.col("residents")).alias("residents"), hidden.alias("suppressed"))
