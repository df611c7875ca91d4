"""户籍 beside 常住 by district and month: two measures of two sources in two columns, never added and never
filled from each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current
from citylake.marts.population.areas import CITY, in_todays_codes
from citylake.marts.population.suppression import shown, withhold

INPUTS = ("civil_affairs/permanent_count", "marts/population/movement_balance", "codes/divisions")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Permanent residents as the streets counted them, registered residents as `movement_balance` shows them,
    and their ratio where both are shown.
    """
    counted = in_todays_codes(
        current(inputs["civil_affairs/permanent_count"]), "street_code", inputs["codes/divisions"]
    )
    sums = (
        F.sum("permanent_residents").alias("permanent_residents"),
        F.count(F.lit(1)).alias("streets_counted"),
    )
    districts = counted.groupBy(F.col("district_code").alias("area_code"), "stat_month").agg(*sums)
    city = counted.groupBy(F.lit(CITY).alias("area_code"), "stat_month").agg(*sums)
    judged = [
        withhold(d, ["stat_month"], ["permanent_residents"], ["area_code"], name="_small")
        for d in (districts, city)
    ]
    registered = inputs["marts/population/movement_balance"].where("area_level <> 'street'")
    registered = registered.select(
        "area_code",
        "stat_month",
        F.col("register_stock").alias("registered_residents"),
        F.col("stock_withheld").alias("_registered"),
    )
    joined = judged[0].unionByName(judged[1]).join(registered, ["area_code", "stat_month"], "full")
    permanent = joined.withColumn("permanent_residents", shown("permanent_residents", F.col("_small")))
    ratio = F.expr("CAST(try_divide(permanent_residents, registered_residents) AS DECIMAL(9, 4))")
    return permanent.select(
        "area_code",
        "stat_month",
        F.when(F.col("area_code") == CITY, "city").otherwise("district").alias("area_level"),
        "registered_residents",
        "permanent_residents",
        ratio.alias("permanent_per_registered"),
        F.coalesce("streets_counted", F.lit(0)).alias("streets_counted"),
        F.coalesce(F.col("_registered"), F.lit(False)).alias("registered_withheld"),
        F.coalesce(F.col("_small"), F.lit(False)).alias("permanent_withheld"),
    )
