"""The gate stays closed whenever anything is missing or wrong."""

from __future__ import annotations

from typing import Any

import pytest
from citylake.compile.suite import batch_suite
from citylake.contract.load import load_contracts
from citylake.quality.gate import batch_facts, judge_rows
from citylake.quality.judge import judge_facts, judge_stored

GOOD = {
    "accepted": 98,
    "duplicate": 1,
    "superseded": 0,
    "quarantined": 1,
    "received": 100,
    "decoded": 100,
    "unchanged": 90,
    "change": 5,
    "ended": 2,
}


@pytest.fixture(scope="module")
def suite(root) -> dict[str, Any]:
    return batch_suite(load_contracts(root)["market_regulation/legal_entity"])


def test_a_sound_batch_passes(suite: dict[str, Any]) -> None:
    assert judge_facts(suite, batch_facts(GOOD)).passed


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"accepted": 97}, "legal_entity.conservation"),
        ({"decoded": 101}, "legal_entity.attested_records"),
        ({"decoded": None}, "legal_entity.attested_records"),
        ({"accepted": 9, "quarantined": 90}, "legal_entity.quarantine_share"),
        ({"accepted": 20, "superseded": 78}, "legal_entity.superseded_share"),
        ({"ended": 60, "unchanged": 30}, "legal_entity.ended_share"),
    ],
)
def test_each_fact_can_close_the_gate(suite: dict[str, Any], change: dict[str, Any], rule: str) -> None:
    judged = judge_facts(suite, batch_facts(GOOD | change))
    assert not judged.passed
    assert rule in judged.reason


def test_no_numbers_no_rules_and_unplanned_numbers_fail() -> None:
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField("a", StringType())])
    rule = {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "a"},
        "severity": "critical",
        "meta": {"rule_id": "a.missing"},
    }
    suite = {"name": "s", "expectations": [rule], "meta": {}}
    assert judge_rows(suite, schema, {}).reason == "nothing was counted"
    assert not judge_stored({"name": "s", "expectations": [], "meta": {}}, schema, {"gx_x": 1}).passed
    judged = judge_stored(suite, schema, {"gx_x": 1})
    assert not judged.passed
    assert judged.verdicts[0].exception is not None


def test_a_failed_warning_does_not_close_the_gate() -> None:
    fact = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "x", "max_value": 1},
        "meta": {"rule_id": "x"},
    }
    assert judge_facts(
        {"name": "s", "expectations": [fact | {"severity": "warning"}], "meta": {}}, {"x": 5}
    ).passed
    assert not judge_facts(
        {"name": "s", "expectations": [fact | {"severity": "critical"}], "meta": {}}, {"x": 5}
    ).passed
