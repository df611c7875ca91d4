"""Compiles a contract to Great Expectations suites as plain JSON; committed under `expectations/` and
compared in CI.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from citylake.compile.tables import silver_columns
from citylake.contract.model import Column, Contract

CRITICAL, WARNING = "critical", "warning"


def rows_suite(contract: Contract) -> dict[str, Any]:
    """What the accepted rows of a batch, or the rows of a mart, must show."""
    table = contract.name
    rules = [
        _rule(f"{table}.row_count", "expect_table_row_count_to_be_between", _row_bounds(contract), CRITICAL)
    ]
    rules += [r for c in silver_columns(contract) for r in _column_rules(c)]
    rules.append(_unique(contract))
    return {
        "name": contract.id.replace("/", "_") + "_rows",
        "expectations": rules,
        "meta": {"contract": contract.id, "version": contract.version},
    }


def batch_suite(contract: Contract) -> dict[str, Any]:
    """What the counts of a batch must show: one row of facts, see `quality.gate.batch_facts`."""
    table = contract.name
    pair = {"column_A": "received", "column_B": "accounted"}
    limits = {
        "quarantine_share": contract.quarantine_max,
        "superseded_share": contract.superseded_bound,
        "ended_share": contract.ended_max,
    }
    rules = [
        _rule(f"{table}.conservation", "expect_column_pair_values_to_be_equal", pair, CRITICAL),
        _rule(
            f"{table}.attested_records",
            "expect_column_pair_values_to_be_equal",
            {"column_A": "received", "column_B": "decoded"},
            CRITICAL,
        ),
    ]
    rules += [
        _rule(
            f"{table}.{n}",
            "expect_column_values_to_be_between",
            {"column": n, "min_value": 0, "max_value": m},
            CRITICAL,
        )
        for n, m in limits.items()
    ]
    return {
        "name": contract.id.replace("/", "_") + "_batch",
        "expectations": rules,
        "meta": {"contract": contract.id, "version": contract.version},
    }


def _row_bounds(contract: Contract) -> dict[str, Any]:
    """A zero report, where the contract allows it, has no least number of rows."""
    least = 0 if contract.empty_allowed else contract.rows_min
    return {k: v for k, v in (("min_value", least), ("max_value", contract.rows_max)) if v is not None}


def _column_rules(column: Column) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    if column.required:
        rules.append(
            _rule(
                f"{column.name}.missing",
                "expect_column_values_to_not_be_null",
                {"column": column.name},
                CRITICAL,
            )
        )
    for raw in column.type.expectations:
        short = raw["type"].removeprefix("expect_column_").removeprefix("values_to_")
        rules.append(
            _rule(
                f"{column.name}.{short}",
                raw["type"],
                {"column": column.name, **raw["kwargs"]},
                raw.get("severity", CRITICAL),
            )
        )
    return rules


def _unique(contract: Contract) -> dict[str, Any]:
    rule = f"{contract.name}.key_unique"
    if len(contract.keys) == 1:
        return _rule(rule, "expect_column_values_to_be_unique", {"column": contract.keys[0]}, CRITICAL)
    return _rule(rule, "expect_compound_columns_to_be_unique", {"column_list": list(contract.keys)}, CRITICAL)


def _rule(rule_id: str, kind: str, kwargs: dict[str, Any], severity: str) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {"rule_id": rule_id}}


def suite_files(contracts: dict[str, Contract]) -> dict[str, str]:
    """File name below `expectations/` -> text, for every contract."""
    out: dict[str, str] = {}
    for contract in contracts.values():
        out[suite_path(contract, "rows")] = _text(rows_suite(contract))
        if contract.kind != "mart":
            out[suite_path(contract, "batch")] = _text(batch_suite(contract))
    return out


def suite_path(contract: Contract, part: str) -> str:
    """Where a suite lies below `expectations/`; `part` is `rows` or `batch`."""
    return f"{'marts/' if contract.kind == 'mart' else ''}{contract.id}.{part}.json"


def _text(suite: dict[str, Any]) -> str:
    return json.dumps(suite, ensure_ascii=False, indent=1) + "\n"


def stale_suites(contracts: dict[str, Contract], root: Path) -> list[Path]:
    """The files below `expectations/` that differ from what the contracts give, missing and left-over ones
    included.
    """
    wanted = {root / "expectations" / name: text for name, text in suite_files(contracts).items()}
    differ = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    return [*differ, *(p for p in sorted((root / "expectations").rglob("*.json")) if p not in wanted)]


def write_suites(contracts: dict[str, Contract], root: Path) -> list[Path]:
    """Write `expectations/` anew; returns the files that changed."""
    wanted = {root / "expectations" / name: text for name, text in suite_files(contracts).items()}
    changed = stale_suites(contracts, root)
    for path in changed:
        if path not in wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    return changed
