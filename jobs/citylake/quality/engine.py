"""Great Expectations' own Spark engine with one change: it says which numbers it needs, and judges numbers
that are given.

Planning: metrics that would need a Spark job are noted as aggregate Columns, which GX's providers build
themselves.
Judging: the same metrics are answered by their identity from stored numbers; nothing else is answered, so a
number
that was not planned fails the gate. Samples of bad rows are never asked for: they come from quarantine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

KEY_COUNT = "_rows_of_"  # prefix of the columns that hold how many rows share a key
_SAMPLES = (
    ".unexpected_values",
    ".unexpected_rows",
    ".unexpected_index_list",
    ".unexpected_index_query",
    ".unexpected_value_counts",
)
_UNIQUE = ("column_values.unique.unexpected_count", "compound_columns.unique.unexpected_count")
_FILTERED = "compound_columns.unique.filtered_row_count"


class Unplanned(Exception):
    """The verdict asks for a number that nobody counted."""


class Planned:
    """Stands for a number that is not known yet."""


def metric_alias(metric_id: tuple[str, str, str]) -> str:
    """A short stable name for a metric: the same expectation has the same alias in plan and verdict."""
    return "gx_" + hashlib.sha256(json.dumps(metric_id).encode()).hexdigest()[:20]


def key_count(columns: Iterable[str]) -> str:
    """The name of the column that counts the rows of one key."""
    return KEY_COUNT + "__".join(columns)


class _Bare(SparkDFExecutionEngine):
    """The engine without a session of its own: GX's constructor would start a JVM."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]
        ExecutionEngine.__init__(self)
        self._persist = False


class PlanningEngine(_Bare):
    """Collects in `noted` the aggregate Column of every number that a verdict will need; runs no job."""

    def __init__(self, frame: DataFrame) -> None:
        """`frame` is what will be written."""
        super().__init__()
        self.noted: dict[str, Column] = {}
        ExecutionEngine.load_batch_data(self, "rows", SparkDFBatchData(self, frame))  # pyright: ignore[reportArgumentType]

    def resolve_metrics(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """GX's own resolution for what is lazy; a note and a placeholder for what needs a job."""
        wanted = list(metrics_to_resolve)
        placed = {m.id: v for m in wanted if (v := self._without_job(m)) is not None}
        rest = [m for m in wanted if m.id not in placed]
        if not rest:
            return placed
        direct, bundled = self._build_direct_and_bundled_metric_computation_configurations(
            rest, metrics, runtime_configuration
        )
        for item in bundled:
            self._note(item.metric_configuration, item.metric_fn, item.compute_domain_kwargs or {})
            placed[item.metric_configuration.id] = Planned()
        return placed | self._process_direct_and_bundled_metric_computation_configurations(direct, [])

    def _without_job(self, metric: Any) -> Any:
        if metric.metric_name.endswith(_SAMPLES):
            return []
        if metric.metric_name in (*_UNIQUE, _FILTERED):
            self._note(metric, self._key_aggregate(metric), metric.metric_domain_kwargs)
            return Planned()
        return None

    def _key_aggregate(self, metric: Any) -> Column:
        from pyspark.sql import functions as F

        domain = metric.metric_domain_kwargs
        columns = domain.get("column_list") or [domain["column"]]
        present = F.coalesce(*[F.col(c).isNotNull().cast("int") for c in columns]) > 0
        for c in columns[1:]:
            present = present | F.col(c).isNotNull()
        if metric.metric_name == _FILTERED:
            return F.count_if(present)
        return F.count_if(present & (F.col(key_count(columns)) > 1))

    def _note(self, metric: Any, column: Column, domain: dict[str, Any]) -> None:
        if domain.get("row_condition"):
            raise Unplanned(f"{metric.metric_name}: conditions on rows are not planned")
        self.noted[metric_alias(metric.id)] = column


class JudgingEngine(_Bare):
    """Answers from stored numbers; has no rows and no session."""

    def __init__(self, columns: list[str], types: list[dict[str, Any]], stored: dict[str, Any]) -> None:
        """`stored` maps `metric_alias` to the counted value."""
        super().__init__()
        self._table = {"table.columns": columns, "table.column_types": types}
        self._stored = stored

    def resolve_metrics(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """A stored number, a fact of the schema, or a lazy part that no one will evaluate; anything else is
        an error.
        """
        return {m.id: self._answer(m) for m in metrics_to_resolve}

    def _answer(self, metric: Any) -> Any:
        alias = metric_alias(metric.id)
        if alias in self._stored:
            return self._stored[alias]
        if metric.metric_name in self._table:
            return self._table[metric.metric_name]
        if metric.metric_name.endswith(_SAMPLES):
            return []
        if metric.metric_name.endswith((".condition", ".aggregate_fn", ".map")):
            return (None, {}, {})
        raise Unplanned(f"{metric.metric_name} was not counted")
