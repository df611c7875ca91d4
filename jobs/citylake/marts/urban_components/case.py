"""One row per case about a component: its asset and owner, stages, deadline, clocks in office hours, and the
rain before its report.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import DELIVERIES
from citylake.marts.history import current
from citylake.marts.told import with_told_until
from citylake.marts.urban_components.places import grid_of
from citylake.marts.urban_components.rain import HOURS, nearest_station, rain_before
from citylake.marts.weather.hours import usable_hours
from citylake.marts.weather.meteorological_day import meteorological_day

INPUTS = (
    "construction/component_case",
    "marts/urban_components/asset",
    "construction/grid",
    "weather/station_hourly",
    "codes/working_days",
    "codes/office_hours",
    "codes/case_limits",
    "ledger/deliveries",
)
STAGES = (
    ("上报", "reported_at"),
    ("立案", "filed_at"),
    ("派遣", "dispatched_at"),
    ("处置", "handled_at"),
    ("核查", "verified_at"),
    ("结案", "closed_at"),
)
UNKNOWN_DIVISION = "210100"  # the city as a whole: neither an asset nor a grid tells the district


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Times are Beijing time. `known_until` is the end of the last day until which the deliveries after the
    one that told the case are in without a gap: an open case is overdue once its deadline is before that.

    The division is that of the asset now, else that of the grid that holds the point. Office hours count on
    working days only.
    """
    cases = _located(
        with_told_until(
            current(inputs["construction/component_case"]), inputs[DELIVERIES], "construction/component_case"
        ),
        inputs["marts/urban_components/asset"],
        current(inputs["construction/grid"]),
    )
    weather = current(inputs["weather/station_hourly"])
    stationed = cases.join(
        nearest_station(cases, weather, "case_id", F.col("reported_at")), "case_id", "left"
    )
    wet = stationed.join(
        rain_before(stationed, usable_hours(inputs["weather/station_hourly"]), "case_id"), "case_id", "left"
    )
    timed = _clocked(wet, inputs["codes/working_days"], inputs["codes/office_hours"])
    known = timed.withColumn("known_until", F.date_add("told_until", 1).cast("timestamp"))
    return _limits(known, inputs["codes/case_limits"]).select(*_columns())


def _columns() -> list[str | Column]:
    closed = F.col("closed_at").isNotNull()
    return [
        "case_id",
        "object_id",
        "event_class",
        "class_code",
        "division_code",
        F.col("found_grid").alias("grid_code"),
        "longitude",
        "latitude",
        "source_kind",
        "owner_name",
        F.coalesce("unowned", F.col("object_id").isNull()).alias("unowned"),
        (F.col("object_id").isNotNull() & F.col("unowned").isNull()).alias("unmatched"),
        "known_until",
        meteorological_day(F.col("reported_at")).alias("met_day"),
        *[at for _, at in STAGES],
        "deadline_at",
        _stage().alias("stage"),
        (F.coalesce("closed_at", "known_until") > F.col("deadline_at")).alias("overdue"),
        (F.col("handled_times") > 1).alias("handled_again"),
        (F.col("closed_times") > F.when(closed, 1).otherwise(0)).alias("reopened"),
        "filing_working_hours",
        "closing_working_hours",
        "limit_working_hours",
        (F.col("closing_working_hours") > F.col("limit_working_hours")).alias("over_limit"),
        "station_code",
        *[f"rain_{h}h_mm" for h in HOURS],
        "rain_peak_at",
        "rain_peak_mm",
    ]


def _stage() -> Column:
    """The last stage that a case has reached; of equal times the later one in the order of stages."""
    reached = F.array(
        *[
            F.struct(F.col(at).alias("at"), F.lit(i).alias("seq"), F.lit(name).alias("name"))
            for i, (name, at) in enumerate(STAGES)
        ]
    )
    return F.array_max(F.filter(reached, lambda s: s["at"].isNotNull()))["name"]


def _located(cases: DataFrame, assets: DataFrame, grids: DataFrame) -> DataFrame:
    """Cases with the owner and class of their asset and the division and grid of their place."""
    of_asset = assets.select("object_id", "class_code", "owner_name", "unowned", "division_now")
    found = cases.join(of_asset, "object_id", "left").join(
        grid_of(cases, grids, "case_id"), "case_id", "left"
    )
    return found.withColumn(
        "division_code", F.coalesce("division_now", "found_division", F.lit(UNKNOWN_DIVISION))
    )


def _clocked(cases: DataFrame, working_days: DataFrame, office_hours: DataFrame) -> DataFrame:
    """Adds the office hours from the report to the filing and to the closing; NULL outside the calendar
    list.
    """
    clock = _clock(working_days, office_hours)
    for at in ("reported_at", "filed_at", "closed_at"):
        days = clock.withColumnsRenamed(
            {
                "_day": f"_day_{at}",
                "_before": f"_before_{at}",
                "_opens": f"_opens_{at}",
                "_length": f"_length_{at}",
            }
        )
        cases = cases.join(F.broadcast(days), F.to_date(at) == F.col(f"_day_{at}"), "left").withColumn(
            f"_worked_{at}", _worked(at)
        )
    spent = {
        f"{n}_working_hours": (
            ((F.col(f"_worked_{at}") - F.col("_worked_reported_at")) / 60).cast("decimal(9,2)")
        )
        for n, at in (("filing", "filed_at"), ("closing", "closed_at"))
    }
    return cases.withColumns(spent)


def _clock(working_days: DataFrame, office_hours: DataFrame) -> DataFrame:
    """Per day: the office minutes of the list before it, when the office opens, and how many minutes it is
    open (0 on days off).
    """
    hours = office_hours.where("code = 'urban_management'")
    valid = F.to_date("code").between(
        F.coalesce(F.to_date("_from"), F.to_date("code")), F.coalesce(F.to_date("_to"), F.to_date("code"))
    )
    opened = F.broadcast(
        hours.select(
            F.col("valid_from").alias("_from"),
            F.col("valid_to").alias("_to"),
            F.col("opens_minute").cast("int").alias("_opens"),
            F.col("closes_minute").cast("int").alias("_closes"),
        )
    )
    works = (F.col("label_en") == "working day").cast("int")
    length = F.col("_closes") - F.col("_opens")
    return working_days.join(opened, valid).select(
        F.to_date("code").alias("_day"),
        ((F.col("ordinal").cast("int") - works) * length).alias("_before"),
        "_opens",
        (works * length).alias("_length"),
    )


def _worked(at: str) -> Column:
    """Office minutes of the calendar list up to a moment."""
    minute = F.hour(at) * 60 + F.minute(at) + F.second(at) / 60
    return F.col(f"_before_{at}") + F.greatest(
        F.lit(0), F.least(minute - F.col(f"_opens_{at}"), F.col(f"_length_{at}"))
    )


def _limits(cases: DataFrame, limits: DataFrame) -> DataFrame:
    """Adds the office hours that a class of event may take, as in force on the day of the report."""
    rows = limits.select(
        F.col("code").alias("_class"),
        F.col("limit_working_hours").cast("decimal(9,2)").alias("limit_working_hours"),
        F.to_date("valid_from").alias("_from"),
        F.to_date("valid_to").alias("_to"),
    )
    day = F.to_date("reported_at")
    valid = (F.col("event_class") == F.col("_class")) & day.between(
        F.coalesce("_from", day), F.coalesce("_to", day)
    )
    return cases.join(F.broadcast(rows), valid, "left")
