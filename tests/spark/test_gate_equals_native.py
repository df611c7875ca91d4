"""For every expectation type in use GX on stored numbers says what native GX says on Spark, with no Spark job
of its own.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from citylake.core.settings import Settings
from citylake.quality.judge import judge_stored
from citylake.quality.metrics import plan, with_key_counts
from citylake.storage.spark import spark_jobs

SCHEMA = "a string, b decimal(9,2), f boolean, d date"
ROWS = {
    "clean": [("a", Decimal(1), True, date(2016, 1, 1)), ("b", Decimal(2), True, date(2016, 1, 2))],
    "dirty": [
        ("a", Decimal(1), True, date(1800, 1, 1)),
        ("a", Decimal(9), None, None),
        (None, None, False, date(2016, 1, 1)),
        ("zzz", Decimal(1), True, date(2016, 1, 1)),
        ("a", Decimal(1), True, None),
    ],
    "nulls": [(None, None, None, None), (None, None, None, None)],
    "empty": [],
}


def _rule(name: str, kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": "critical", "meta": {"rule_id": name}}


SUITE = {
    "name": "all",
    "meta": {},
    "expectations": [
        _rule("rows", "expect_table_row_count_to_be_between", min_value=1, max_value=4),
        _rule("null", "expect_column_values_to_not_be_null", column="a"),
        _rule("between", "expect_column_values_to_be_between", column="b", min_value=0, max_value=5),
        _rule(
            "dates",
            "expect_column_values_to_be_between",
            column="d",
            min_value="1900-01-02",
            max_value="2099-12-30",
        ),
        _rule("regex", "expect_column_values_to_match_regex", column="a", regex="^[a-c]$"),
        _rule("length", "expect_column_value_lengths_to_be_between", column="a", min_value=1, max_value=2),
        _rule("set", "expect_column_values_to_be_in_set", column="f", value_set=[True]),
        _rule("unique", "expect_column_values_to_be_unique", column="a"),
        _rule("compound", "expect_compound_columns_to_be_unique", column_list=["a", "b"]),
    ],
}


def test_this_suite_holds_every_type_in_use(root: Path) -> None:
    texts = [p.read_text("utf-8") for p in (root / "expectations").rglob("*.rows.json")]
    used = {e["type"] for text in texts for e in json.loads(text)["expectations"]}
    assert used == {e["type"] for e in SUITE["expectations"]}


def _native(frame: Any) -> dict[str, Any]:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_spark("native", persist=False)
    batch = (
        source.add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": frame})
    )
    found = batch.validate(gx.ExpectationSuite(**SUITE), result_format="BASIC")
    return {r.expectation_config.meta["rule_id"]: r for r in found.results}


@pytest.mark.parametrize("case", ROWS)
def test_stored_numbers_give_the_native_verdict(spark: Any, lake_settings: Settings, case: str) -> None:
    from pyspark.sql import Observation

    frame = spark.createDataFrame(ROWS[case], SCHEMA)
    counted = with_key_counts(frame, SUITE)
    seen = Observation(f"gate {case}")
    target = f"s3a://{lake_settings.lake}/test/gate_{case}"
    counted.observe(seen, *plan(SUITE, counted)).write.format("delta").mode("overwrite").save(target)
    before = spark_jobs(lake_settings)
    judged = judge_stored(SUITE, counted.schema, dict(seen.get))
    assert spark_jobs(lake_settings) == before
    native = _native(frame)
    assert {v.rule_id: v.exception for v in judged.verdicts if v.exception} == {}
    for verdict in judged.verdicts:
        theirs = native[verdict.rule_id]
        assert verdict.success == theirs.success, verdict
        assert verdict.unexpected_count == theirs.result.get("unexpected_count"), verdict
        assert verdict.element_count == theirs.result.get("element_count"), verdict


def test_counting_adds_no_spark_job_to_a_write(spark: Any, lake_settings: Settings) -> None:
    from pyspark.sql import Observation

    suite = {**SUITE, "expectations": [e for e in SUITE["expectations"] if "unique" not in e["type"]]}
    frame = spark.createDataFrame(ROWS["dirty"], SCHEMA)

    def jobs(target: str, watched: Any) -> int:
        before = spark_jobs(lake_settings)
        watched.write.format("delta").mode("overwrite").save(f"s3a://{lake_settings.lake}/test/{target}")
        return spark_jobs(lake_settings) - before

    jobs("plain", frame)
    jobs("counted", frame)
    assert jobs("counted", frame.observe(Observation("none"), *plan(suite, frame))) == jobs("plain", frame)


def test_a_forged_number_flips_its_verdict_alone(spark: Any) -> None:
    frame = spark.createDataFrame(ROWS["clean"], SCHEMA)
    counted = with_key_counts(frame, SUITE)
    columns = plan(SUITE, counted)
    stored = counted.agg(*columns).collect()[0].asDict()
    assert judge_stored(SUITE, counted.schema, stored).passed
    flipped = set()
    for alias, value in stored.items():
        if value == 0:
            judged = judge_stored(SUITE, counted.schema, {**stored, alias: 1})
            flipped |= {v.rule_id for v in judged.verdicts if not v.success}
            assert sum(not v.success for v in judged.verdicts) <= 2, alias
    assert flipped >= {"null", "between", "dates", "regex", "length", "set", "unique", "compound"}
