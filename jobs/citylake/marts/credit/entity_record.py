"""Every source record about an organisation with the one id of that organisation, and why."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from citylake.identity.increment import increment
from citylake.identity.linking import linked
from citylake.identity.records import RECORD, SOURCES, records, retold, statements
from citylake.marts.history import current

INPUTS = (
    "market_regulation/legal_entity",
    "public_sector_reform/institution",
    "civil_affairs/social_organisation",
    "quality_supervision/organisation_code",
    "state_taxation/taxpayer",
    "local_taxation/taxpayer",
    "development_reform/admin_permit",
    "development_reform/admin_penalty",
    "market_regulation/list_entry",
    "court/dishonest_organisation",
    "state_taxation/tax_grade",
    "development_reform/identity_judgement",
    # Read by `identity.names` when it makes the plan; named here so that a new list builds the table anew.
    "codes/divisions",
    "codes/division_aliases",
    "codes/name_characters",
)
SOURCE_NAMES = {s.dataset for s in SOURCES}


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per source record: record_id, source, source_key, its own name and identifiers, entity_id,
    method, reason.
    """
    return linked(records(inputs), _judgements(inputs))


def update(inputs: Mapping[str, DataFrame], changed: Mapping[str, DataFrame], kept: DataFrame) -> DataFrame:
    """The rows of `build` that are new or differ from what it, or this, gave before; `changed` are the inputs
    that did.
    """
    if not changed.keys() & SOURCE_NAMES:
        return increment(kept.limit(0).select(*RECORD), kept, _judgements(inputs))
    moments = kept.groupBy("source").agg(F.unix_micros(F.max("last_known_at")).alias("at")).collect()
    said = statements(changed, {r["source"]: r["at"] for r in moments}).localCheckpoint()
    return increment(retold(kept, said), kept, _judgements(inputs))


def _judgements(inputs: Mapping[str, DataFrame]) -> DataFrame:
    return current(inputs["development_reform/identity_judgement"])
