"""What each department says about organisations, one row per source record, in one shape. Nothing is joined here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

FIELDS = ("name", "uscc", "org_code", "registration_no", "taxpayer_no", "division_code", "address", "representative")
IDENTIFIERS = ("uscc", "org_code", "registration_no", "taxpayer_no")
RECORD = ("record_id", "source", "trust", "source_key", *FIELDS, "names", "first_known_on", "last_known_at")


@dataclass(frozen=True)
class Source:
    """A dataset that names organisations: its key (none where rows are about decisions) and SQL per field that it has."""

    dataset: str
    key: tuple[str, ...]
    fields: Mapping[str, str]
    other_names: str = "NULL"  # SQL: an array of further names of the same organisation
    subjects: str = "true"  # SQL: the rows that are about an organisation


def _same(*names: str) -> dict[str, str]:
    return {n: n for n in names}


# Decisions about natural persons are told by their kind, or by a personal identifier and no other (the layout of 2016 states no kind).
ABOUT_ORGANISATIONS = (
    "NOT (coalesce(counterpart_kind, '') LIKE '自然人%' OR "
    f"(coalesce({', '.join(f'counterpart_{i}' for i in IDENTIFIERS)}) IS NULL AND counterpart_resident_id IS NOT NULL))"
)
_DECISION = {"name": "counterpart_name", **{i: f"counterpart_{i}" for i in IDENTIFIERS}}
_PLACED = _same("name", "division_code", "address", "representative")

# In the order of trust: the first is the lead department where several fill a field (domain.md 2.2).
SOURCES = (
    Source("market_regulation/legal_entity", ("registration_no",), _PLACED | _same("uscc", "org_code", "registration_no"), "array(former_name)"),
    Source("public_sector_reform/institution", ("certificate_no",), _PLACED | _same("uscc", "org_code"), "split(other_names, '[；;]')"),
    Source("civil_affairs/social_organisation", ("certificate_no",), _PLACED | _same("uscc", "org_code")),
    Source("quality_supervision/organisation_code", ("org_code",), _PLACED | _same("uscc", "org_code", "registration_no")),
    Source("state_taxation/taxpayer", ("taxpayer_no",), _PLACED | _same("registration_no", "taxpayer_no")),
    Source("local_taxation/taxpayer", ("taxpayer_no",), _PLACED | _same("registration_no", "taxpayer_no")),
    Source("development_reform/admin_permit", (), _DECISION, subjects=ABOUT_ORGANISATIONS),
    Source("development_reform/admin_penalty", (), _DECISION, subjects=ABOUT_ORGANISATIONS),
    Source("market_regulation/list_entry", (), _same("name", "uscc", "registration_no")),
    Source(
        "court/dishonest_organisation", (),
        {"name": "name", "uscc": "if(length(card_no) = 18, card_no, NULL)", "org_code": "if(length(card_no) = 9, card_no, NULL)"},
    ),
    Source("state_taxation/tax_grade", (), _same("name", "taxpayer_no")),
)  # fmt: skip


def counterpart_key(uscc: Column | str, org_code: Column | str, registration_no: Column | str, taxpayer_no: Column | str, name: Column | str) -> Column:
    """The key of a source record that is known only by what a decision says about its counterpart."""
    parts = [F.coalesce(F.col(p) if isinstance(p, str) else p, F.lit("")) for p in (uscc, org_code, registration_no, taxpayer_no, name)]
    return F.substring(F.sha2(F.concat_ws("|", *parts), 256), 1, 32)


def records(inputs: Mapping[str, DataFrame], known: Mapping[str, datetime] | None = None) -> DataFrame:
    """One row per source record.

    Columns: record_id (the same for ever: a hash of source and key), source, trust (0 = most), source_key, FIELDS (the
    latest value known that is not empty), names (every name ever known, array), first_known_on, last_known_at.
    `known`: the last moment already taken in per source; then only records of which something became known later.
    """
    given = [(s, n) for n, s in enumerate(SOURCES) if s.dataset in inputs]
    rows = reduce(DataFrame.unionByName, [_rows(inputs[s.dataset], s, n) for s, n in given])
    if known is not None:
        touched = [_rows(_later(inputs[s.dataset], known.get(s.dataset)), s, n).select("source", "_near") for s, n in given]
        rows = rows.join(F.broadcast(reduce(DataFrame.unionByName, touched).distinct()), ["source", "_near"], "left_semi")
    return _gathered(rows)


def _later(silver: DataFrame, since: datetime | None) -> DataFrame:
    """Rows that came since; silver only ever adds rows, each batch with a later moment than the one before."""
    return silver if since is None else silver.where(F.col("_known_from") > F.lit(since))


def source_key(source: Source) -> Column:
    """The key of a record within its source, over the columns of its silver table."""
    if source.key:
        return F.concat_ws("|", *source.key)
    return counterpart_key(*(_field(source, i) for i in IDENTIFIERS), _field(source, "name"))  # pyright: ignore[reportCallIssue]


def _field(source: Source, field: str) -> Column:
    return F.expr(source.fields.get(field, "NULL")).cast("string")


def _rows(silver: DataFrame, source: Source, trust: int) -> DataFrame:
    """Rows of silver in one shape; `_near` is the key, or where a source has none the name, which all rows of one record share."""
    key = F.concat_ws("|", *source.key) if source.key else F.lit(None).cast("string")
    return silver.where(source.subjects).select(
        F.lit(source.dataset).alias("source"), F.lit(trust).alias("trust"), *[_field(source, f).alias(f) for f in FIELDS], "_known_from",
        (F.col("_valid_from") if "_valid_from" in silver.columns else F.lit(None).cast("date")).alias("_valid_from"),
        F.expr(f"CAST({source.other_names} AS ARRAY<STRING>)").alias("_others"), key.alias("_key"),
        F.coalesce(key, _field(source, "name")).alias("_near"),
    ).where("name IS NOT NULL")  # fmt: skip


def _gathered(rows: DataFrame) -> DataFrame:
    """One row per source and key."""
    key = F.coalesce("_key", counterpart_key(*IDENTIFIERS, "name"))
    moments = (F.to_date(F.min("_known_from")).alias("first_known_on"), F.max("_known_from").alias("last_known_at"))
    each = rows.groupBy("source", "trust", key.alias("source_key")).agg(*[_latest(f) for f in FIELDS], _names(), *moments)
    return each.withColumn("record_id", _record_id()).select(*RECORD)


def _record_id() -> Column:
    return F.concat(F.lit("E"), F.substring(F.sha2(F.concat_ws("|", "source", "source_key"), 256), 1, 16))


def _latest(field: str) -> Column:
    """The last known value; of those that became known at once the one valid later, then the greater, so that the order of rows never counts."""
    return F.expr(f"max(struct(_known_from, _valid_from, {field})) FILTER (WHERE {field} IS NOT NULL)").getField(field).alias(field)


def _names() -> Column:
    every = F.flatten(F.collect_list(F.array_append(F.coalesce("_others", F.array().cast("array<string>")), F.col("name"))))
    return F.array_sort(F.array_distinct(F.filter(F.transform(every, F.trim), lambda n: n.isNotNull() & (n != "")))).alias("names")
