"""Division codes of any year as the codes of today: no mart splits a district at a change of its code."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

STEPS = 3  # codes changed at most twice so far (GB/T 2260 since 1980)


def todays_codes(divisions: DataFrame) -> DataFrame:
    """`issued` and `today`: every code of the list and the one that stands for it now, by its successors."""
    changes = divisions.where("successor_code IS NOT NULL AND successor_code <> code").select(
        F.col("code").alias("today"), F.col("successor_code").alias("_next")
    )
    found = divisions.select(F.col("code").alias("issued"), F.col("code").alias("today")).distinct()
    for _ in range(STEPS):
        found = found.join(F.broadcast(changes.distinct()), "today", "left").select(
            "issued", F.coalesce("_next", "today").alias("today")
        )
    return found
