"""How far the authorities publish their decisions within seven working days (dual publicity), and what they
never published.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import REFERENCE_DAY
from citylake.marts.counting import count_known, count_sure
from citylake.marts.credit.as_of import known
from citylake.marts.credit.decisions import with_ordinal

INPUTS = (
    "marts/credit/permit",
    "marts/credit/penalty",
    "market_regulation/licence",
    "quarantine/development_reform/admin_permit",
    "codes/working_days",
    "ledger/reference_day",
)
WORKING_DAYS = 7  # 双公示: on line within seven working days of the decision (domain.md 2.3.1)
GROUP = ("decision_kind", "authority_name", "decided_quarter")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per kind of decision, authority and quarter of the decision.

    `in_time_share` = in_time / (in_time + late), NULL where none was assessed. Of the licences without a
    permit those whose permit came but was refused are `in_quarantine`; the others are concealed once their
    seven working days are over on `reference_day`, the last day that permits and licences both cover, else
    pending: both unknown where the calendar list lacks a day that they need.
    """
    published = _published(inputs["marts/credit/permit"], "permit").unionByName(
        _published(inputs["marts/credit/penalty"], "penalty")
    )
    joined = published.join(_issued(inputs), list(GROUP), "full").crossJoin(
        F.broadcast(inputs[REFERENCE_DAY].agg(F.max("reference_day").alias("reference_day")))
    )
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
            count_known(F.col("delay_working_days") <= WORKING_DAYS).alias("in_time"),
            count_known(F.col("delay_working_days") > WORKING_DAYS).alias("late"),
            count_known(F.col("delay_working_days").isNull()).alias("not_assessed"),
            count_known(~F.col("matched")).alias("unmatched"),
            F.max("delay_working_days").alias("longest_working_days"),
        )
    )


def _issued(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Licences issued by authority and quarter, with those that no permit shows."""
    day = inputs[REFERENCE_DAY].agg(F.max("reference_day").alias("reference_day"))
    now = known(inputs["market_regulation/licence"]).where("known_to IS NULL").crossJoin(F.broadcast(day))
    days = inputs["codes/working_days"]
    dated = with_ordinal(with_ordinal(now, days, "issued_on"), days, "reference_day")
    hidden = F.col("_public").isNull() & F.col("_refused").isNull()
    over = F.col("reference_day_ordinal") - F.col("issued_on_ordinal") > WORKING_DAYS
    told = _beside_permits(dated, inputs).withColumn(
        "decided_quarter", F.to_date(F.trunc("issued_on", "quarter"))
    )
    return (
        told.withColumn("decision_kind", F.lit("permit"))
        .groupBy(*GROUP)
        .agg(
            F.count(F.lit(1)).alias("issued"),
            count_sure(F.col("_public").isNull() & F.col("_refused").isNotNull()).alias("in_quarantine"),
            count_sure(hidden & over).alias("concealed"),
            count_sure(hidden & ~over).alias("pending"),
        )
    )


def _beside_permits(licences: DataFrame, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Licences with `_public` where a permit was published and `_refused` where one came and was refused."""
    key = ["authority_name", "document_no"]
    public = inputs["marts/credit/permit"].select(*key, F.lit(True).alias("_public")).distinct()
    named = [F.get_json_object("record", f"$.{k}").alias(k) for k in key]
    refused = inputs["quarantine/development_reform/admin_permit"].select(
        *named, F.lit(True).alias("_refused")
    )
    return licences.join(public, key, "left").join(refused.distinct(), key, "left")
