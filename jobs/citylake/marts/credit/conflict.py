"""What a department says about an organisation against the department that counts."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from citylake.identity.survivorship import contradictions, values

INPUTS = ("marts/credit/entity_record", "codes/field_leads")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per organisation, field and record that disagrees; the department that sent it is asked to mend
    it.
    """
    return contradictions(values(inputs["marts/credit/entity_record"], inputs["codes/field_leads"]))
