"""Whether two departments count the same registered residents: the register of 民政 beside the police
stations' report, by street and month.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current
from citylake.marts.population.areas import in_todays_codes
from citylake.marts.population.suppression import SMALLEST_CELL

INPUTS = ("public_security/street_stock", "marts/population/movement_balance", "codes/divisions")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """A street that only one of them reports has `reported_by`; figures are shown where the register's is and
    the police's is not small.
    """
    reports = in_todays_codes(
        current(inputs["public_security/street_stock"]), "street_code", inputs["codes/divisions"]
    )
    police = reports.select("street_code", "stat_month", F.col("registered_residents").alias("police_stock"))
    streets = inputs["marts/population/movement_balance"].where("area_level = 'street'")
    register = streets.select(
        F.col("area_code").alias("street_code"),
        "stat_month",
        F.col("stock_withheld").alias("_hidden"),
        "register_stock",
    )
    joined = register.join(police, ["street_code", "stat_month"], "full")
    by = (
        F.when(F.col("_hidden").isNull(), "public_security")
        .when(F.col("police_stock").isNull(), "civil_affairs")
        .otherwise("both")
    )
    hidden = F.coalesce(F.col("_hidden"), F.lit(False)) | F.coalesce(
        F.col("police_stock") < SMALLEST_CELL, F.lit(False)
    )
    rows = joined.select("*", by.alias("reported_by"), hidden.alias("withheld"))
    figures = [F.when(~F.col("withheld"), F.col(c)).alias(c) for c in ("register_stock", "police_stock")]
    difference = F.col("police_stock") - F.col("register_stock")
    placed = rows.select(
        "street_code",
        F.substring("street_code", 1, 6).alias("division_code"),
        "stat_month",
        "reported_by",
        *figures,
        "withheld",
    )
    return placed.withColumn("difference", difference).withColumn("agrees", F.col("difference") == 0)
