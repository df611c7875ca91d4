"""Spells on lists: abnormal operation, serious violations, defied judgments, and the red list of A-grade
taxpayers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.credit.as_of import beside, known
from citylake.marts.credit.decisions import with_entity

INPUTS = (
    "market_regulation/list_entry",
    "court/dishonest_organisation",
    "state_taxation/tax_grade",
    "marts/credit/entity_record",
    "codes/credit_lists",
)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per spell and version known: from `listed_on` until the day before `removed_on` (NULL = still
    listed).
    """
    spells = {
        "market_regulation/list_entry": known(inputs["market_regulation/list_entry"]),
        "court/dishonest_organisation": _court(known(inputs["court/dishonest_organisation"])),
        "state_taxation/tax_grade": _a_grades(known(inputs["state_taxation/tax_grade"])),
    }
    records = inputs["marts/credit/entity_record"]
    found = [_shape(with_entity(rows, records, dataset), dataset) for dataset, rows in spells.items()]
    lists = inputs["codes/credit_lists"].select(F.col("code").alias("list_code"), "colour")
    return reduce(DataFrame.unionByName, found).join(F.broadcast(lists), "list_code")


def _shape(rows: DataFrame, dataset: str) -> DataFrame:
    return rows.select(
        "list_code",
        "entry_no",
        "entity_id",
        "matched",
        "name",
        "reason",
        "authority_name",
        "listed_on",
        "removed_on",
        "removal_reason",
        F.lit(dataset).alias("source"),
        "known_from",
        "known_to",
    )


def _court(cases: DataFrame) -> DataFrame:
    return cases.withColumns(
        _named(
            "dishonest",
            F.col("case_no"),
            F.coalesce("performance", F.lit("未说明")),
            "court_name",
            "published_on",
        )
    ).withColumn("removal_reason", F.when(F.col("removed_on").isNotNull(), "屏蔽"))


def _a_grades(grades: DataFrame) -> DataFrame:
    """The red list of a year ends on the day on which the grade of the next year is published."""
    following = grades.select(
        (F.col("year") - 1).alias("year"), "taxpayer_no", "published_on", "known_from", "known_to"
    )
    listed = beside(grades.where("grade = 'A'"), following, ["year", "taxpayer_no"])
    number = F.concat_ws("/", F.col("year").cast("string"), "taxpayer_no")
    named = _named(
        "tax_a",
        number,
        F.concat(F.col("year").cast("string"), F.lit("年度A级")),
        "authority_name",
        "published_on",
    )
    ended = F.when(F.col("other.published_on").isNotNull(), "下一年度评价公布")
    return listed.withColumns({**named, "removed_on": F.col("other.published_on"), "removal_reason": ended})


def _named(code: str, number: Column, reason: Column, authority: str, listed: str) -> dict[str, Column]:
    return {
        "list_code": F.lit(code),
        "entry_no": number,
        "reason": reason,
        "authority_name": F.col(authority),
        "listed_on": F.col(listed),
    }
