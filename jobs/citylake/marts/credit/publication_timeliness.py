"""How many decisions of an authority and month reached the lake within seven working days (dual publicity rule)."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = (
    "market_regulation/legal_entity", "development_reform/admin_permit", "development_reform/admin_penalty", "codes/working_days",
)  # fmt: skip
WORKING_DAYS = 7


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Published = the first sending of the decision; days are working days after the decision (chinese calendar list)."""
    permits = _decisions(inputs["development_reform/admin_permit"], "permit")
    decisions = permits.unionByName(_decisions(inputs["development_reform/admin_penalty"], "penalty"))
    known = current(inputs["market_regulation/legal_entity"]).where("uscc IS NOT NULL").select(F.col("uscc").alias("_known")).distinct()
    judged = _delays(decisions, inputs["codes/working_days"]).join(known, F.col("counterpart_uscc") == F.col("_known"), "left")
    return judged.groupBy("decision_kind", "authority_name", "decided_month").agg(
        F.count(F.lit(1)).alias("decisions"),
        F.count_if(F.col("_days") <= WORKING_DAYS).alias("in_time"),
        F.count_if(F.col("_days").isNull()).alias("not_assessed"),
        F.count_if(F.col("_known").isNull()).alias("unmatched"),
        F.max("_days").alias("longest_working_days"),
    )


def _decisions(silver: DataFrame, kind: str) -> DataFrame:
    """One row per decision with the day it was first sent; later revisions do not make it late."""
    keys = ["authority_name", "document_no", "counterpart_name"]
    first = silver.groupBy(*keys).agg(F.min("_sent_at").alias("_first"))
    rows = current(silver).select(*keys, "counterpart_uscc", "decided_on").join(first, keys)
    published = F.to_date(F.substring("_first", 1, 10)).alias("published_on")
    month = F.trunc("decided_on", "month").alias("decided_month")
    return rows.select(F.lit(kind).alias("decision_kind"), "authority_name", "counterpart_uscc", "decided_on", published, month)


def _delays(decisions: DataFrame, working_days: DataFrame) -> DataFrame:
    """`_days`: working days after the decision up to the publication; NULL outside the calendar list."""
    days = working_days.select(F.to_date("code").alias("_day"), F.col("ordinal").cast("int").alias("_n"))
    decided = days.select(F.col("_day").alias("decided_on"), F.col("_n").alias("_from"))
    published = days.select(F.col("_day").alias("published_on"), F.col("_n").alias("_to"))
    joined = decisions.join(F.broadcast(decided), "decided_on", "left").join(F.broadcast(published), "published_on", "left")
    return joined.withColumn("_days", F.col("_to") - F.col("_from"))
