"""Marts that are built on from their last build: the rows that changed are merged into a kept table, and the
mart is its columns.

A module takes part by an `update(inputs, changed, kept)` beside its `build(inputs)`: it gives the rows of
`build` that are new or
differ; `changed` are the inputs that did. What is kept follows from the inputs alone, so where it is missing,
older than the code or
the code lists, or silver did anything but grow, the mart is built whole again; only the cost tells the two
apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from citylake.contract.inputs import is_dataset
from citylake.contract.model import Contract
from citylake.core.names import kept, silver
from citylake.core.settings import Settings
from citylake.storage.delta import commits, open_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ABSENT = "-1"  # the version of an input that no department has delivered yet
GROWTH = (
    "MERGE",
    "CREATE TABLE",
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
)  # commits of silver that take no row away, besides appends


def frame(
    spark: SparkSession,
    settings: Settings,
    contract: Contract,
    module: ModuleType,
    frames: Mapping[str, DataFrame],
    at: dict[str, str],
) -> DataFrame:
    """All rows of a mart of many input rows that its module can update; `at` are the versions of its
    inputs.
    """
    address = kept(contract.id).spark_uri(settings.lake)
    before = _inputs(settings, contract)
    if before is None or not all(
        _grew(settings, name, before.get(name, ABSENT), now) for name, now in at.items()
    ):
        writer = (
            module.build(frames).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        )
        writer.option("delta.enableDeletionVectors", "true").option("userMetadata", json.dumps(at)).save(
            address
        )
    elif before != at:
        held = spark.read.format("delta").load(address)
        news = {name: frames[name] for name, now in at.items() if name in frames and before.get(name) != now}
        _merge(spark, settings, contract, module.update(frames, news, held), at)
    return spark.read.format("delta").load(address)


def _inputs(settings: Settings, contract: Contract) -> dict[str, str] | None:
    """The versions that the kept rows were built from."""
    opened = open_table(settings, kept(contract.id))
    return None if opened is None else json.loads(opened.history(1)[0].get("userMetadata") or "null")


def _grew(settings: Settings, name: str, before: str, now: str) -> bool:
    """Whether an input is the same, or a silver table that only took rows in since."""
    if before == now:
        return True
    if not is_dataset(name) or int(now) < int(before):
        return False
    since = commits(settings, silver(name), int(before), int(now))
    return len(since) == int(now) - int(before) and all(
        c["operation"] in GROWTH or _appends(c) for c in since
    )


def _appends(commit: Mapping[str, object]) -> bool:
    parameters = commit.get("operationParameters")
    return (
        commit["operation"] == "WRITE" and isinstance(parameters, dict) and parameters.get("mode") == "Append"
    )


def _merge(
    spark: SparkSession, settings: Settings, contract: Contract, changed: DataFrame, at: dict[str, str]
) -> None:
    view, metadata = (
        f"changed_{contract.id.replace('/', '_')}",
        "spark.databricks.delta.commitInfo.userMetadata",
    )
    changed.createOrReplaceTempView(view)
    on = " AND ".join(f"k.{key} = c.{key}" for key in contract.keys)
    spark.conf.set(metadata, json.dumps(at))  # SQL MERGE takes no writer options
    try:
        target = kept(contract.id).sql(settings.lake)
        spark.sql(
            f"MERGE INTO {target} k USING {view} c ON {on} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED"
            " THEN INSERT *"
        ).collect()
    finally:
        spark.conf.unset(metadata)
