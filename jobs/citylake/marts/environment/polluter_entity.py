"""Pollution sources and the organisations that run them: the register of the bureau joined to the
legal-entity backbone.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.counting import count_sure
from citylake.marts.history import current

INPUTS = (
    "environment/polluter",
    "environment/emission_packet",
    "marts/credit/entity_identifier",
    "marts/credit/entity_record",
)
WAYS = (
    "uscc",
    "org_code",
    "name",
)  # in this order; characters 9 to 17 of the credit code are the organisation code


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per pollution source of the current register, with what its monitor sent.

    The first way that finds anything decides: one organisation is the link, several are `ambiguous` and link
    nothing.
    """
    sources = current(inputs["environment/polluter"]).withColumn("org_code", F.substring("uscc", 9, 9))
    identifiers, records = inputs["marts/credit/entity_identifier"], inputs["marts/credit/entity_record"]
    found = sources
    for way in WAYS[:2]:
        found = found.join(_owners(identifiers.where(F.col("id_type") == way), "id_value", way), way, "left")
    found = found.join(_owners(records, "name", "name"), "name", "left").join(
        _packets(current(inputs["environment/emission_packet"])), "monitor_no", "left"
    )
    link = F.coalesce(*[F.col(f"by_{w}") for w in WAYS])
    return found.select(
        "polluter_code",
        "name",
        "uscc",
        "division_code",
        "control_level",
        link["entity_id"].alias("entity_id"),
        F.coalesce(link["method"], F.lit("none")).alias("method"),
        *[F.coalesce(c, F.lit(0)).alias(c) for c in ("packets_sound", "packets_flagged")],
    )


def _owners(known: DataFrame, key: str, way: str) -> DataFrame:
    """Per identifier or name the organisation that alone bears it."""
    alone = F.count_distinct("entity_id") == 1
    link = F.struct(
        F.when(alone, F.min("entity_id")).alias("entity_id"),
        F.when(alone, way).otherwise("ambiguous").alias("method"),
    )
    return known.groupBy(F.col(key).alias(way)).agg(link.alias(f"by_{way}"))


def _packets(packets: DataFrame) -> DataFrame:
    """Values per monitor, and how many of all were sent with a flag that says they are no measurement."""
    flagged = F.coalesce(F.col("device_flag") != "N", F.lit(False))
    return packets.groupBy("monitor_no").agg(
        count_sure(~flagged).alias("packets_sound"), count_sure(flagged).alias("packets_flagged")
    )
