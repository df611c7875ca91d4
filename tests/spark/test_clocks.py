"""No clock of a sender has a part in what a mart tells: with every moment of sending ten years later, at all
offices or at any one, each golden case gives the same rows but for what says when the lake knew them.
"""

from __future__ import annotations

import ast
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.inputs import MARTS, is_dataset
from citylake.contract.load import load_contracts

from tests.spark.test_mart_cases import CASES, ROOT, answer

CONTRACTS = load_contracts(ROOT)
KNOWN = {"known_at", "known_on"}  # the types of columns that tell when the lake knew a row
LATER = timedelta(days=3653)
MODULES = sorted((ROOT / "jobs" / "citylake" / "marts").rglob("*.py"))
CLOCKS = re.compile(r"_sent_at|^_known_at|current_date|current_timestamp|\bnow\(|\btoday\(|localtimestamp")

Inputs = dict[str, list[dict[str, Any]]]


def _known_columns(name: str) -> set[str]:
    """The columns of an input that follow the clock of a sender."""
    contract = CONTRACTS.get(name.removeprefix(MARTS))
    if contract is None or contract.kind != "mart":
        return {"_sent_at", "_known_from", "_known_to"}
    return {c.name for c in contract.columns if c.type.name in KNOWN} | {"last_known_at"}


def _later(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    moved = datetime.fromisoformat(value) + LATER
    return moved.date().isoformat() if len(value) == 10 else moved.isoformat()


def shifted(given: Inputs, names: set[str]) -> Inputs:
    """The inputs with all that some of them say of the time of sending ten years later."""
    return {
        n: [{k: _later(v) if k in _known_columns(n) else v for k, v in r.items()} for r in rows]
        if n in names
        else rows
        for n, rows in given.items()
    }


def facts(rows: list[dict[str, Any]], mart: str) -> list[str]:
    """Rows known now, without what says when they were known.

    An organisation bears the id of the record of it that was known first: which one that is follows the
    clocks, who belongs together does not.
    """
    if mart == "credit/entity_record":
        alike: dict[str, list[str]] = {}
        for row in rows:
            alike.setdefault(row["entity_id"], []).append(row["record_id"])
        return sorted(str(sorted(records)) for records in alike.values())
    known = {c.name for c in CONTRACTS[mart].columns if c.type.name in KNOWN}
    now = [r for r in rows if r.get("known_to") is None]
    return sorted(json.dumps({k: v for k, v in r.items() if k not in known}, sort_keys=True) for r in now)


def _mart(case: Path) -> str:
    return "/".join(case.parts[-3:-1])


def _given(case: Path) -> Inputs:
    return json.loads((case / "inputs.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: "/".join(c.parts[-3:]))
def test_all_offices_ten_years_later(spark: Any, case: Path) -> None:
    rows, expected = (
        answer(spark, _mart(case), shifted(_given(case), set(_given(case)))),
        case / "expected.json",
    )
    columns = dict.fromkeys(rows[0] if rows else ())
    wanted = [{**columns, **r} for r in json.loads(expected.read_text("utf-8"))]
    assert facts(rows, _mart(case)) == facts(wanted, _mart(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: "/".join(c.parts[-3:]))
def test_any_one_office_ten_years_later(spark: Any, case: Path) -> None:
    given = _given(case)
    plain = facts(answer(spark, _mart(case), given), _mart(case))
    for office in {n.split("/")[0] for n in given if is_dataset(n)}:
        names = {n for n in given if n.startswith(f"{office}/")}
        assert facts(answer(spark, _mart(case), shifted(given, names)), _mart(case)) == plain, office


def test_no_mart_reads_a_clock() -> None:
    found = {
        f"{p.name}:{n.lineno}: {n.value}"
        for p in MODULES
        for n in ast.walk(ast.parse(p.read_text("utf-8")))
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and CLOCKS.search(n.value)
    }
    assert found == set()


def test_only_counting_counts_conditions() -> None:
    """SQL's count_if takes unknown for false; `marts/counting.py` says which of the two is meant."""
    found = [p.name for p in MODULES if "count_if" in p.read_text("utf-8") and p.name != "counting.py"]
    assert found == ["restatement.py"]
