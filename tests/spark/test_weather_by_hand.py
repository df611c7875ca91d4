"""Special codes, days and rain classes equal a table that was worked out by hand:
`tests/cases/weather/by_hand.csv`.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from citylake.compile.bronze import BRONZE_LINEAGE, bronze_columns
from citylake.compile.select import compile_contract
from citylake.contract.load import load_contracts
from citylake.core.codes import load_codes
from citylake.marts.weather.meteorological_day import calendar_day, meteorological_day
from citylake.marts.weather.rain_class import with_rain_class

ROOT = Path(__file__).resolve().parents[2]
with (ROOT / "tests" / "cases" / "weather" / "by_hand.csv").open(encoding="utf-8", newline="") as handle:
    CASES = list(csv.DictReader(handle))
# subject -> dataset, columns that are given, columns that are expected
COLUMNS = {
    "daily_rain": ("weather/climate_daily_rain", ["rain_20_20_mm"], ["rain_20_20_mm", "rain_20_20_kind"]),
    "daily_temperature": (
        "weather/climate_daily_temperature",
        ["temperature_mean_celsius"],
        ["temperature_mean_celsius"],
    ),
    "latitude": ("weather/climate_daily_rain", ["latitude"], ["latitude"]),
    "longitude": ("weather/climate_daily_rain", ["longitude"], ["longitude"]),
    "altitude": ("weather/climate_daily_rain", ["altitude_m"], ["altitude_m", "altitude_estimated"]),
    "isd_rain": ("weather/isd_lite", ["rain_1h_mm"], ["rain_1h_mm", "rain_1h_trace"]),
    "isd_hour": ("weather/isd_lite", ["year", "month", "day", "hour"], ["observed_at"]),
    "hourly_rain": ("weather/station_hourly", ["rain_mm"], ["rain_mm", "rain_trace"]),
}


def _of(subject: str) -> list[dict[str, str]]:
    return [c for c in CASES if c["subject"] == subject]


def _frame(spark: Any, rows: list[dict[str, Any]], ddl: str) -> Any:
    from pyspark.sql import functions as F

    texts = spark.createDataFrame([(json.dumps(r),) for r in rows], "j STRING")
    return texts.select(F.from_json("j", ddl).alias("r")).select("r.*")


def _answers(frame: Any, columns: list[str]) -> dict[str, str]:
    """Expected columns as the server's session (Beijing time) prints them, by number of the case."""
    from pyspark.sql import functions as F

    texts = [F.coalesce(F.col(c).cast("string"), F.lit("null")).alias(c) for c in columns]
    return {str(r[0]): ";".join(r[1:]) for r in frame.select("no", *texts).collect()}


def test_there_are_40_cases_and_each_is_tried() -> None:
    assert len(CASES) >= 40
    assert {c["subject"] for c in CASES} == {*COLUMNS, "met_day", "rain_class"}


@pytest.mark.parametrize("subject", sorted(COLUMNS))
def test_a_delivered_text_becomes_what_the_hand_says(spark: Any, subject: str) -> None:
    dataset, given, expected = COLUMNS[subject]
    compiled = compile_contract(load_contracts(ROOT)[dataset], ROOT)
    names = ["no", *BRONZE_LINEAGE, *bronze_columns(compiled.contract)]
    splitter = " " if subject == "isd_hour" else ";"
    rows = [
        dict(zip(given, c["given"].split(splitter), strict=True)) | {"no": c["no"], "_row_no": c["no"]}
        for c in _of(subject)
    ]
    bronze = _frame(spark, rows, ", ".join(f"{n} STRING" for n in names))
    bronze.createOrReplaceTempView("by_hand")
    judged = spark.sql(compiled.select.replace("{bronze}", "by_hand")).withColumnRenamed("_row_no", "no")
    assert _answers(judged, expected) == {c["no"]: c["expected"] for c in _of(subject)}


def test_an_hour_belongs_to_the_days_that_the_hand_says(spark: Any) -> None:
    from pyspark.sql import functions as F

    hours = _frame(
        spark, [{"no": c["no"], "at": c["given"]} for c in _of("met_day")], "no STRING, at STRING"
    ).withColumn("at", F.col("at").cast("timestamp"))
    days = hours.select(
        "no", meteorological_day(F.col("at")).alias("met"), calendar_day(F.col("at")).alias("calendar")
    )
    assert _answers(days, ["met", "calendar"]) == {c["no"]: c["expected"] for c in _of("met_day")}


def test_a_day_has_the_class_that_the_hand_says(spark: Any) -> None:
    rows = []
    for c in _of("rain_class"):
        amount, trace, day = c["given"].split(";")
        rows.append(
            {
                "no": c["no"],
                "rain_mm": None if amount == "null" else float(amount),
                "rain_trace": trace == "true",
                "day": day,
            }
        )
    days = _frame(spark, rows, "no STRING, rain_mm DECIMAL(7,2), rain_trace BOOLEAN, day DATE")
    codes = load_codes(ROOT, "rain_classes")
    classes = spark.createDataFrame(
        [tuple(r[c] or None for c in codes[0]) for r in codes], ", ".join(f"{c} STRING" for c in codes[0])
    )
    assert _answers(with_rain_class(days, classes), ["rain_class"]) == {
        c["no"]: c["expected"] for c in _of("rain_class")
    }
