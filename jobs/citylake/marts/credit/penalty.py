"""Penalties of organisations, every version that the lake knew, with the days on which the public sees
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import DELIVERIES
from citylake.marts.credit.amounts import fine_10k_cny
from citylake.marts.credit.as_of import beside, known
from citylake.marts.credit.decisions import NORMAL, of_organisations, with_entity, with_publication

INPUTS = (
    "development_reform/admin_penalty",
    "development_reform/credit_repair",
    "marts/credit/entity_record",
    "codes/working_days",
    "codes/penalty_classes",
    "codes/publicity_terms",
    "ledger/deliveries",
)
DATASET = "development_reform/admin_penalty"
_REPAIR_FITS = "v.counterpart_uscc IS NULL OR v.counterpart_uscc <=> counterpart_uscc"


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per decision, counterpart and version known; a repair that becomes known makes a version of its
    own.

    Visible from `visible_from` until the day before `visible_to`: state normal, from the decision to the end
    of publicity
    (its last day), until the day of a repair. Amounts in 10,000 CNY: as stated (layout of 2018) or as found
    in the text of
    the result (layout of 2016). Terms by severity and the day of the decision, from `codes/publicity_terms`.
    """
    rows = with_publication(
        of_organisations(known(inputs[DATASET])), inputs[DELIVERIES], DATASET, inputs["codes/working_days"]
    )
    matched = with_entity(rows, inputs["marts/credit/entity_record"], DATASET)
    repairs = known(inputs["development_reform/credit_repair"])
    repairs = repairs.select(
        "authority_name",
        "document_no",
        "counterpart_uscc",
        "severity",
        "repaired_on",
        "known_from",
        "known_to",
    )
    repaired = beside(matched, repairs, ["authority_name", "document_no"], _REPAIR_FITS)
    return _visible(
        _with_terms(
            _with_severity(repaired, inputs["codes/penalty_classes"]), inputs["codes/publicity_terms"]
        )
    )


def _with_severity(penalties: DataFrame, classes: DataFrame) -> DataFrame:
    """`severity`: as the repair states it, else the graver of the two classes of penalty."""
    grave = classes.where("severity = 'serious'").agg(F.collect_set("code").alias("_grave"))
    serious = F.arrays_overlap(F.array_compact(F.array("penalty_class", "penalty_class_2")), F.col("_grave"))
    told = F.coalesce("other.severity", F.when(serious, "serious").otherwise("general"))
    return penalties.crossJoin(F.broadcast(grave)).withColumns(
        {"severity": told, "repaired_on": F.col("other.repaired_on")}
    )


def _with_terms(penalties: DataFrame, terms: DataFrame) -> DataFrame:
    """`publicity_rule`, `publicity_to` (last day) and `repairable_from` by the terms valid on the day of the
    decision.
    """
    listed = terms.select(
        "severity",
        F.col("code").alias("_term"),
        F.to_date("valid_from").alias("_from"),
        F.to_date("valid_to").alias("_to"),
        F.col("minimum_months").cast("int").alias("_minimum"),
        F.col("maximum_months").cast("int").alias("_maximum"),
    )
    in_force = (F.col("decided_on") >= F.col("_from")) & (
        F.col("_to").isNull() | (F.col("decided_on") <= F.col("_to"))
    )
    joined = penalties.alias("p").join(
        F.broadcast(listed).alias("t"), (F.col("p.severity") == F.col("t.severity")) & in_force, "left"
    )
    return joined.select("p.*", "_term", "_minimum", "_maximum").withColumns(
        {
            "publicity_rule": F.when(F.col("publicity_end").isNotNull(), "stated").otherwise(F.col("_term")),
            "publicity_to": F.coalesce("publicity_end", F.add_months("decided_on", F.col("_maximum"))),
            "repairable_from": F.add_months("decided_on", F.col("_minimum")),
        }
    )


def _visible(penalties: DataFrame) -> DataFrame:
    normal = F.expr(NORMAL)
    found = fine_10k_cny("result_text")
    return penalties.withColumns(
        {
            "state_code": F.coalesce("state_code", F.lit("0")),
            "fine_stated_10k_cny": F.col("fine_10k_cny"),
            "fine_found_10k_cny": found,
            "fine_10k_cny": F.coalesce("fine_10k_cny", found),
            "visible_from": F.when(normal, F.col("decided_on")),
            "visible_to": F.when(normal, F.least(F.date_add("publicity_to", 1), "repaired_on")),
            "source_name": F.coalesce("source_name", "authority_name"),
        }
    )
