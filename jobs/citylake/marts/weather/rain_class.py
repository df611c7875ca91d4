"""Classes of 24 h precipitation, joined by amount, trace and day: the list `rain_classes` is valid in time
(GB/T 28592, unconfirmed).
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

LEAST_MM = 0.1  # what a gauge can read; less is a trace


def with_rain_class(days: DataFrame, classes: DataFrame) -> DataFrame:
    """`days` (day, rain_mm, rain_trace) with `rain_class`; NULL without an amount or on a day for which no
    edition of the list is known.

    More than nothing and less than 0.1 mm is a trace whether or not an hour said so.
    """
    trace = (F.coalesce("rain_trace", F.lit(False)) | (F.col("rain_mm") > 0)) & (F.col("rain_mm") < LEAST_MM)
    limits = classes.select(
        F.col("code").alias("rain_class"),
        F.col("amount_from_mm").cast("decimal(7,2)").alias("_from"),
        F.coalesce(F.col("amount_below_mm").cast("decimal(7,2)"), F.lit(99999)).alias("_below"),
        (F.col("trace") == "1").alias("_trace"),
        F.to_date("valid_from").alias("_valid_from"),
        F.coalesce(F.to_date("valid_to"), F.to_date(F.lit("9999-12-31"))).alias("_valid_to"),
    )
    fits = (
        (F.col("rain_mm") >= F.col("_from"))
        & (F.col("rain_mm") < F.col("_below"))
        & F.coalesce(F.col("_trace") == trace, F.lit(True))
    )
    valid = (F.col("day") >= F.col("_valid_from")) & (F.col("day") < F.col("_valid_to"))
    return days.join(F.broadcast(limits), fits & valid, "left").drop(
        "_from", "_below", "_trace", "_valid_from", "_valid_to"
    )
