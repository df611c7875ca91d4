"""Every identifier by which an organisation is known: what leads an analyst from any old code to the one
id.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.identity.records import IDENTIFIERS

INPUTS = ("marts/credit/entity_record",)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per organisation, kind and identifier, with the source that knew it first."""
    pairs = F.explode(
        F.map_filter(
            F.create_map(*[x for i in IDENTIFIERS for x in (F.lit(i), F.col(i))]), lambda k, v: v.isNotNull()
        )
    )
    long = inputs["marts/credit/entity_record"].select(
        "entity_id", "source", "trust", "first_known_on", pairs.alias("id_type", "id_value")
    )
    first = F.min(F.struct("first_known_on", "trust", "source"))
    return long.groupBy("entity_id", "id_type", "id_value").agg(
        F.count_distinct("source").alias("sources"),
        first["source"].alias("source"),
        F.min("first_known_on").alias("first_known_on"),
    )
