"""Up to three refused records of every rule of a batch: file, line, and what was delivered, masked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from citylake.compile.bronze import bronze_columns
from citylake.compile.rules import Rule
from citylake.contract.model import Column, Contract
from citylake.contract.rules import spoken_of
from citylake.core.names import bronze, quarantine
from citylake.core.settings import Settings
from citylake.ledger.receipts import Receipt
from citylake.privacy.masking import SAMPLES, masked_values
from citylake.storage.delta import open_table

PLACE = ("_file_id", "_row_no", "_line_no", "record", "reasons")


@dataclass(frozen=True)
class Sample:
    """One refused record as a notice shows it."""

    file: str
    line: int
    # `header=value` of the columns that the rule speaks of; empty for a record that could not be parted
    text: str


def samples(
    settings: Settings,
    contract: Contract,
    receipt: Receipt,
    spoken: dict[str, tuple[Column, ...]],
    refused: list[dict[str, Any]],
) -> dict[str, tuple[Sample, ...]]:
    """Rule -> samples in file order; from refused rows (places) and bronze (text as delivered, where personal
    values are tokens).

    `contract` is the one that the delivery was received under, `spoken` as `columns_of_rules` gives it.
    """
    chosen = _chosen(receipt, refused)
    texts = _texts(settings, contract, receipt, {r["_row_no"] for rows in chosen.values() for r in rows})
    names = {f.sha256: f.name for f in receipt.files}
    return {
        rule: tuple(
            Sample(
                names.get(r["_file_id"], ""),
                r["_line_no"],
                _shown(contract, receipt, spoken.get(rule, ()), texts, r),
            )
            for r in rows
        )
        for rule, rows in chosen.items()
    }


def columns_of_rules(
    received: Contract, today: Contract, rules: Iterable[Rule]
) -> dict[str, tuple[Column, ...]]:
    """The delivered columns that each rule speaks of; those behind a derived column stand for it.

    `received` is the contract that the delivery was received under: it knows the headers. A column that the
    rule names otherwise is found by the names that it has and had in `today`.
    """
    names = _names(received, today)
    return {
        r.id: tuple(c for n in _named(r, received, names) for c in _delivered(received, n))
        for r in rules
        if r.severity == "error"
    }


def _names(received: Contract, today: Contract) -> dict[str, str]:
    """Every name that a column of the contract ever had -> its name there."""
    own = {c.name for c in received.columns}
    names = {n: c.name for c in received.columns for n in c.formerly}
    for column in today.columns:
        known = {column.name, *column.formerly}
        names |= {n: mine for mine in own & known for n in known}
    return names | {n: n for n in own}


def _named(rule: Rule, contract: Contract, names: dict[str, str]) -> tuple[str, ...]:
    if rule.column is None:
        return spoken_of(rule.broken, contract.columns, names)
    return (names[rule.column],) if rule.column in names else ()


def _delivered(contract: Contract, name: str) -> list[Column]:
    """What the decoder states about a value stands for itself; columns of the lineage are none that an office
    delivers.
    """
    column = next((c for c in contract.columns if c.name == name), None)
    if column is None:
        return []
    behind = [n for n in column.derived_from if n != name]
    return (
        [column] if column.delivered or not behind else [c for n in behind for c in _delivered(contract, n)]
    )


def quarantined(settings: Settings, contract: Contract, receipt: Receipt) -> list[dict[str, Any]]:
    """The refused rows of a batch as its quarantine table holds them: place, key and reasons."""
    table = open_table(settings, quarantine(contract.id))
    if table is None:
        return []
    rows = table.to_pyarrow_table(columns=["_receipt", *PLACE])
    return rows.filter(pc.equal(rows["_receipt"], receipt.number)).to_pylist()  # pyright: ignore[reportAttributeAccessIssue]


def _chosen(receipt: Receipt, refused: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    order = {f.sha256: i for i, f in enumerate(receipt.files)}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(refused, key=lambda r: (order.get(r["_file_id"], 0), r["_row_no"], r["record"])):
        for rule in row["reasons"]:
            if len(held := found.setdefault(rule, [])) < SAMPLES:
                held.append(row)
    return found


def _texts(
    settings: Settings, contract: Contract, receipt: Receipt, numbers: set[int]
) -> list[dict[str, Any]]:
    table = open_table(settings, bronze(contract.id))
    if table is None or not numbers:
        return []
    columns = ["_file_id", "_row_no", *bronze_columns(contract)]
    return table.to_pyarrow_table(
        columns=columns, filters=[("_receipt", "=", receipt.number), ("_row_no", "in", sorted(numbers))]
    ).to_pylist()


def _shown(
    contract: Contract,
    receipt: Receipt,
    columns: tuple[Column, ...],
    texts: list[dict[str, Any]],
    row: dict[str, Any],
) -> str:
    cell = contract.unpivot["name"] if contract.unpivot else None
    wanted = json.loads(row["record"]).get(cell) if cell else None
    mine = [t for t in texts if (t["_file_id"], t["_row_no"]) == (row["_file_id"], row["_row_no"])]
    found = next((t for t in mine if cell and t.get(cell) == wanted), next(iter(mine), {}))
    known = [c for c in columns if c.name in found]
    values = ["***" if c.type.personal != "none" and found[c.name] else found[c.name] for c in known]
    return (
        masked_values(contract, known, values, receipt.layout) if any(v is not None for v in values) else ""
    )
