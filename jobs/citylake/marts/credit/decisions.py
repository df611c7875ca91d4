"""What permits, penalties and entries on lists share: whose they are, when they were published, what is about
a person.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.identity.records import ABOUT_ORGANISATIONS, IDENTIFIERS, SOURCES, source_key

REGISTERS = tuple(s.dataset for s in SOURCES if s.key)
KEYS = ("authority_name", "document_no", "counterpart_name")
NORMAL = "coalesce(state_code, '0') = '0'"  # a blank state is normal (dual publicity layouts)


def of_organisations(decisions: DataFrame) -> DataFrame:
    """Without decisions about natural persons: those are no subjects of credit here."""
    return decisions.where(ABOUT_ORGANISATIONS)


def with_entity(rows: DataFrame, records: DataFrame, dataset: str) -> DataFrame:
    """Rows with `entity_id`, `matched` (a register knows the organisation) and `identifier_kind` (the first
    that the row gives).

    `records`: entity_record; `rows`: silver of `dataset`.
    """
    source = next(s for s in SOURCES if s.dataset == dataset)
    registered = records.groupBy("entity_id").agg(F.max(F.col("source").isin(*REGISTERS)).alias("matched"))
    of = (
        records.where(F.col("source") == dataset)
        .select(F.col("source_key").alias("_key"), "entity_id")
        .join(registered, "entity_id")
    )
    kind = F.coalesce(
        *[F.when(F.expr(source.fields.get(i, "NULL")).isNotNull(), i) for i in IDENTIFIERS], F.lit("name")
    )
    return (
        rows.withColumns({"_key": source_key(source), "identifier_kind": kind}).join(of, "_key").drop("_key")
    )


def with_publication(
    decisions: DataFrame, deliveries: DataFrame, dataset: str, working_days: DataFrame
) -> DataFrame:
    """Rows with `published_on`, the last day of the period of the first delivery that lists the decision, and
    `delay_working_days` after the decision (NULL outside the calendar list, and where a list is older than
    its decision).

    The period is what the list says of itself; the clocks of the office and of the lake say nothing here.
    Later revisions do not make a decision late.
    """
    periods = deliveries.where(F.col("dataset") == dataset).select(
        F.col("receipt").alias("_receipt"), F.col("period_to").alias("_listed_on")
    )
    listed = decisions.join(F.broadcast(periods), "_receipt", "left")
    first = listed.groupBy(*KEYS).agg(F.min("_listed_on").alias("published_on"))
    dated = with_ordinal(
        with_ordinal(decisions.join(first, list(KEYS)), working_days, "decided_on"),
        working_days,
        "published_on",
    )
    delay = F.col("published_on_ordinal") - F.col("decided_on_ordinal")
    sound = F.when(F.col("published_on") >= F.col("decided_on"), delay)
    return dated.withColumn("delay_working_days", sound).drop("published_on_ordinal", "decided_on_ordinal")


def with_ordinal(frame: DataFrame, working_days: DataFrame, day: str) -> DataFrame:
    """`<day>_ordinal`: the number of working days up to a day, by the calendar list; their difference is a
    delay.
    """
    listed = working_days.select(
        F.to_date("code").alias(day), F.col("ordinal").cast("int").alias(f"{day}_ordinal")
    )
    return frame.join(F.broadcast(listed), day, "left")
