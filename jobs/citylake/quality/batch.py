"""The gate of a batch: the suites of `expectations/` against what was counted while Spark wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from citylake.compile.suite import suite_path
from citylake.contract.model import Contract


def load_suite(root: Path, contract: Contract, part: str) -> dict[str, Any]:
    """A committed suite: `rows` or `batch`."""
    return json.loads((root / "expectations" / suite_path(contract, part)).read_text("utf-8"))


def judge_batch(
    root: Path, contract: Contract, decoded: int | None, refined: dict[str, Any]
) -> dict[str, Any]:
    """Both suites; passed only when both pass. A batch whose bronze count is unknown fails."""
    from citylake.quality.gate import batch_facts, judge_rows
    from citylake.quality.judge import judge_facts

    rows = judge_rows(load_suite(root, contract, "rows"), _schema(refined["schema"]), refined["observed"])
    facts = judge_facts(
        load_suite(root, contract, "batch"), batch_facts({**refined["counts"], "decoded": decoded})
    )
    return {"passed": rows.passed and facts.passed, "rows": rows.to_json(), "batch": facts.to_json()}


def judge_mart(root: Path, contract: Contract, schema: str, observed: dict[str, Any]) -> dict[str, Any]:
    """The rows suite of a mart table."""
    from citylake.quality.gate import judge_rows

    rows = judge_rows(load_suite(root, contract, "rows"), _schema(schema), observed)
    return {"passed": rows.passed, "rows": rows.to_json()}


def _schema(text: str) -> Any:
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(text))
