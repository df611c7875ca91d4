"""Residents by district, sex and five-year age band; small cells are withheld."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current
from citylake.marts.population.areas import in_todays_codes, street_or_unknown
from citylake.marts.population.suppression import shown, withhold

INPUTS = ("civil_affairs/resident", "codes/divisions")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Registered, not cancelled residents; age in full years on the first day of the register's period.

    Cells below 10 have `residents` NULL and `suppressed` true, and so have the next smallest where a total of
    the district would give
    one away; a district whose own total is withheld among the districts keeps back cells as well.
    """
    alive = (
        current(inputs["civil_affairs/resident"])
        .where("cancelled_on IS NULL")
        .withColumn("_street", street_or_unknown())
    )
    as_of = inputs["civil_affairs/resident"].agg(F.max("_valid_from").alias("as_of"))
    age = F.floor(F.months_between("as_of", "birth_date") / 12)
    band = (F.least(F.greatest(age, F.lit(0)), F.lit(100)) / 5).cast("int") * 5
    rows = in_todays_codes(alive, "_street", inputs["codes/divisions"]).crossJoin(as_of)
    rows = rows.select(
        "as_of", F.col("district_code").alias("division_code"), "sex_code", band.alias("age_from")
    )
    return _suppressed(
        rows.groupBy("as_of", "division_code", "sex_code", "age_from").agg(
            F.count(F.lit(1)).alias("residents")
        )
    )


def _suppressed(cells: DataFrame) -> DataFrame:
    sums = cells.groupBy("as_of", "division_code").agg(F.sum("residents").alias("residents"))
    districts = withhold(sums, ["as_of"], ["residents"], ["division_code"], name="_total")
    joined = cells.join(F.broadcast(districts.drop("residents")), ["as_of", "division_code"])
    judged = withhold(
        joined,
        ["as_of", "division_code"],
        ["residents"],
        ["sex_code", "age_from"],
        name="suppressed",
        total=F.col("_total"),
    )
    return judged.select(
        "as_of",
        "division_code",
        "sex_code",
        "age_from",
        shown("residents", F.col("suppressed")),
        "suppressed",
    )
