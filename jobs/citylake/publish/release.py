"""Hop 8: one create-only manifest pins the version of every published table; views follow it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citylake.contract.model import Contract
from citylake.lake.delta import version
from citylake.lake.errors import LakeError
from citylake.lake.names import mart, release_key, silver
from citylake.lake.settings import Settings
from citylake.lake.store import Store
from citylake.ledger.evidence import append
from citylake.marts.build import passed_version

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Release:
    """One state of the lake that readers see."""

    number: int
    tables: dict[str, dict[str, Any]]  # title -> {key, version, contract}
    restores: int | None = None  # a roll-back names the release whose tables it shows again


def releases(store: Store) -> list[Release]:
    """All releases in order."""
    return [Release(**json.loads(store.get(k))) for k in sorted(store.list("releases/"))]


def latest(store: Store) -> Release:
    """The release that readers see; an error when there is none."""
    found = releases(store)
    if not found:
        raise LakeError("release.none", "nothing is released yet", now="run `citylake run`")
    return found[-1]


def publish(settings: Settings, store: Store, contracts: dict[str, Contract]) -> dict[str, Any]:
    """Pin every table that passed its gate; the same tables again make no new release."""
    tables = {t: p for c in contracts.values() if (pinned := _pin(settings, store, c)) for t, p in [pinned]}
    return _create(store, tables, None)


def roll_back(store: Store, number: int) -> dict[str, Any]:
    """Show the tables of an earlier release again, as a new release."""
    old = next((r for r in releases(store) if r.number == number), None)
    if old is None:
        raise LakeError("release.unknown", f"there is no release {number}", now="list them with `citylake releases`")
    return _create(store, old.tables, number)


def _pin(settings: Settings, store: Store, contract: Contract) -> tuple[str, dict[str, Any]] | None:
    if contract.kind == "mart":
        table, at = mart(contract.id), passed_version(store, contract.id)
    else:
        table, at = silver(contract.id), version(settings, silver(contract.id))
    return None if at is None else (table.title, {"key": table.key, "version": at, "contract": f"{contract.id} {contract.version}"})


def _create(store: Store, tables: dict[str, dict[str, Any]], restores: int | None) -> dict[str, Any]:
    while True:
        known = releases(store)
        if known and known[-1].tables == tables:
            return {"release": known[-1].number, "new": False}
        body = {"number": len(known) + 1, "tables": tables, "restores": restores}
        if store.create(release_key(len(known) + 1), json.dumps(body, ensure_ascii=False, indent=1).encode()):
            append(store, "release", "released", len(known) + 1, body)
            return {"release": len(known) + 1, "new": True}


def view_statements(settings: Settings, release: Release) -> list[str]:
    """SQL that shows a release under its table titles; silver views show what is known now."""
    schemas = sorted({title.split(".")[0] for title in release.tables})
    made = [f"CREATE DATABASE IF NOT EXISTS {s}" for s in schemas]
    for title, pin in release.tables.items():
        source = f"delta.`s3a://{settings.lake}/{pin['key']}` VERSION AS OF {pin['version']}"
        made.append(f"CREATE OR REPLACE VIEW {title} AS SELECT * FROM {source}")
    return made


def create_views(spark: SparkSession, settings: Settings, release: Release) -> None:
    """Make the views of a release on a Spark server whose catalogue lives in memory."""
    for statement in view_statements(settings, release):
        spark.sql(statement).collect()
