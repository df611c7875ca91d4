"""Streets and districts by the codes that hold today: a merged or recoded district never splits a series."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

CITY = "210100"


def in_todays_codes(rows: DataFrame, street: str, divisions: DataFrame) -> DataFrame:
    """The rows with `street_code` and `district_code` of today in place of the nine digits in `street`;
    `divisions` is the code list.

    The district is what the street code begins with. Two steps of succession reach from every old code of the
    list to the present one.
    """
    old = divisions.where("successor_code IS NOT NULL AND successor_code <> code").select(
        "code", "successor_code"
    )
    later = old.select(F.col("code").alias("successor_code"), F.col("successor_code").alias("_then"))
    successors = old.join(later, "successor_code", "left").select(
        F.col("code").alias("_old"), F.coalesce("_then", "successor_code").alias("_new")
    )
    joined = rows.join(F.broadcast(successors), F.substring(street, 1, 6) == F.col("_old"), "left")
    district = F.coalesce("_new", F.substring(street, 1, 6))
    rest = F.substring(street, 7, 3)
    return (
        joined.withColumn("district_code", district)
        .withColumn("street_code", F.concat("district_code", rest))
        .drop("_old", "_new")
    )


def street_or_unknown() -> Column:
    """The street; where the register names none, the district with the street number 000."""
    return F.coalesce("street_code", F.concat("division_code", F.lit("000")))
