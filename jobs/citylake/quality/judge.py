"""Great Expectations judges: from stored numbers, or on one row of facts. An exception is a failed verdict,
never a pass.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

RUNTIME = {"result_format": {"result_format": "BASIC"}}
_BOUNDS = (
    "min_value",
    "max_value",
    "column_A",
    "column_B",
    "column_list",
)  # a list of codes stands in the suite


@dataclass(frozen=True)
class Verdict:
    """What GX said about one expectation."""

    rule_id: str
    expectation: str
    column: str | None
    severity: str
    success: bool
    element_count: int | None = None
    unexpected_count: int | None = None
    observed: Any = None
    exception: str | None = None
    bound: dict[str, Any] = field(default_factory=dict)  # what the suite demands, by its own names


@dataclass(frozen=True)
class Judgement:
    """All verdicts of a suite; passed when no critical one failed and nothing went wrong."""

    passed: bool
    verdicts: tuple[Verdict, ...]
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for the evidence."""
        return {"passed": self.passed, "reason": self.reason, "verdicts": [asdict(v) for v in self.verdicts]}


def resolved_metrics(expectation: Any, engine: Any) -> dict[Any, Any]:
    """All metrics of one expectation, resolved by GX's own graph; the first error is raised."""
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    wanted = expectation.get_validation_dependencies(engine, RUNTIME).get_metric_configurations()
    calculator = MetricsCalculator(execution_engine=engine, show_progress_bars=False)
    found, aborted = calculator.compute_metrics(metric_configurations=wanted, runtime_configuration=RUNTIME)
    for failure in aborted.values():
        raise RuntimeError(sorted(e.exception_message for e in failure["exception_info"])[0])
    return found


def judge_stored(suite: dict[str, Any], schema: StructType, observed: dict[str, Any]) -> Judgement:
    """The verdicts of a suite from numbers counted by the aggregates of `metrics.plan`; no Spark, no job."""
    from citylake.quality.engine import JudgingEngine

    types = [{"name": f.name, "type": f.dataType} for f in schema.fields]
    return _judge(suite, JudgingEngine(schema.fieldNames(), types, observed))


def judge_facts(suite: dict[str, Any], facts: dict[str, Any]) -> Judgement:
    """The verdicts of a suite on one row of facts."""
    import pandas as pd
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine

    engine = PandasExecutionEngine(batch_data_dict={"facts": pd.DataFrame([facts])})
    judged = _judge(suite, engine)
    return replace(judged, verdicts=tuple(replace(v, observed=_seen(v, facts)) for v in judged.verdicts))


def _seen(verdict: Verdict, facts: dict[str, Any]) -> Any:
    """The facts that a verdict on one row of facts speaks of; of a pair GX names no single value."""
    pair = [str(facts.get(verdict.bound[k])) for k in ("column_A", "column_B") if k in verdict.bound]
    return " / ".join(pair) if pair else facts.get(verdict.column or "", verdict.observed)


def _judge(suite: dict[str, Any], engine: Any) -> Judgement:
    from great_expectations.core import ExpectationSuite

    expectations = ExpectationSuite(**suite).expectations
    if not expectations:
        return Judgement(False, (), "the suite is empty")
    bounds = {e["meta"]["rule_id"]: e["kwargs"] for e in suite["expectations"]}
    verdicts = tuple(_verdict(e, engine, bounds) for e in expectations)
    failed = [v.rule_id for v in verdicts if not v.success and (v.severity == "critical" or v.exception)]
    return Judgement(not failed, verdicts, ", ".join(failed))


def _verdict(expectation: Any, engine: Any, bounds: dict[str, dict[str, Any]]) -> Verdict:
    rule = str((expectation.meta or {}).get("rule_id", expectation.expectation_type))
    head = (
        rule,
        expectation.expectation_type,
        getattr(expectation, "column", None),
        str(getattr(expectation.severity, "value", expectation.severity)),
    )
    bound = {k: v for k, v in bounds.get(rule, {}).items() if k in _BOUNDS}
    try:
        result = expectation.metrics_validate(
            metrics=resolved_metrics(expectation, engine),
            execution_engine=engine,
            runtime_configuration=RUNTIME,
        )
    except (
        Exception
    ) as error:  # whatever goes wrong in judging is a failed gate, and the run goes on to tell it
        return Verdict(*head, False, exception=f"{type(error).__name__}: {str(error)[:300]}", bound=bound)
    told = result.result
    return Verdict(
        *head,
        bool(result.success),
        told.get("element_count"),
        told.get("unexpected_count"),
        told.get("observed_value"),
        bound=bound,
    )
