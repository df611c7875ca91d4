"""Permits of organisations, every version that the lake knew, from both layouts of dual publicity."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import DELIVERIES
from citylake.marts.credit.as_of import known
from citylake.marts.credit.decisions import NORMAL, of_organisations, with_entity, with_publication

INPUTS = (
    "development_reform/admin_permit",
    "marts/credit/entity_record",
    "codes/working_days",
    "ledger/deliveries",
)
DATASET = "development_reform/admin_permit"


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per decision, counterpart and version known.

    In force from `in_force_from` until the day before `in_force_to` (`valid_to` as stated is the last day); a
    permit that is
    withdrawn, disputed or in another state was never in force as far as that version knows. The 2016 layout
    states no start:
    the day of the decision counts.
    """
    rows = with_publication(
        of_organisations(known(inputs[DATASET])), inputs[DELIVERIES], DATASET, inputs["codes/working_days"]
    )
    normal = F.expr(NORMAL)
    return with_entity(rows, inputs["marts/credit/entity_record"], DATASET).withColumns(
        {
            "state_code": F.coalesce("state_code", F.lit("0")),
            "in_force_from": F.when(normal, F.coalesce("valid_from", "decided_on")),
            "in_force_to": F.when(normal, F.date_add("valid_to", 1)),
            "source_name": F.coalesce("source_name", "authority_name"),
        }
    )
