"""Every column of every contract, over the rows of the golden cases: what surrounds a text on its way (marks
that take no room, blanks, the guard of a spreadsheet) changes no value, in no type and no computed column;
what a computed column cannot read is told and never called missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from citylake.compile.tables import silver_columns
from citylake.contract.load import load_contracts
from citylake.contract.model import AMEND_SUFFIX, Contract
from citylake.core.settings import ROOT
from citylake.ingest.manifest import read_manifest
from citylake.ingest.verify import verify

from tests.judging import Judged, decoded, judge

CONTRACTS = {c.id: c for c in load_contracts(ROOT).values() if c.kind != "mart"}
ROWS = 40
GARBAGE = "¿不可读?"
Change = Callable[[str], str]
SURROUNDED: dict[str, Change] = {
    "invisible_around": lambda t: f"\u200b\ufeff{t}\u200e",
    "invisible_inside": lambda t: f"{t[:1]}\u200b{t[1:]}",
    "direction": lambda t: f"\u202a{t}\u202c",
    "blanks": lambda t: f" \u3000{t}\u00a0 ",
    "guard": lambda t: t if '"' in t else f'="{t}"',
    "guard_in_blanks": lambda t: t if '"' in t else f' ="{t}"\u3000',
}


def rows_of(contract: Contract) -> pa.Table:
    """Sound records of the golden cases as bronze holds them, the first ones."""
    tables: list[pa.Table] = []
    for path in sorted((ROOT / "tests" / "cases" / contract.id).glob("*/*/manifest.json")):
        manifest = read_manifest(path.read_bytes())
        paths = {e.name: path.parent / e.name for e in manifest.files}
        if not all(p.exists() and not n.endswith(AMEND_SUFFIX) for n, p in paths.items()):
            continue
        verified = verify(manifest, contract, paths, ())
        if {f.rule for f in verified.findings} <= {"delivery.corrects_unknown"}:
            tables.append(decoded(contract, manifest, verified.layout, paths))
    whole = pa.concat_tables(tables)
    return whole.filter(pc.is_null(whole["_error"])).slice(0, ROWS)  # pyright: ignore[reportAttributeAccessIssue]


def judged(spark: Any, contract: Contract, variants: dict[str, pa.Table]) -> dict[str, list[Judged]]:
    """Every variant of the rows by the contract's SELECT, in one query."""
    tables: list[pa.Table] = []
    for name, table in variants.items():
        numbered = _with(table, "_row_no", pa.array(range(len(table)), pa.int64()))
        numbered = _with(numbered, "_file_id", pa.array([""] * len(table), pa.string()))
        tables.append(_with(numbered, "_batch_id", pa.array([name] * len(table), pa.string())))
    return judge(spark, contract, pa.concat_tables(tables))


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def changed(table: pa.Table, names: list[str], change: Change) -> pa.Table:
    """The table with every text of some columns changed; empty cells hold a lone blank."""
    for name in names:
        texts = [(change(t) if t and t.strip() else "\u3000 ") for t in table[name].to_pylist()]
        table = _with(table, name, pa.array(texts, pa.string()))
    return table


def texts(contract: Contract, table: pa.Table) -> list[str]:
    """Columns of bronze that hold an office's own text."""
    own = [c.name for c in contract.columns if c.delivered and c.type.personal == "none"]
    return [n for n in own if n in table.column_names]


@pytest.mark.parametrize("dataset", sorted(CONTRACTS))
def test_what_surrounds_a_text_changes_no_value(spark: Any, dataset: str) -> None:
    contract = CONTRACTS[dataset]
    table = rows_of(contract)
    names = texts(contract, table)
    variants = {"": table, **{k: changed(table, names, c) for k, c in SURROUNDED.items()}}
    found = judged(spark, contract, variants)
    wrong = {
        (variant, column): (before.values[column], after.values[column], after.verdict)
        for variant in SURROUNDED
        for before, after in zip(found[""], found[variant], strict=True)
        for column in before.values
        if before.values[column] != after.values[column] or before.verdict != after.verdict
    }
    assert found[""], "no sound record in the golden cases"
    assert wrong == {}


@pytest.mark.parametrize(
    "dataset", sorted(d for d, c in CONTRACTS.items() if any(x.derived for x in c.columns))
)
def test_a_computed_column_tells_unreadable_from_missing(spark: Any, dataset: str) -> None:
    contract = CONTRACTS[dataset]
    table = rows_of(contract)
    behind = {s for c in contract.columns for s in c.derived_from if c.derived} & set(texts(contract, table))
    variants = {s: _with(table, s, pa.array([GARBAGE] * len(table), pa.string())) for s in sorted(behind)}
    if not variants:
        return
    found = judged(spark, contract, variants)
    computed = [c for c in silver_columns(contract) if c.derived]
    silent = {
        (source, column.name, json.dumps([*row.verdict, *row.flags]))
        for source, rows in found.items()
        for row in rows
        for column in computed
        if source in column.derived_from and _silent(column.name, source, row)
    }
    assert silent == set()


def _silent(column: str, source: str, row: Judged) -> bool:
    """Whether a value that is there went without a word, or was called missing."""
    told = {r for r in (*row.verdict, *row.flags) if r.startswith((f"{column}.", f"{source}."))}
    missing = f"{column}.missing" in told
    return missing or (row.values[column] is None and not told)
