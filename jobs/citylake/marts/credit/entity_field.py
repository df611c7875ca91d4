"""The value of every field of an organisation with the source that won, the rule and how far others agree."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from citylake.identity.survivorship import chosen, values

INPUTS = ("marts/credit/entity_record", "codes/field_leads")


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per organisation and field that any source fills: value, source, rule, sources, agreeing."""
    return chosen(values(inputs["marts/credit/entity_record"], inputs["codes/field_leads"]))
