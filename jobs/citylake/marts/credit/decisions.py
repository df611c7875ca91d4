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


def with_publication(decisions: DataFrame, working_days: DataFrame) -> DataFrame:
    """Rows with `published_on`, the day of the first sending, and `delay_working_days` after the decision
    (NULL outside the calendar list).

    Later revisions do not make a decision late.
    """
    first = decisions.groupBy(*KEYS).agg(
        F.to_date(F.substring(F.min("_sent_at"), 1, 10)).alias("published_on")
    )
    dated = with_ordinal(
        with_ordinal(decisions.join(first, list(KEYS)), working_days, "decided_on"),
        working_days,
        "published_on",
    )
    delay = F.col("published_on_ordinal") - F.col("decided_on_ordinal")
    return dated.withColumn("delay_working_days", delay).drop("published_on_ordinal", "decided_on_ordinal")


def with_ordinal(frame: DataFrame, working_days: DataFrame, day: str) -> DataFrame:
    """`<day>_ordinal`: the number of working days up to a day, by the calendar list; their difference is a
    delay.
    """
    listed = working_days.select(
        F.to_date("code").alias(day), F.col("ordinal").cast("int").alias(f"{day}_ordinal")
    )
    return frame.join(F.broadcast(listed), day, "left")
