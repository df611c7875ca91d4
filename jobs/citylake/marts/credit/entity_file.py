"""One row per registered organisation with what the departments know about it (credit file; organisations only)."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("market_regulation/legal_entity", "development_reform/admin_permit", "development_reform/admin_penalty")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Join permits and penalties to organisations by credit code, else by registration number.

    Money in 10,000 CNY. Both keys are exact; a decision that matches neither stays out and is counted by
    `credit.publication_timeliness.unmatched`.
    """
    entities = current(inputs["market_regulation/legal_entity"])
    permits = _counts(_matched(current(inputs["development_reform/admin_permit"]), entities), _permit_counts())
    penalties = _counts(_matched(current(inputs["development_reform/admin_penalty"]), entities), _penalty_counts())
    joined = entities.join(permits, "registration_no", "left").join(penalties, "registration_no", "left")
    counts = ("permits", "permits_withdrawn", "penalties", "penalties_visible")
    return joined.select(
        "registration_no", "uscc", "name", "division_code", "industry_code", "status_code", "established_on",
        "registered_capital_10k", "capital_currency_code",
        *[F.coalesce(c, F.lit(0).cast("bigint")).alias(c) for c in counts],
        F.coalesce("fine_10k_cny", F.lit(0)).cast("decimal(20,6)").alias("fine_10k_cny"),
        "last_penalty_on",
    )  # fmt: skip


def _matched(decisions: DataFrame, entities: DataFrame) -> DataFrame:
    """Decisions with the registration number of their organisation."""
    by_code = entities.where("uscc IS NOT NULL").groupBy("uscc").agg(F.max("registration_no").alias("_by_code"))
    by_number = entities.select(F.col("registration_no").alias("_by_number"))
    joined = decisions.join(by_code, decisions["counterpart_uscc"] == by_code["uscc"], "left").join(
        by_number, decisions["counterpart_registration_no"] == by_number["_by_number"], "left"
    )
    return joined.withColumn("registration_no", F.coalesce("_by_code", "_by_number")).where("registration_no IS NOT NULL")


def _counts(decisions: DataFrame, counts: list[Column]) -> DataFrame:
    return decisions.groupBy("registration_no").agg(*counts)


def _permit_counts() -> list[Column]:
    withdrawn = F.coalesce(F.col("state_code"), F.lit("0")) == "1"
    return [F.count_if(~withdrawn).alias("permits"), F.count_if(withdrawn).alias("permits_withdrawn")]


def _penalty_counts() -> list[Column]:
    visible = F.coalesce(F.col("state_code"), F.lit("0")) == "0"
    return [
        F.count(F.lit(1)).alias("penalties"), F.count_if(visible).alias("penalties_visible"),
        F.sum("fine_10k_cny").alias("fine_10k_cny"), F.max("decided_on").alias("last_penalty_on"),
    ]  # fmt: skip
