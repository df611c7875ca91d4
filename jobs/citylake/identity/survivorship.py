"""Which of the values that sources give for one organisation counts, by what rule, and who disagrees."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.identity import names

FIELDS = ("name", "uscc", "org_code", "registration_no", "taxpayer_no", "division_code", "address")
LEAD, TRUSTED = "lead department of the field", "most trusted source with a value"


def values(linked: DataFrame, leads: DataFrame) -> DataFrame:
    """Every value that a source gives: entity_id, record_id, source, field, value, same (what is compared),
    rank (1 = winner), rule.

    `linked`: entity_record; `leads`: code (field) and source, the department that counts first for a field;
    after it the
    sources by trust, then the record known longest.
    """
    pairs = F.explode(
        F.map_filter(
            F.create_map(*[x for f in FIELDS for x in (F.lit(f), F.col(f))]), lambda k, v: v.isNotNull()
        )
    )
    long = linked.select(
        "entity_id", "record_id", "source", "trust", "first_known_on", pairs.alias("field", "value")
    )
    led = long.join(
        F.broadcast(leads.select(F.col("code").alias("field"), "source", F.lit(True).alias("_lead"))),
        ["field", "source"],
        "left",
    )
    order = Window.partitionBy("entity_id", "field").orderBy(
        F.col("_lead").desc_nulls_last(), "trust", "first_known_on", "record_id"
    )
    rule = F.when(F.col("_lead"), LEAD).otherwise(TRUSTED)
    return led.withColumns({"same": _compared(), "rank": F.row_number().over(order), "rule": rule}).drop(
        "_lead"
    )


def _compared() -> Column:
    """Names without place and form, else the value itself: two ways to write one name are no
    contradiction.
    """
    return F.when(F.col("field") == "name", F.expr(names.core(names.whole("value")))).otherwise(
        F.col("value")
    )


def chosen(found: DataFrame) -> DataFrame:
    """One row per organisation and field: entity_id, field, value, source, rule, sources (with a value),
    agreeing.
    """
    won = (
        Window.partitionBy("entity_id", "field")
        .orderBy("rank")
        .rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )
    beside = found.withColumn("_same", F.first("same").over(won))
    first = F.col("rank") == 1
    return beside.groupBy("entity_id", "field").agg(
        *[F.max(F.when(first, F.col(c))).alias(c) for c in ("value", "source", "rule")],
        F.count_distinct("source").alias("sources"),
        F.count_distinct(F.when(F.col("same") == F.col("_same"), F.col("source"))).alias("agreeing"),
    )


def contradictions(found: DataFrame) -> DataFrame:
    """One row per record that says something else than the winner: entity_id, field, record_id, source,
    value, winner_source, winner_value.
    """
    won = found.where("rank = 1").select(
        "entity_id", "field", F.struct("source", "value", "same").alias("_won")
    )
    beside = found.where("rank > 1").join(won, ["entity_id", "field"]).where("same <> _won.same")
    return beside.select(
        "entity_id",
        "field",
        "record_id",
        "source",
        "value",
        F.col("_won.source").alias("winner_source"),
        F.col("_won.value").alias("winner_value"),
    )
