"""Every source record about an organisation with the one id of that organisation, and why."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from citylake.identity.linking import link
from citylake.identity.records import records
from citylake.marts.history import current

INPUTS = (
    "market_regulation/legal_entity", "development_reform/admin_permit", "development_reform/admin_penalty",
    "development_reform/identity_judgement",
)  # fmt: skip


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per source record: record_id, source, source_key, its own name and identifiers, entity_id, method, reason."""
    return link(records(inputs), current(inputs["development_reform/identity_judgement"]))
