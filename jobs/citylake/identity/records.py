"""What each department says about organisations, one row per source record, in one shape. Nothing is joined
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

FIELDS = (
    "name",
    "uscc",
    "org_code",
    "registration_no",
    "taxpayer_no",
    "division_code",
    "address",
    "representative",
)
IDENTIFIERS = ("uscc", "org_code", "registration_no", "taxpayer_no")
RECORD = ("record_id", "source", "trust", "source_key", *FIELDS, "names", "first_known_on", "last_known_at")


@dataclass(frozen=True)
class Source:
    """A dataset that names organisations: its key (none where rows are about decisions) and SQL per field
    that it has.
    """

    dataset: str
    key: tuple[str, ...]
    fields: Mapping[str, str]
    other_names: str = "NULL"  # SQL: an array of further names of the same organisation
    subjects: str = "true"  # SQL: the rows that are about an organisation


def _same(*names: str) -> dict[str, str]:
    return {n: n for n in names}


# Decisions about natural persons are told by their kind, or by a personal identifier and no other (the layout
# of 2016 states no kind).
ABOUT_ORGANISATIONS = (
    "NOT (coalesce(counterpart_kind, '') LIKE '自然人%' OR"
    f" (coalesce({', '.join(f'counterpart_{i}' for i in IDENTIFIERS)}) IS NULL AND counterpart_resident_id IS"
    " NOT NULL))"
)
_DECISION = {"name": "counterpart_name", **{i: f"counterpart_{i}" for i in IDENTIFIERS}}
_PLACED = _same("name", "division_code", "address", "representative")

# A natural person among the counterparts has a token for a name (`ingest.persons`): it is nobody's record.
# A registered organisation may bear the name of its owner; it has a key of its own.
ABOUT_NO_PERSON = "NOT coalesce({name}, '') LIKE 'TOKEN:%'"

# In the order of trust: the first is the lead department where several fill a field (domain.md 2.2).
SOURCES = (
    Source(
        "market_regulation/legal_entity",
        ("registration_no",),
        _PLACED | _same("uscc", "org_code", "registration_no"),
        "array(former_name)",
    ),
    Source(
        "public_sector_reform/institution",
        ("certificate_no",),
        _PLACED | _same("uscc", "org_code"),
        "split(other_names, '[；;]')",
    ),
    Source("civil_affairs/social_organisation", ("certificate_no",), _PLACED | _same("uscc", "org_code")),
    Source(
        "quality_supervision/organisation_code",
        ("org_code",),
        _PLACED | _same("uscc", "org_code", "registration_no"),
    ),
    Source("state_taxation/taxpayer", ("taxpayer_no",), _PLACED | _same("registration_no", "taxpayer_no")),
    Source("local_taxation/taxpayer", ("taxpayer_no",), _PLACED | _same("registration_no", "taxpayer_no")),
    Source("development_reform/admin_permit", (), _DECISION, subjects=ABOUT_ORGANISATIONS),
    Source("development_reform/admin_penalty", (), _DECISION, subjects=ABOUT_ORGANISATIONS),
    Source("market_regulation/list_entry", (), _same("name", "uscc", "registration_no")),
    Source(
        "court/dishonest_organisation",
        (),
        {
            "name": "name",
            "uscc": "if(length(card_no) = 18, card_no, NULL)",
            "org_code": "if(length(card_no) = 9, card_no, NULL)",
        },
    ),
    Source("state_taxation/tax_grade", (), _same("name", "taxpayer_no")),
)


def counterpart_key(
    uscc: Column | str,
    org_code: Column | str,
    registration_no: Column | str,
    taxpayer_no: Column | str,
    name: Column | str,
) -> Column:
    """The key of a source record that is known only by what a decision says about its counterpart."""
    parts = [
        F.coalesce(F.col(p) if isinstance(p, str) else p, F.lit(""))
        for p in (uscc, org_code, registration_no, taxpayer_no, name)
    ]
    return F.substring(F.sha2(F.concat_ws("|", *parts), 256), 1, 32)


def records(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per source record.

    Columns: record_id (the same for ever: a hash of source and key), source, trust (0 = most), source_key,
    FIELDS (the
    latest value known that is not empty), names (every name ever known, array), first_known_on,
    last_known_at.
    """
    return _gathered(statements(inputs))


def retold(known: DataFrame, said: DataFrame) -> DataFrame:
    """The records that `said` is about, statements later than all that were taken in, as they are then;
    `known`: all records before.
    """
    before = known.join(F.broadcast(said.select("record_id").distinct()), "record_id", "left_semi")
    # NULL is the least: any value said later wins
    undated = "CAST(NULL AS TIMESTAMP) AS _known_from, CAST(NULL AS DATE) AS _valid_from"
    again = {f: F.expr(f"if({f} IS NULL, NULL, struct({undated}, {f} AS value))") for f in FIELDS}
    return _gathered(before.withColumns(again).select(*said.columns).unionByName(said))


def statements(inputs: Mapping[str, DataFrame], known: Mapping[str, int] | None = None) -> DataFrame:
    """A row per row of silver about an organisation: a record, of which each of FIELDS is struct(_known_from,
    _valid_from, value).

    `known`: the last moment that was already taken in per source, in microseconds since 1970; then only what
    became known later.
    """
    given = [(s, n) for n, s in enumerate(SOURCES) if s.dataset in inputs]
    return reduce(
        DataFrame.unionByName,
        [_statements(_later(inputs[s.dataset], (known or {}).get(s.dataset)), s, n) for s, n in given],
    )


def _later(silver: DataFrame, since: int | None) -> DataFrame:
    """Rows that came since; silver only ever adds rows, each batch with a later moment than the one
    before.
    """
    return silver if since is None else silver.where(F.col("_known_from") > F.timestamp_micros(F.lit(since)))


def source_key(source: Source) -> Column:
    """The key of a record within its source, over the columns of its silver table."""
    if source.key:
        return F.concat_ws("|", *source.key)
    return counterpart_key(*(_field(source, i) for i in IDENTIFIERS), _field(source, "name"))  # pyright: ignore[reportCallIssue]


def _field(source: Source, field: str) -> Column:
    return F.expr(source.fields.get(field, "NULL")).cast("string")


def _statements(silver: DataFrame, source: Source, trust: int) -> DataFrame:
    valid_from = F.col("_valid_from") if "_valid_from" in silver.columns else F.lit(None).cast("date")
    key, others = source_key(source), F.expr(f"CAST({source.other_names} AS ARRAY<STRING>)")
    values = {
        f: F.struct("_known_from", valid_from.alias("_valid_from"), _field(source, f).alias("value"))
        for f in FIELDS
    }
    return (
        silver.where(source.subjects)
        .where("true" if source.key else ABOUT_NO_PERSON.format(name=source.fields["name"]))
        .where(_field(source, "name").isNotNull())
        .select(
            _record_id(F.lit(source.dataset), key).alias("record_id"),
            F.lit(source.dataset).alias("source"),
            F.lit(trust).alias("trust"),
            key.alias("source_key"),
            *[F.when(v["value"].isNotNull(), v).alias(f) for f, v in values.items()],
            F.array_append(F.coalesce(others, F.array().cast("array<string>")), _field(source, "name")).alias(
                "names"
            ),
            F.to_date("_known_from").alias("first_known_on"),
            F.col("_known_from").alias("last_known_at"),
        )
    )


def _record_id(source: Column, key: Column) -> Column:
    return F.concat(F.lit("E"), F.substring(F.sha2(F.concat_ws("|", source, key), 256), 1, 16))


def _gathered(said: DataFrame) -> DataFrame:
    """One row per record. Of values that became known at once the one valid later counts, then the greater:
    the order of rows never does.
    """
    moments = (F.min("first_known_on").alias("first_known_on"), F.max("last_known_at").alias("last_known_at"))
    latest = [F.max(f)["value"].alias(f) for f in FIELDS]
    return (
        said.groupBy("record_id", "source", "trust", "source_key")
        .agg(*latest, _names(), *moments)
        .select(*RECORD)
    )


def _names() -> Column:
    every = F.flatten(F.collect_list("names"))
    return F.array_sort(
        F.array_distinct(F.filter(F.transform(every, F.trim), lambda n: n.isNotNull() & (n != "")))
    ).alias("names")
