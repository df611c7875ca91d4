"""How many firms of a division share a legal representative with a black-listed firm: numbers of firms, no
person and no firm named.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.marts.history import current

INPUTS = ("market_regulation/legal_entity", "marts/credit/entity_record", "marts/credit/list_entry")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per division: firms now registered, and those that share a representative's token with another
    firm now on a black list.
    """
    records = inputs["marts/credit/entity_record"].where("source = 'market_regulation/legal_entity'")
    firms = current(inputs["market_regulation/legal_entity"]).select(
        "division_code", "representative", F.col("registration_no").alias("source_key")
    )
    firms = firms.join(records.select("source_key", "entity_id"), "source_key")
    listed = (
        inputs["marts/credit/list_entry"]
        .where("colour = 'black' AND known_to IS NULL AND removed_on IS NULL")
        .select("entity_id")
        .distinct()
    )
    black = (
        firms.join(listed, "entity_id")
        .groupBy("representative")
        .agg(F.collect_set("entity_id").alias("_listed"))
    )
    others = F.size(F.array_except("_listed", F.array("entity_id"))) > 0
    return (
        firms.join(black, "representative", "left")
        .groupBy("division_code")
        .agg(
            F.count_distinct("entity_id").alias("firms"),
            F.count_distinct(F.when(others, F.col("entity_id"))).alias("firms_sharing"),
        )
    )
