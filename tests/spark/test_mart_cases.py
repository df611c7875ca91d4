"""Golden cases of the marts: `tests/cases/marts/<mart>/<table>/<case>/` holds inputs and the expected rows as
JSON; no Python.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.inputs import mart_inputs
from citylake.contract.load import load_contracts
from citylake.core.codes import load_codes
from citylake.marts.build import input_ddl, typed

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(p.parent for p in (ROOT / "tests" / "cases" / "marts").rglob("expected.json"))
CONTRACTS = load_contracts(ROOT)
MARTS = sorted(c.id for c in CONTRACTS.values() if c.kind == "mart")


def _frame(spark: Any, name: str, rows: list[dict[str, Any]]) -> Any:
    from pyspark.sql import functions as F

    if name.startswith("codes/"):
        columns = list(load_codes(ROOT, name.removeprefix("codes/"))[0])
        ddl = ", ".join(f"{c} STRING" for c in columns)
    else:
        ddl = input_ddl(ROOT, CONTRACTS, name)
    texts = spark.createDataFrame([(json.dumps(r, ensure_ascii=False),) for r in rows], "j STRING")
    return texts.select(F.from_json("j", ddl, {"mode": "FAILFAST"}).alias("r")).select("r.*")


def _build(spark: Any, mart: str, given: dict[str, list[dict[str, Any]]]) -> Any:
    module = importlib.import_module(f"citylake.marts.{mart.replace('/', '.')}")
    return typed(
        module.build({n: _frame(spark, n, given.get(n, [])) for n in mart_inputs(ROOT, mart)}),
        CONTRACTS[mart],
    )


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_builds_from_nothing(spark: Any, mart: str) -> None:
    assert _build(spark, mart, {}).count() == 0


def test_every_mart_has_a_case() -> None:
    assert {"/".join(c.parts[-3:-1]) for c in CASES} == set(MARTS)


def answer(spark: Any, mart: str, given: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of a mart over the inputs of a case, cells as JSON writes them."""
    from pyspark.sql import functions as F

    built = _build(spark, mart, given)
    # Moments as the server's session (Beijing time) prints them; the client would use the machine's zone.
    built = built.select(
        *[F.col(n).cast("string") if t == "timestamp" else F.col(n) for n, t in built.dtypes]
    )
    return [
        {k: v if v is None or isinstance(v, bool | int) else str(v) for k, v in r.asDict().items()}
        for r in built.collect()
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda c: "/".join(c.parts[-3:]))
def test_case(spark: Any, case: Path) -> None:
    given = json.loads((case / "inputs.json").read_text("utf-8"))
    expected = json.loads((case / "expected.json").read_text("utf-8"))
    rows = answer(spark, "/".join(case.parts[-3:-1]), given)
    wanted = [{**dict.fromkeys(rows[0] if rows else ()), **e} for e in expected]
    assert sorted(rows, key=json.dumps) == sorted(wanted, key=json.dumps)
