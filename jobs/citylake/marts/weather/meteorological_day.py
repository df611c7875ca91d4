"""The two days of weather: the meteorological day that ends at 20:00 Beijing time, and the calendar day.

An hourly value belongs to the hour that ENDS at `observed_at`. So the value of 20:00 belongs to the
meteorological day that ends then,
that of 21:00 opens the next one; the value of 00:00 belongs to the calendar day that ends then. Source: the
note of the CMA daily set V3.0.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

MET_DAY, CALENDAR_DAY = "met_day", "calendar_day"
HOURS_OF_A_DAY = 24


def meteorological_day(observed_at: Column) -> Column:
    """The date on which the meteorological day of an hour ends (20:00 to 20:00; session time zone
    Asia/Shanghai).
    """
    return F.to_date(observed_at + F.expr("INTERVAL '3:59:59.999999' HOUR TO SECOND"))


def calendar_day(observed_at: Column) -> Column:
    """The calendar date of an hour (00:00 to 24:00; session time zone Asia/Shanghai)."""
    return F.to_date(observed_at - F.expr("INTERVAL '0.000001' SECOND"))


def both_days(observed_at: Column) -> Column:
    """An array of (day_kind, day): an hour belongs to one day of each kind; explode it with `inline`."""
    met = F.struct(F.lit(MET_DAY).alias("day_kind"), meteorological_day(observed_at).alias("day"))
    calendar = F.struct(F.lit(CALENDAR_DAY).alias("day_kind"), calendar_day(observed_at).alias("day"))
    return F.array(met, calendar)
