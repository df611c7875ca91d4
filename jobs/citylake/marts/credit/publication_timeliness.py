"""How far the authorities publish their decisions within seven working days (dual publicity), and what they
never published.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.credit.as_of import known
from citylake.marts.credit.decisions import with_ordinal

INPUTS = ("marts/credit/permit", "marts/credit/penalty", "market_regulation/licence", "codes/working_days")
WORKING_DAYS = 7  # 双公示: on line within seven working days of the decision (domain.md 2.3.1)
GROUP = ("decision_kind", "authority_name", "decided_quarter")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per kind of decision, authority and quarter of the decision.

    `in_time_share` = in_time / (in_time + late), NULL where none was assessed. Concealed: in the licence
    source, never
    published as a permit, and its seven working days are over on the last day on which the lake learned of
    permits or licences.
    """
    published = _published(inputs["marts/credit/permit"], "permit").unionByName(
        _published(inputs["marts/credit/penalty"], "penalty")
    )
    joined = published.join(_issued(inputs), list(GROUP), "full")
    assessed = F.col("in_time") + F.col("late")
    share = F.col("in_time").cast("decimal(12,0)") / F.nullif(assessed, F.lit(0)).cast("decimal(12,0)")
    return joined.fillna(0, ["decisions", "in_time", "late", "not_assessed", "unmatched"]).withColumn(
        "in_time_share", share
    )


def _published(decisions: DataFrame, kind: str) -> DataFrame:
    now = decisions.where("known_to IS NULL").withColumn(
        "decided_quarter", F.to_date(F.trunc("decided_on", "quarter"))
    )
    return (
        now.withColumn("decision_kind", F.lit(kind))
        .groupBy(*GROUP)
        .agg(
            F.count(F.lit(1)).alias("decisions"),
            F.count_if(F.col("delay_working_days") <= WORKING_DAYS).alias("in_time"),
            F.count_if(F.col("delay_working_days") > WORKING_DAYS).alias("late"),
            F.count_if(F.col("delay_working_days").isNull()).alias("not_assessed"),
            F.count_if(~F.col("matched")).alias("unmatched"),
            F.max("delay_working_days").alias("longest_working_days"),
        )
    )


def _issued(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Licences issued by authority and quarter, with those never published and those whose time is not
    over.
    """
    licences, permits = known(inputs["market_regulation/licence"]), inputs["marts/credit/permit"]
    days = (
        licences.select("known_from")
        .unionByName(permits.select("known_from"))
        .agg(F.to_date(F.max("known_from")).alias("reference_day"))
    )
    now = licences.where("known_to IS NULL").crossJoin(F.broadcast(days))
    dated = with_ordinal(
        with_ordinal(now, inputs["codes/working_days"], "issued_on"),
        inputs["codes/working_days"],
        "reference_day",
    )
    public = permits.select("authority_name", "document_no", F.lit(True).alias("_public")).distinct()
    hidden = F.col("_public").isNull()
    over = F.col("reference_day_ordinal") - F.col("issued_on_ordinal") > WORKING_DAYS
    told = dated.join(public, ["authority_name", "document_no"], "left").withColumn(
        "decided_quarter", F.to_date(F.trunc("issued_on", "quarter"))
    )
    return (
        told.withColumn("decision_kind", F.lit("permit"))
        .groupBy(*GROUP)
        .agg(
            F.count(F.lit(1)).alias("issued"),
            F.count_if(hidden & over).alias("concealed"),
            F.count_if(hidden & ~over).alias("pending"),
        )
    )
