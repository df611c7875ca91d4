"""Hours of the stations as every weather table reads them: known now, with wrong values left out."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current

UNUSABLE = ("2", "8")  # wrong, missing (codes/qc_digits, unconfirmed)


def usable_hours(silver: DataFrame) -> DataFrame:
    """`station_code`, `observed_at`, `rain_mm`, `rain_trace`, `temperature_celsius` of every hour; a value
    whose quality digit says wrong is NULL.
    """
    trace = _usable("rain_trace", "rain_qc")
    return current(silver).select(
        "station_code",
        "observed_at",
        _usable("rain_mm", "rain_qc"),
        trace,
        _usable("temperature_celsius", "temperature_qc"),
    )


def _usable(value: str, digit: str) -> Column:
    return F.when(~F.coalesce(digit, F.lit("")).isin(*UNUSABLE), F.col(value)).alias(value)
