"""`audit.deliveries`, `audit.cases` and `audit.indicator` as Delta tables for SQL; they may be dropped,
receipts and evidence make them anew.

`audit.restatement` stands beside them; it is a ledger of its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from citylake.audit.conservation import FIGURES, Batch
from citylake.audit.indicators import Indicator
from citylake.audit.timeliness import Arrival, Arrivals
from citylake.casework.cases import Case
from citylake.core.names import Table
from citylake.core.settings import Settings
from citylake.storage.delta import delta_options, open_table

DELIVERIES = Table("audit", "deliveries")
CASES = Table("audit", "cases")
INDICATORS = Table("audit", "indicator")
_CASE = pa.schema(
    [
        *(pa.field(n, pa.string()) for n in ("id", "dataset")),
        pa.field("receipt", pa.int64()),
        *(pa.field(n, pa.string()) for n in ("delivery", "rule")),
        *(pa.field(n, pa.string()) for n in ("meaning_zh", "meaning_en", "owner", "contact")),
        pa.field("rows", pa.int64()),
        pa.field("outstanding", pa.int64()),
        *(pa.field(n, pa.string()) for n in ("state", "since", "deadline", "waiver", "closed_on")),
    ]
)
_NUMBERS = ("receipt", *FIGURES)


_ARRIVAL = pa.schema(
    [
        *(pa.field(n, pa.string()) for n in ("sent_at", "arrived_at", "due_on")),
        *(pa.field(n, pa.bool_()) for n in ("late", "sent_late")),
    ]
)


_INDICATOR = pa.schema(
    [
        pa.field("dataset", pa.string()),
        pa.field("receipt", pa.int64()),
        *(pa.field(n, pa.string()) for n in ("delivery", "period", "code", "rule")),
        *(pa.field(n, pa.int64()) for n in ("a", "b")),
        pa.field("x", pa.float64()),
    ]
)


def write_tables(
    settings: Settings, found: list[Batch], cases: list[Case], came: Arrivals, measured: list[Indicator]
) -> None:
    """Replace the tables whose content changed."""
    _replace(settings, DELIVERIES, _deliveries(found, came))
    _replace(settings, CASES, pa.Table.from_pylist([_case(c) for c in cases], _CASE))
    _replace(
        settings, INDICATORS, pa.Table.from_pylist([{**asdict(i), "x": i.x} for i in measured], _INDICATOR)
    )


def _deliveries(found: list[Batch], came: Arrivals) -> pa.Table:
    """A row per delivery: its figures, and when it was due and came."""
    fields = [pa.field(n, pa.int64() if n in _NUMBERS else pa.string()) for n in Batch.__dataclass_fields__]
    schema = pa.schema([*fields, pa.field("balanced", pa.bool_()), *_ARRIVAL])
    rows = [{**asdict(b), "balanced": b.balanced, **_times(came[b.dataset, b.receipt])} for b in found]
    return pa.Table.from_pylist(rows, schema)


def _times(arrival: Arrival) -> dict[str, Any]:
    return {name: getattr(arrival, name) for name in _ARRIVAL.names}


def _case(case: Case) -> dict[str, Any]:
    raw = asdict(case)
    meaning = raw.pop("meaning")
    waiver = json.dumps(case.waiver, ensure_ascii=False) if case.waiver else None
    return {**raw, "meaning_zh": meaning["zh"], "meaning_en": meaning["en"], "waiver": waiver}


def _replace(settings: Settings, table: Table, rows: pa.Table) -> None:
    from deltalake import write_deltalake

    held = open_table(settings, table)
    if held is not None and held.to_pyarrow_table().equals(rows):
        return
    write_deltalake(
        table.rust_uri(settings.lake),
        rows,
        mode="overwrite",
        schema_mode="overwrite",
        storage_options=delta_options(settings),
    )
