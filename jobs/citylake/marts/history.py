"""Reads of silver that every mart needs: what is known and valid now."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def current(silver: DataFrame) -> DataFrame:
    """The rows known now; of a register those still valid."""
    known = silver.where(F.col("_known_to").isNull())
    return known.where(F.col("_valid_to").isNull()) if "_valid_to" in silver.columns else known
