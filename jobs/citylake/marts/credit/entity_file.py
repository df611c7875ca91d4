"""The credit file: one organisation on one day, its facts by class; never a score."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import REFERENCE_DAY
from citylake.marts.counting import count_sure
from citylake.marts.credit.as_of import NOW, as_of, holds

INPUTS = (
    "marts/credit/entity",
    "marts/credit/permit",
    "marts/credit/penalty",
    "marts/credit/list_entry",
    "marts/credit/tax_grade",
    "ledger/reference_day",
)
KEY, NOT_COUNTED = ("entity_id", "valid_on", "known_on"), ("last_penalty_on", "tax_grade", "tax_grade_year")
# What a register is expected to tell about an organisation; `fields_filled` counts how much of it is there.
EXPECTED = {
    "enterprise": (
        "uscc",
        "org_code",
        "registration_no",
        "industry_code",
        "registered_capital_10k",
        "established_on",
        "status_code",
        "division_code",
    ),
    "other": ("uscc", "org_code", "established_on", "status_code", "division_code"),
}


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The file of every organisation on the reference day, the last that registers, decisions and lists all
    cover, by all that is known now.
    """
    day = inputs[REFERENCE_DAY].select(
        F.col("reference_day").alias("valid_on"), F.to_date(F.lit(NOW)).alias("known_on")
    )
    return files(inputs, day).withColumn("as_of", F.col("valid_on"))


def files(tables: Mapping[str, DataFrame], days: DataFrame) -> DataFrame:
    """The files as they stood on `valid_on` as the lake knew them on `known_on`, for every such pair in
    `days`.
    """
    joined = _known(tables, days, "entity", ("valid_from", "valid_to"))
    for name, span, facts in FACTS:
        counted = (
            _known(tables, days, name, span).groupBy(*KEY).agg(*[c.alias(n) for n, c in facts().items()])
        )
        joined = joined.join(counted, list(KEY), "left")
    # A firm without decisions has 0 of them; what its register leaves empty stays empty.
    return joined.fillna(0, [n for *_, facts in FACTS for n in facts() if n not in NOT_COUNTED]).withColumns(
        _completeness()
    )


def _known(
    tables: Mapping[str, DataFrame], days: DataFrame, name: str, span: tuple[str, str | None]
) -> DataFrame:
    rows = tables[f"marts/credit/{name}"].crossJoin(F.broadcast(days))
    return as_of(rows, F.col("valid_on"), F.col("known_on"), span)


def _permits() -> dict[str, Column]:
    in_force = holds("in_force_from", "in_force_to", F.col("valid_on"))
    return {
        "permits_in_force": count_sure(in_force),
        "permits_not_normal": count_sure(F.col("state_code") != "0"),
    }


def _penalties() -> dict[str, Column]:
    visible = holds("visible_from", "visible_to", F.col("valid_on"))
    classes = {
        "warnings": ("0",),
        "fines": ("1",),
        "confiscations": ("2",),
        "suspensions": ("3", "4"),
        "others": ("5", "6"),
    }
    by_class = {
        f"visible_{n}": count_sure(visible & F.col("penalty_class").isin(*codes))
        for n, codes in classes.items()
    }
    return {
        "penalties": F.count(F.lit(1)),
        "penalties_visible": count_sure(visible),
        **by_class,
        "visible_fine_10k_cny": F.sum(F.when(visible, F.col("fine_10k_cny"))),
        "penalties_repaired": count_sure(F.coalesce(F.col("repaired_on") <= F.col("valid_on"), F.lit(False))),
        "last_penalty_on": F.max("decided_on"),
    }


def _lists() -> dict[str, Column]:
    return {f"on_{colour}": count_sure(F.col("colour") == colour) for colour in ("black", "abnormal", "red")}


def _grade() -> dict[str, Column]:
    latest = F.max_by("grade", F.struct("year", "taxpayer_no"))
    return {"tax_grade": latest, "tax_grade_year": F.max("year").cast("string")}


def _completeness() -> dict[str, Column]:
    def filled(fields: tuple[str, ...]) -> Column:
        return F.size(F.array_compact(F.array(*[F.col(f).cast("string") for f in fields])))

    firm, other = EXPECTED["enterprise"], EXPECTED["other"]
    is_firm = F.col("kind") == "enterprise"
    return {
        "fields_filled": F.when(is_firm, filled(firm)).otherwise(filled(other)),
        "fields_expected": F.when(is_firm, len(firm)).otherwise(len(other)),
    }


# What is counted for a file: the table, the days from which (and until which) a row of it counts, and its
# facts.
FACTS = (
    ("permit", ("decided_on", None), _permits),
    ("penalty", ("decided_on", None), _penalties),
    ("list_entry", ("listed_on", "removed_on"), _lists),
    ("tax_grade", ("published_on", None), _grade),
)
