"""Golden cases of the datasets: `tests/cases/<department>/<dataset>/<case>/<delivery>/` holds what an office
sent, `expected.json` what
must become of it: the answer to every delivery, its counts, every quarantined row, and the silver rows that
the case names.

A case needs no Python. `CITYLAKE_ACCEPT=1` writes what came instead of comparing; the difference is then read
by a person.
"""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.conservation import batches
from citylake.contract.model import Contract
from citylake.core.names import quarantine, silver
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.hops import decode_dataset, refine_dataset
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import receive_dataset
from citylake.privacy.token_keys import establish
from citylake.storage.delta import open_table

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(p for p in (ROOT / "tests" / "cases").glob("*/*/*") if any(p.glob("*/manifest.json")))
DATASETS = sorted(
    p.relative_to(ROOT / "schemas").as_posix().removesuffix(".odcs.yaml")
    for p in (ROOT / "schemas").glob("*/*.odcs.yaml")
)


def test_every_dataset_has_a_case() -> None:
    assert {"/".join(c.parts[-3:-1]) for c in CASES} == {d for d in DATASETS if not d.startswith("marts/")}


@pytest.mark.parametrize("case", CASES, ids=lambda c: "/".join(c.parts[-3:]))
def test_case(lake_settings: Settings, tmp_path: Path, case: Path) -> None:
    dataset = "/".join(case.parts[-3:-1])
    # One bucket for the first cases of all departments, one for the second, and so on: no two cases share a
    # table or a department's count of receipts.
    turn = [c for c in CASES if c.parts[-3] == case.parts[-3]].index(case)
    key = ROOT / "tests" / "cases" / "token.key"
    lake = open_lake(
        lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-case-{turn}", "token_key_file": key})
    )
    establish(lake.store, key.read_bytes(), key.read_bytes(), "")  # tokens of the cases are written down
    inbox = tmp_path / dataset
    inbox.parent.mkdir()
    inbox.symlink_to(case)
    fetch_folder(lake.store, tmp_path)
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, dataset)
    found = {
        "deliveries": _deliveries(lake, dataset),
        "quarantine": _quarantine(lake, dataset),
        "silver": _silver(lake, lake.contracts[dataset]),
    }
    path = case / "expected.json"
    if os.environ.get("CITYLAKE_ACCEPT"):
        path.write_text(_lines(found), "utf-8")
    expected = json.loads(path.read_text("utf-8"))
    places = [_place(r) for r in expected["silver"]]
    found["silver"] = [r for r in found["silver"] if _place(r) in places]
    assert found == expected


def _lines(found: dict[str, Any]) -> str:
    """One row per line, so that a difference can be read."""
    parts = {k: ",\n  ".join(json.dumps(r, ensure_ascii=False) for r in rows) for k, rows in found.items()}
    return (
        "{\n"
        + ",\n".join(f' "{k}": [\n  {rows}\n ]' if rows else f' "{k}": []' for k, rows in parts.items())
        + "\n}\n"
    )


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["delivery"], row["line"], row.get("key")


def _deliveries(lake: Lake, dataset: str) -> list[dict[str, Any]]:
    names = (
        "delivery",
        "outcome",
        "state",
        "records",
        "received",
        "accepted",
        "duplicates",
        "superseded",
        "quarantined",
        "why",
    )
    return [
        {n: getattr(b, n) for n in names} for b in batches(lake.store, lake.contracts) if b.dataset == dataset
    ]


def _rows(lake: Lake, table: Any) -> list[dict[str, Any]]:
    opened = open_table(lake.settings, table)
    numbers = {b.receipt: b.delivery for b in batches(lake.store, lake.contracts) if b.dataset == table.name}
    rows = opened.to_pyarrow_table().to_pylist() if opened else []
    rows.sort(
        key=lambda r: (
            r["_receipt"],
            r["_line_no"],
            r["_byte_start"],
            str(r.get("_known_from")),
            str(r.get("_valid_from")),
            json.dumps(r, default=str),
        )
    )
    return [{"delivery": numbers[r["_receipt"]], "line": r["_line_no"], **r} for r in rows]


def _quarantine(lake: Lake, dataset: str) -> list[dict[str, Any]]:
    names = ("delivery", "line", "_byte_start", "_byte_end", "reasons")
    return [{n: r[n] for n in names} for r in _rows(lake, quarantine(dataset))]


def _silver(lake: Lake, contract: Contract) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for r in _rows(lake, silver(contract.id)):
        values = {
            c.name: _text(r[c.name]) for c in contract.columns if not c.bronze_only and r[c.name] is not None
        }
        times = {
            n: _text(r[n])
            for n in ("_valid_from", "_valid_to", "_known_from", "_known_to")
            if r.get(n) is not None
        }
        cell = {"key": r[contract.unpivot["name"]]} if contract.unpivot else {}
        out.append(
            {"delivery": r["delivery"], "line": r["line"], **cell, "flags": r["_flags"], **values, **times}
        )
    return out


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
