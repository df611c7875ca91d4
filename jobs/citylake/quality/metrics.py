"""Which numbers a suite needs, as aggregate Columns for the one `observe` of a write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_UNIQUE = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")
_PLANNED: dict[tuple[str, str], list[Column]] = {}  # suite and shape of the frame -> aggregates


def uniqueness_keys(suite: dict[str, Any]) -> list[tuple[str, ...]]:
    """The column sets whose uniqueness a suite demands."""
    demands = [e["kwargs"] for e in suite["expectations"] if e["type"] in _UNIQUE]
    return sorted({tuple(k.get("column_list") or [k["column"]]) for k in demands})


def with_key_counts(frame: DataFrame, suite: dict[str, Any]) -> DataFrame:
    """Add to every row how many rows share its key; no shuffle where the frame is partitioned by that key
    already.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    from citylake.quality.engine import key_count

    counts = {
        key_count(keys): F.count(F.lit(1)).over(Window.partitionBy(*keys)) for keys in uniqueness_keys(suite)
    }
    return frame.withColumns(counts) if counts else frame


def plan(suite: dict[str, Any], frame: DataFrame) -> list[Column]:
    """The aggregates behind the verdicts of a suite, aliased by metric; GX's providers build them, once in a
    process for frames of one shape. No Spark job.
    """
    from great_expectations.core import ExpectationSuite

    from citylake.quality.engine import PlanningEngine
    from citylake.quality.judge import resolved_metrics

    shape = json.dumps(suite, sort_keys=True), frame.schema.json()
    if shape not in _PLANNED:
        engine = PlanningEngine(frame)
        for expectation in ExpectationSuite(**suite).expectations:
            resolved_metrics(expectation, engine)
        _PLANNED[shape] = [column.alias(alias) for alias, column in engine.noted.items()]
    return _PLANNED[shape]
