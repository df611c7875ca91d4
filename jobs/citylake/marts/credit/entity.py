"""Organisations as their registers describe them: every version with the time for which it holds and the time
of knowing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from citylake.identity.records import SOURCES, source_key
from citylake.marts.credit.as_of import known
from citylake.marts.credit.decisions import REGISTERS

INPUTS = (
    "market_regulation/legal_entity",
    "public_sector_reform/institution",
    "civil_affairs/social_organisation",
    "quality_supervision/organisation_code",
    "state_taxation/taxpayer",
    "local_taxation/taxpayer",
    "marts/credit/entity_record",
    "codes/industry_divisions",
)
KINDS = {
    "market_regulation/legal_entity": "enterprise",
    "public_sector_reform/institution": "institution",
    "civil_affairs/social_organisation": "social_organisation",
}
FIELDS = {
    "name": "string",
    "uscc": "string",
    "org_code": "string",
    "registration_no": "string",
    "certificate_no": "string",
    "taxpayer_no": "string",
    "enterprise_type_code": "string",
    "registration_type_code": "string",
    "industry_code": "string",
    "division_code": "string",
    "status_code": "string",
    "registered_capital_10k": "decimal(18,6)",
    "capital_currency_code": "string",
    "established_on": "date",
    "former_name": "string",
}


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per organisation and version of its leading register, the most trusted that knows it.

    Codes are those that the register gives; all others stand in `credit.entity_identifier`. The edition of an
    industry code is
    the one in force when the version begins (GB/T 4754); the section follows from edition and code.
    """
    versions = reduce(
        DataFrame.unionByName, [_of_register(known(inputs[r]), r) for r in REGISTERS if r in inputs]
    )
    led = versions.join(_leading(inputs["marts/credit/entity_record"]), ["source", "source_key"])
    return _with_section(_with_former_names(led), inputs["codes/industry_divisions"])


def _leading(records: DataFrame) -> DataFrame:
    """The one register record of an organisation whose versions count: by trust, then the one known
    longest.
    """
    first = F.min_by(F.struct("source", "source_key"), F.struct("trust", "first_known_on", "record_id"))
    led = records.where(F.col("source").isin(*REGISTERS)).groupBy("entity_id").agg(first.alias("_lead"))
    return led.select("entity_id", "_lead.source", "_lead.source_key")


def _of_register(silver: DataFrame, dataset: str) -> DataFrame:
    key = source_key(next(s for s in SOURCES if s.dataset == dataset))
    fields = [(F.col(f) if f in silver.columns else F.lit(None)).cast(t).alias(f) for f, t in FIELDS.items()]
    return silver.select(
        *fields,
        key.alias("source_key"),
        F.lit(dataset).alias("source"),
        F.lit(KINDS.get(dataset, "other")).alias("kind"),
        F.col("_valid_from").alias("valid_from"),
        F.col("_valid_to").alias("valid_to"),
        "known_from",
        "known_to",
    )


def _with_former_names(versions: DataFrame) -> DataFrame:
    """`former_names`: what the register states and what earlier versions bore, as known when the version
    became known.
    """
    before = (
        Window.partitionBy("entity_id")
        .orderBy("known_from", "valid_from")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    stated = F.split(F.coalesce("former_name", F.lit("")), "[；;]")
    borne = F.concat(F.collect_set("name").over(before), F.flatten(F.collect_set(stated).over(before)))
    former = F.array_sort(F.array_distinct(F.filter(borne, lambda n: (n != F.col("name")) & (n != ""))))
    return versions.withColumn("former_names", F.nullif(F.array_join(former, "；"), F.lit("")))


def _with_section(versions: DataFrame, divisions: DataFrame) -> DataFrame:
    """`industry_edition` and `industry_section` by the first two digits and the first day of the version."""
    listed = divisions.select(
        F.col("division").alias("_division"),
        F.col("edition").alias("industry_edition"),
        F.col("section").alias("industry_section"),
        F.to_date("valid_from").alias("_from"),
        F.to_date("valid_to").alias("_to"),
    )
    in_force = (F.col("valid_from") >= F.col("_from")) & (
        F.col("_to").isNull() | (F.col("valid_from") <= F.col("_to"))
    )
    return versions.join(
        F.broadcast(listed), (F.substring("industry_code", 1, 2) == F.col("_division")) & in_force, "left"
    )
