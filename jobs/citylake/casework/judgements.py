"""One organisation as the backbone sees it: its values with their sources, why each record is linked, and
what people judge about it.

Everything is read from gated versions without Spark. Records name organisations only; a sole trader's number
that holds a token of its
owner's identifier is masked.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from citylake.casework.amend import MASKED, hand_over
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import Table, mart, silver
from citylake.core.settings import Settings
from citylake.identity.records import IDENTIFIERS
from citylake.marts.build import passed_version
from citylake.storage.delta import open_table
from citylake.storage.store import Store

JUDGEMENTS = "development_reform/identity_judgement"
VERDICTS = ("same", "not_same", "undecided")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Judgement:
    """What a person decided about two records, by the post held, with the reason."""

    record_a: str
    record_b: str
    verdict: str
    judged_by: str
    reason: str
    decided_at: datetime


def find(settings: Settings, store: Store, text: str) -> tuple[str, Rows]:
    """(id of the organisation, its records) by its id, by any of its records' ids, by any identifier or by
    its whole name.
    """
    clean = text.strip().upper().replace("-", "")
    by_code = [pc.field(i) == clean for i in IDENTIFIERS]
    sought = pc.field("entity_id") == text
    for condition in (pc.field("record_id") == text, *by_code, pc.field("name") == text):
        sought = sought | condition
    found = sorted({r["entity_id"] for r in _rows(settings, store, "credit/entity_record", sought)})
    if len(found) == 1:
        records = _rows(settings, store, "credit/entity_record", pc.field("entity_id") == found[0])
        return found[0], sorted(
            records, key=lambda r: (r["entity_id"] != r["record_id"], r["trust"], r["record_id"])
        )
    if found:
        raise LakeError(
            "entity.several",
            f"{len(found)} organisations answer to {text}: {', '.join(found[:10])}",
            now="citylake entity show ID",
        )
    raise LakeError(
        "entity.unknown",
        f"no organisation has the id, identifier or name {text}",
        now="citylake sql: credit.entity_record",
    )


def show(settings: Settings, store: Store, text: str) -> dict[str, Any]:
    """The organisation: every identifier, each field's value with source, rule and agreement, and what
    contradicts it.
    """
    entity_id, records = find(settings, store, text)
    own = pc.field("entity_id") == entity_id
    codes = {i: sorted({_masked(r[i]) for r in records if r[i]}) for i in IDENTIFIERS}
    fields = ("field", "value", "source", "rule", "sources", "agreeing")
    against = ("field", "record_id", "source", "value", "winner_source", "winner_value")
    return {
        "entity_id": entity_id,
        "names": sorted({r["name"] for r in records}),
        "identifiers": {k: v for k, v in codes.items() if v},
        "records": len(records),
        "sources": sorted({r["source"] for r in records}),
        "fields": [
            _part(r, fields)
            for r in sorted(_rows(settings, store, "credit/entity_field", own), key=lambda r: r["field"])
        ],
        "contradictions": [_part(r, against) for r in _rows(settings, store, "credit/conflict", own)],
    }


def explain(settings: Settings, store: Store, text: str) -> dict[str, Any]:
    """Why the records are one organisation: every record with method and reason, and every judgement that
    names one of them.
    """
    entity_id, records = find(settings, store, text)
    told = ("record_id", "source", "name", "method", "reason", "first_known_on")
    ids = [r["record_id"] for r in records]
    named = pc.field("record_a").isin(ids) | pc.field("record_b").isin(ids)
    judged = _table_rows(settings, silver(JUDGEMENTS), named)
    parts = ("record_a", "record_b", "verdict", "judged_by", "reason", "decided_at")
    now = sorted((r for r in judged if r["_known_to"] is None), key=lambda r: r["decided_at"])
    return {
        "entity_id": entity_id,
        "records": [_part(r, told) for r in records],
        "judgements": [_part(r, parts) for r in now],
    }


def judge(store: Store, contract: Contract, judgement: Judgement) -> str:
    """Hand a judgement over as any department would; it is evidence, outranks every rule and survives every
    run. Returns the delivery.
    """
    if judgement.verdict not in VERDICTS:
        raise LakeError(
            "entity.verdict", f"{judgement.verdict} is no verdict", now=f"say one of {', '.join(VERDICTS)}"
        )
    if judgement.record_a == judgement.record_b:
        raise LakeError(
            "entity.one_record",
            "both sides are one record; name the records themselves",
            now="citylake entity explain ID",
        )
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    values = {**asdict(judgement), "decided_at": f"{judgement.decided_at:%Y-%m-%d %H:%M:%S}"}
    writer.writerow([c.header("") for c in contract.layout_columns("")])
    writer.writerow([values[c.name] for c in contract.layout_columns("")])
    body = buffer.getvalue().encode("utf-8")
    delivery = f"{judgement.decided_at:%Y-%m-%d}-{hashlib.sha256(body).hexdigest()[:8]}"
    file = (f"{contract.title.zh}_{delivery}.csv", body, 1)
    hand_over(store, contract, delivery, f"{judgement.decided_at:%Y}", file, judgement.decided_at)
    return delivery


def split_from(settings: Settings, store: Store, record: str) -> str:
    """The record that a record is to be held apart from: the one that gives its organisation the id, or the
    eldest beside it.
    """
    _, records = find(settings, store, record)
    if record not in {r["record_id"] for r in records}:
        raise LakeError(
            "entity.no_record", f"{record} is not the id of a record", now=f"citylake entity explain {record}"
        )
    others = [r["record_id"] for r in records if r["record_id"] != record]
    if not others:
        raise LakeError(
            "entity.alone", f"{record} stands alone already", now=f"citylake entity explain {record}"
        )
    return others[0]


def _part(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {n: _masked(v) if isinstance(v := row[n], str) else v for n in names}


def _masked(text: str) -> str:
    return MASKED if text.upper().startswith("TOKEN:") else text


def _rows(settings: Settings, store: Store, name: str, condition: Any) -> Rows:
    at = passed_version(store, name)
    return [] if at is None else _table_rows(settings, mart(name), condition, at)


def _table_rows(settings: Settings, table: Table, condition: Any, at: int | None = None) -> Rows:
    opened = open_table(settings, table)
    if opened is None:
        return []
    if at is not None:
        opened.load_as_version(at)
    dataset: ds.Dataset = opened.to_pyarrow_dataset()
    return dataset.to_table(filter=condition).to_pylist()
