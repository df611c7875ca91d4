"""Every source record about an organisation with the one id of that organisation, and why."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from citylake.identity.linking import link
from citylake.identity.records import records
from citylake.marts.history import current

INPUTS = (
    "market_regulation/legal_entity", "public_sector_reform/institution", "civil_affairs/social_organisation",
    "quality_supervision/organisation_code", "state_taxation/taxpayer", "local_taxation/taxpayer", "development_reform/admin_permit",
    "development_reform/admin_penalty", "market_regulation/list_entry", "court/dishonest_organisation", "state_taxation/tax_grade",
    "development_reform/identity_judgement",
    # Read by `identity.names` when it makes the plan; named here so that a new list builds the table anew.
    "codes/divisions", "codes/division_aliases", "codes/name_characters",
)  # fmt: skip


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per source record: record_id, source, source_key, its own name and identifiers, entity_id, method, reason."""
    return link(records(inputs), current(inputs["development_reform/identity_judgement"]))
