"""Hop 7: builds a mart table from the current gated versions of its inputs, judges it, and records which version passed."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citylake.contract.inputs import mart_inputs
from citylake.contract.load import load_codes
from citylake.contract.model import Contract
from citylake.contract.suite import rows_suite
from citylake.lake.delta import version
from citylake.lake.names import Table, mart, silver
from citylake.lake.settings import Settings
from citylake.lake.store import Store
from citylake.ledger.evidence import Event, append, events

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def build_table(settings: Settings, store: Store, spark: Callable[[], SparkSession], contract: Contract) -> dict[str, Any]:
    """Build and gate one mart table; nothing happens (and no Spark starts) when its inputs and its code are the same."""
    module = f"citylake.marts.{contract.id.replace('/', '.')}"
    inputs = input_versions(settings, settings.root, contract.id)
    if any(v == "-1" for v in inputs.values()):
        return {"mart": contract.id, "built": False, "why": "an input has not arrived yet", "inputs": inputs}
    last = _last(store, contract)
    if last is not None and last.facts["inputs"] == inputs:
        return {"mart": contract.id, "built": False, "why": "nothing new", "passed": last.facts["gate"]["passed"]}
    frames = {name: _frame(spark(), settings, name, at) for name, at in inputs.items() if name != "code"}
    return _write(settings, store, contract, importlib.import_module(module).build(frames), inputs)


def input_versions(settings: Settings, root: Path, name: str) -> dict[str, str]:
    """What a build would read: Delta versions of silver, hashes of code lists and of the mart's own code."""
    found = {i: _state(settings, root, i) for i in mart_inputs(root, name)}
    return {**found, "code": _digest(root / "jobs" / "citylake" / "marts" / f"{name}.py")}


def _state(settings: Settings, root: Path, name: str) -> str:
    if name.startswith("codes/"):
        return _digest(root / "schemas" / f"{name}.csv")
    at = version(settings, silver(name))
    return "-1" if at is None else str(at)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _last(store: Store, contract: Contract) -> Event | None:
    return next((e for e in reversed(events(store, contract.id)) if e.event == "built"), None)


def _frame(spark: SparkSession, settings: Settings, name: str, at: str) -> DataFrame:
    if name.startswith("codes/"):
        rows = load_codes(settings.root, name.removeprefix("codes/"))
        columns = list(rows[0])
        return spark.createDataFrame([tuple(r[c] or None for c in columns) for r in rows], ", ".join(f"{c} STRING" for c in columns))
    return spark.read.format("delta").option("versionAsOf", at).load(silver(name).spark_uri(settings.lake))


def _write(settings: Settings, store: Store, contract: Contract, frame: DataFrame, inputs: dict[str, str]) -> dict[str, Any]:
    from pyspark.sql import Observation

    from citylake.quality.batch import judge_mart
    from citylake.quality.metrics import plan, with_key_counts

    table = mart(contract.id)
    suite, seen = rows_suite(contract), Observation(f"gate {contract.id}")
    counted = with_key_counts(typed(frame, contract), suite)
    watched = counted.observe(seen, *plan(suite, counted)).select(*[c.name for c in contract.columns])
    writer = watched.coalesce(1).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.option("userMetadata", json.dumps(inputs)).save(table.spark_uri(settings.lake))
    gate = judge_mart(settings.root, contract, counted.schema.json(), dict(seen.get))
    facts = {"inputs": inputs, "version": version(settings, table), "gate": gate}
    append(store, contract.id, "built", None, facts)
    return {"mart": contract.id, "built": True, "passed": gate["passed"], "version": facts["version"]}


def typed(frame: DataFrame, contract: Contract) -> DataFrame:
    """The columns of the contract in its order and types; a column that the build lacks is an error."""
    from pyspark.sql import functions as F

    return frame.select(*[F.col(c.name).cast(c.type.physical).alias(c.name) for c in contract.columns])


def passed_version(store: Store, contract: Contract) -> int | None:
    """The version of the last build that passed its gate; None when none did."""
    built = [e for e in events(store, contract.id) if e.event == "built" and e.facts["gate"]["passed"]]
    return int(built[-1].facts["version"]) if built else None


def table_of(contract: Contract) -> Table:
    """Where a contract's readable table lies."""
    return mart(contract.id) if contract.kind == "mart" else silver(contract.id)
