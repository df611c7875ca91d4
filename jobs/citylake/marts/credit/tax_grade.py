"""Grades of tax credit by organisation and year."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from citylake.marts.credit.as_of import known
from citylake.marts.credit.decisions import with_entity

INPUTS = ("state_taxation/tax_grade", "marts/credit/entity_record")
DATASET = "state_taxation/tax_grade"


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per taxpayer, year of assessment and version known."""
    return with_entity(known(inputs[DATASET]), inputs["marts/credit/entity_record"], DATASET)
