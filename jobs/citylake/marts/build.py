"""Step 7: builds a mart table from the current gated versions of its inputs, judges it, and records which
version passed.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import astuple
from datetime import date
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from citylake.compile.suite import rows_suite
from citylake.compile.tables import silver_ddl, silver_shape, statistics
from citylake.contract.catalogue import column_comment
from citylake.contract.inputs import (
    CODES,
    COVERAGE,
    DELIVERIES,
    MARTS,
    QUARANTINE,
    REFERENCE_DAY,
    is_dataset,
    mart_code,
    mart_datasets,
    mart_inputs,
)
from citylake.contract.model import Contract
from citylake.core.codes import load_codes
from citylake.core.names import Table, mart, quarantine, silver
from citylake.core.project import mart_module
from citylake.core.settings import Settings
from citylake.ledger.evidence import append, events
from citylake.marts import deliveries as ledger
from citylake.marts import kept
from citylake.marts.kept import ABSENT
from citylake.marts.restatement import restate
from citylake.refine.flag_bits import flag_bits
from citylake.storage import reading, writing
from citylake.storage.delta import KEPT_FOR_GOOD, open_table, version
from citylake.storage.evolve import STATISTICS, ColumnShape, conformed, delta_schema, keep_statistics
from citylake.storage.spark import plan_for
from citylake.storage.store import Store

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame, SparkSession

LEDGER_DDL = {
    REFERENCE_DAY: "reference_day DATE",
    DELIVERIES: ledger.DDL,
    COVERAGE: f"mart STRING, {ledger.DDL}",
}


def build_table(
    settings: Settings,
    store: Store,
    spark: Callable[[], SparkSession],
    contracts: dict[str, Contract],
    name: str,
) -> dict[str, Any]:
    """Build and gate one mart table; nothing happens (and no Spark starts) when its inputs and its code are
    the same.

    The first input is the spine: without it there is no table. Others that have not arrived yet come as empty
    frames.
    What a new version changed of the one before goes to the restatement ledger, also when a run ended between
    the two.
    """
    contract = contracts[name]
    inputs = input_versions(settings, store, contracts, name)
    spine = next(iter(inputs))
    if inputs[spine] == ABSENT:
        return {"mart": contract.id, "built": False, "why": f"{spine} has not arrived yet", "inputs": inputs}
    built = events(store, contract.id)
    last = next((e for e in reversed(built) if e.event == "built"), None)
    if last is not None and last.facts["inputs"] == inputs:
        restate(settings, store, spark, contract, built)
        return {
            "mart": contract.id,
            "built": False,
            "why": "nothing new",
            "passed": last.facts["gate"]["passed"],
        }
    rows, code = input_rows(settings, inputs), load_mart(settings.root, name)
    plan_for(spark(), settings, rows)
    frames = input_frames(spark(), settings, store, contracts, name, inputs)
    update = hasattr(code, "update") and rows >= settings.update_from_rows
    whole = kept.frame(spark(), settings, contract, code, frames, inputs) if update else code.build(frames)
    small = not update and rows < settings.codegen_from_records
    done = _write(settings, store, contract, whole, inputs, small=small)
    return {**done, **restate(settings, store, spark, contract, events(store, contract.id))}


def input_frames(
    spark: SparkSession,
    settings: Settings,
    store: Store,
    contracts: dict[str, Contract],
    mart: str,
    inputs: dict[str, str],
) -> dict[str, DataFrame]:
    """What a build reads at these versions, by input. Code lists and the ledger are read as they are now."""
    return {
        i: _told(spark, settings, store, contracts, mart, i)
        if i in (DELIVERIES, COVERAGE)
        else _frame(spark, settings, contracts, i, at)
        for i, at in inputs.items()
        if i not in ("contract", "code")
    }


def load_mart(root: Path, name: str) -> ModuleType:
    """The module of a mart, of the project or of the package."""
    jobs = str(root / "jobs")
    if jobs not in sys.path:
        sys.path.append(jobs)
    return importlib.import_module(mart_module(root, name)[0])


def input_versions(
    settings: Settings, store: Store, contracts: dict[str, Contract], name: str
) -> dict[str, str]:
    """What a build would read: versions of silver and of quarantines, last gated versions of marts, hashes of
    code lists, of the deliveries behind it, of the mart's contract and of the code that builds, and the
    reference day itself.
    """
    found = {i: _state(settings, store, contracts, name, i) for i in mart_inputs(settings.root, name)}
    return {**found, "contract": _promised(contracts[name]), "code": mart_code(settings.root, name)}


def _state(settings: Settings, store: Store, contracts: dict[str, Contract], mart: str, name: str) -> str:
    if name.startswith(CODES):
        return _digest(settings.root / "schemas" / f"{name}.csv")
    if name in (DELIVERIES, COVERAGE):
        told = _deliveries(settings, store, contracts, mart, name)
        return ledger.digest(told) if told else ABSENT
    if name == REFERENCE_DAY:
        named = contracts[mart].reference_day
        return str(ledger.reference_day(ledger.covered(store, named), named) or ABSENT)
    at = (
        passed_version(store, name.removeprefix(MARTS))
        if name.startswith(MARTS)
        else version(settings, _table(name))
    )
    return ABSENT if at is None else str(at)


def _deliveries(
    settings: Settings, store: Store, contracts: dict[str, Contract], mart: str, name: str
) -> list[ledger.Covered] | list[tuple[str, ledger.Covered]]:
    """What the ledger tells of the datasets behind a mart, or behind each mart."""
    if name == DELIVERIES:
        return ledger.covered(store, mart_datasets(settings.root, mart))
    behind = {m.id: mart_datasets(settings.root, m.id) for m in contracts.values() if m.kind == "mart"}
    return ledger.of_marts(store, behind)


def input_rows(settings: Settings, names: Iterable[str]) -> int:
    """About how many rows the inputs have, by the statistics of their files."""
    return sum(_rows(settings, name) for name in names)


def _rows(settings: Settings, name: str) -> int:
    stored = is_dataset(name) or name.startswith((MARTS, QUARANTINE))
    opened = open_table(settings, _table(name)) if stored else None
    return 0 if opened is None else opened.count()


def _table(name: str) -> Table:
    if name.startswith(MARTS):
        return mart(name.removeprefix(MARTS))
    if name.startswith(QUARANTINE):
        return quarantine(name.removeprefix(QUARANTINE))
    return silver(name)


def _promised(contract: Contract) -> str:
    """A digest of what a mart's contract promises and of the comments that its table bears; its place is no
    part of it.
    """
    columns = [(c.name, c.type.physical, c.key, column_comment(contract, c)) for c in contract.columns]
    told = [contract.kind, columns, rows_suite(contract)["expectations"], contract.suppress_below]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _frame(
    spark: SparkSession,
    settings: Settings,
    contracts: dict[str, Contract],
    name: str,
    at: str,
) -> DataFrame:
    if name.startswith(CODES):
        rows = load_codes(settings.root, name.removeprefix(CODES))
        columns = list(rows[0])
        return spark.createDataFrame(
            [tuple(r[c] or None for c in columns) for r in rows], ", ".join(f"{c} STRING" for c in columns)
        )
    if at == ABSENT:
        return spark.createDataFrame([], input_ddl(settings.root, contracts, name))
    if name == REFERENCE_DAY:
        return spark.createDataFrame([(date.fromisoformat(at),)], input_ddl(settings.root, contracts, name))
    rows = reading.frame(spark, settings, _table(name), int(at))
    if not is_dataset(name):
        return rows
    return conformed(rows, silver_shape(contracts[name]), partial(flag_bits, settings, contracts[name]))


def _told(
    spark: SparkSession,
    settings: Settings,
    store: Store,
    contracts: dict[str, Contract],
    mart: str,
    name: str,
) -> DataFrame:
    rows = [
        (d[0], *astuple(d[1])) if isinstance(d, tuple) else astuple(d)
        for d in _deliveries(settings, store, contracts, mart, name)
    ]
    return spark.createDataFrame(rows, LEDGER_DDL[name])


def input_ddl(root: Path, contracts: dict[str, Contract], name: str) -> str:
    """The columns of a dataset's silver table, of its quarantine, of another mart or of what the ledger
    tells, as Spark DDL.
    """
    if name in LEDGER_DDL:
        return LEDGER_DDL[name]
    if name.startswith(QUARANTINE):
        return "_receipt BIGINT, reasons ARRAY<STRING>, record STRING"
    contract = contracts[name.removeprefix(MARTS)]
    if contract.kind == "mart":
        return ", ".join(f"{c.name} {c.type.physical}" for c in contract.columns)
    return silver_ddl(contract)


def _write(
    settings: Settings,
    store: Store,
    contract: Contract,
    frame: DataFrame,
    inputs: dict[str, str],
    *,
    small: bool,
) -> dict[str, Any]:
    from pyspark.sql import Observation

    from citylake.quality.batch import judge_mart
    from citylake.quality.metrics import plan, with_key_counts

    table = mart(contract.id)
    suite, seen = rows_suite(contract), Observation(f"gate {contract.id}")
    counted = with_key_counts(typed(frame, contract), suite)
    watched = counted.observe(seen, *plan(suite, counted)).select(*[c.name for c in contract.columns])
    _put(settings, contract, watched, {"userMetadata": json.dumps(inputs)}, small=small)
    gate = judge_mart(settings.root, contract, counted.schema.json(), dict(seen.get))
    facts = {"inputs": inputs, "version": version(settings, table), "gate": gate}
    append(store, contract.id, "built", None, facts)
    return {"mart": contract.id, "built": True, "passed": gate["passed"], "version": facts["version"]}


def _put(
    settings: Settings, contract: Contract, rows: DataFrame, told: dict[str, str], *, small: bool
) -> None:
    """Replace what a mart holds, in one commit. Few rows pass through the memory of this process."""
    table, properties = mart(contract.id), {STATISTICS: statistics(contract)}
    opened = _in_memory(settings, contract, table, properties) if small else None
    if opened is None:
        if (held := open_table(settings, table)) is not None:
            keep_statistics(rows.sparkSession, held, table.sql(settings.lake), statistics(contract))
        writer = rows.coalesce(1).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.options(**properties, **told).save(table.spark_uri(settings.lake))
        return
    found = writing.commented(rows.toArrow(), {c.name: column_comment(contract, c) for c in contract.columns})
    writing.overwrite(opened, found, writing.Mark(told))


def _in_memory(
    settings: Settings, contract: Contract, table: Table, properties: dict[str, str]
) -> DeltaTable | None:
    """The table of a mart, made empty at first, when delta-rs can write it as its contract wants it."""
    shape = [ColumnShape(c.name, c.type.physical) for c in contract.columns]
    opened = writing.create(settings, table, delta_schema(shape), {**KEPT_FOR_GOOD, **properties})
    said = opened.metadata().configuration
    return opened if writing.writable(opened) and properties.items() <= said.items() else None


def typed(frame: DataFrame, contract: Contract) -> DataFrame:
    """The columns of the contract in its order and types, with its comments; a column that the build lacks is
    an error.
    """
    from pyspark.sql import functions as F

    said = {c.name: {"comment": column_comment(contract, c)} for c in contract.columns}
    return frame.select(
        *[F.col(n).cast(contract.column(n).type.physical).alias(n, metadata=m) for n, m in said.items()]
    )


def passed_version(store: Store, name: str) -> int | None:
    """The version of a mart table's last build that passed its gate; None when none did."""
    built = [e for e in events(store, name) if e.event == "built" and e.facts["gate"]["passed"]]
    return int(built[-1].facts["version"]) if built else None


def table_of(contract: Contract) -> Table:
    """Where a contract's readable table lies."""
    return mart(contract.id) if contract.kind == "mart" else silver(contract.id)
