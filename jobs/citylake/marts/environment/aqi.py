"""The air quality index by the edition in force on the day (HJ 633-2012, HJ 633-2026): shared by the tables
of this mart.

All numbers stand in `codes/aqi_breakpoints`; nothing here knows a limit. An open upper end (`bp_hi` empty) is
what the
edition says above its table: 500, a cap, or no grade at all.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ITEMS = {
    "PM2.5": "pm25",
    "PM10": "pm10",
    "SO2": "so2",
    "NO2": "no2",
    "CO": "co",
    "O3": "o3",
}  # in the order of HJ 633
MEANS = {
    "PM2.5": "pm25_ugm3",
    "PM10": "pm10_ugm3",
    "SO2": "so2_ugm3",
    "NO2": "no2_ugm3",
    "CO": "co_mgm3",
    "O3": "o3_8h_ugm3",
}
_NO_PRIMARY = 50  # HJ 633: up to this AQI a day has no primary pollutant


def valid_on(day: str) -> str:
    """SQL: a row of a code list (`valid_from`, `valid_to`, both inclusive, empty = open) holds on that
    day.
    """
    return (
        f"{day} BETWEEN coalesce(CAST(valid_from AS DATE), DATE'1900-01-01') AND coalesce(CAST(valid_to AS"
        " DATE), DATE'9999-12-31')"
    )


def tables(breakpoints: DataFrame) -> DataFrame:
    """One row per edition, item and averaging time, with `bands`: the breakpoints from below as an array."""
    band = F.expr(
        "struct(CAST(bp_lo AS BIGINT) AS lo, CAST(bp_hi AS BIGINT) AS hi, CAST(iaqi_lo AS BIGINT) AS iaqi_lo,"
        " CAST(iaqi_hi AS BIGINT) AS iaqi_hi)"
    )
    keys = ("edition", "item_code", "averaging", "valid_from", "valid_to")
    return breakpoints.groupBy(*keys).agg(F.array_sort(F.collect_list(band)).alias("bands"))


def iaqi(value: str, bands: str = "bands") -> Column:
    """The individual index of a concentration (SQL name, at most three decimals), rounded up, in whole
    numbers throughout.

    IAQI = ceil((iaqi_hi - iaqi_lo) * (c - lo) / (hi - lo)) + iaqi_lo; floating point would lift exact whole
    numbers by one.
    """
    inside = f"filter({bands}, b -> {value} >= b.lo AND ({value} <= b.hi OR b.hi IS NULL))"
    above = f"CAST(({value} - b.lo) * 1000 AS BIGINT) * (b.iaqi_hi - b.iaqi_lo)"
    width = "((b.hi - b.lo) * 1000)"
    index = f"b.iaqi_lo + CASE WHEN b.hi IS NULL THEN 0 ELSE ({above} + {width} - 1) div {width} END"
    return F.expr(f"get(transform({inside}, b -> {index}), 0)")


def graded(means: DataFrame, breakpoints: DataFrame) -> DataFrame:
    """Rows (item_code, averaging, day, mean and more) with `edition` and `iaqi` by the edition in force on
    the day.
    """
    listed = F.broadcast(tables(breakpoints))
    return (
        means.join(listed, ["item_code", "averaging"])
        .where(valid_on("day"))
        .withColumn("iaqi", iaqi("mean"))
        .drop("bands", "valid_from", "valid_to")
    )


def summary() -> list[Column]:
    """Aggregates over the graded items of one place and day: edition, aqi, graded_items, primary_items and
    one mean and IAQI per item.
    """
    most = "max(iaqi)"
    at_most = f"filter(collect_list(struct(item_code, iaqi)), x -> x.iaqi = {most})"
    order = ", ".join(f"'{i}'" for i in ITEMS)
    primary = f"array_join(filter(array({order}), i -> exists({at_most}, x -> x.item_code = i)), ',')"
    each = [
        F.max(F.when(F.col("item_code") == i, F.col(c))).alias(n)
        for i, p in ITEMS.items()
        for c, n in (("mean", MEANS[i]), ("iaqi", f"{p}_iaqi"))
    ]
    return [
        F.max("edition").alias("edition"),
        F.max("iaqi").alias("aqi"),
        F.count("iaqi").alias("graded_items"),
        F.expr(f"CASE WHEN {most} > {_NO_PRIMARY} THEN {primary} END").alias("primary_items"),
        *each,
    ]


def with_level(days: DataFrame, classes: DataFrame) -> DataFrame:
    """Days with `aqi_level`, the class of their AQI valid on the day."""
    listed = F.broadcast(
        classes.select("aqi_lo", "aqi_hi", "valid_from", "valid_to", F.col("code").alias("aqi_level"))
    )
    near = days.join(
        listed,
        F.expr(f"aqi BETWEEN CAST(aqi_lo AS BIGINT) AND CAST(aqi_hi AS BIGINT) AND {valid_on('day')}"),
        "left",
    )
    return near.drop("aqi_lo", "aqi_hi", "valid_from", "valid_to")


def rounded(mean: Column, decimals: Column) -> Column:
    """A mean at the decimals of its item, halves to the even digit (GB/T 8170-2008)."""
    return F.when(decimals == "1", F.bround(mean, 1)).otherwise(F.bround(mean, 0)).cast("decimal(9,3)")


def rules(listed: DataFrame) -> DataFrame:
    """`codes/air_rules` as one row with `rules`, an array to be joined to every row; see `rule`."""
    since, until = (
        F.expr("coalesce(CAST(valid_from AS DATE), DATE'1900-01-01')"),
        F.expr("coalesce(CAST(valid_to AS DATE), DATE'9999-12-31')"),
    )
    return listed.agg(
        F.collect_list(
            F.struct(
                "code",
                F.col("value").cast("double").alias("value"),
                since.alias("since"),
                until.alias("until"),
            )
        ).alias("rules")
    )


def rule(code: str, day: str) -> str:
    """SQL: the value of a rule on a day, over the column `rules`."""
    return f"get(filter(rules, r -> r.code = '{code}' AND {day} BETWEEN r.since AND r.until), 0).value"
