"""Streets and districts by the codes that hold today: a merged or recoded district never splits a series."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.divisions import todays_codes

CITY = "210100"


def in_todays_codes(rows: DataFrame, street: str, divisions: DataFrame) -> DataFrame:
    """The rows with `street_code` and `district_code` of today in place of the nine digits in `street`;
    `divisions` is the code list.

    The district is what the street code begins with.
    """
    successors = todays_codes(divisions).select(F.col("issued").alias("_old"), F.col("today").alias("_new"))
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
