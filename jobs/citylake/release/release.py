"""Hop 8: one create-only manifest pins the version of every published table; views follow it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import mart, release_key, silver
from citylake.core.settings import Settings
from citylake.ledger.evidence import append
from citylake.marts.build import passed_version
from citylake.privacy.masking import holds_persons
from citylake.storage.delta import version
from citylake.storage.store import Store

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


def find_release(store: Store, number: int) -> Release:
    """One release by its number; an error when there is none."""
    found = next((r for r in releases(store) if r.number == number), None)
    if found is None:
        raise LakeError(
            "release.unknown", f"there is no release {number}", now="list them with `citylake releases`"
        )
    return found


def roll_back(store: Store, number: int) -> dict[str, Any]:
    """Show the tables of an earlier release again, as a new release."""
    return _create(store, find_release(store, number).tables, number)


def _pin(settings: Settings, store: Store, contract: Contract) -> tuple[str, dict[str, Any]] | None:
    if contract.kind == "mart":
        table, at = mart(contract.id), passed_version(store, contract.id)
    else:
        table, at = silver(contract.id), version(settings, silver(contract.id))
    return (
        None
        if at is None
        else (table.title, {"key": table.key, "version": at, "contract": f"{contract.id} {contract.version}"})
    )


def _create(store: Store, tables: dict[str, dict[str, Any]], restores: int | None) -> dict[str, Any]:
    while True:
        known = releases(store)
        if known and known[-1].tables == tables:
            return {"release": known[-1].number, "new": False}
        body = {"number": len(known) + 1, "tables": tables, "restores": restores}
        if store.create(release_key(len(known) + 1), json.dumps(body, ensure_ascii=False, indent=1).encode()):
            append(store, "release", "released", len(known) + 1, body)
            return {"release": len(known) + 1, "new": True}


def view_statements(settings: Settings, release: Release, suffix: str = "") -> list[str]:
    """SQL that shows a release under its table titles, the schemas with a suffix; silver views show what is
    known now.
    """
    shown = {t: pin for t, pin in release.tables.items() if t not in _of_persons(settings)}
    schemas = sorted({title.split(".")[0] for title in shown})
    made = [f"CREATE DATABASE IF NOT EXISTS {s}{suffix}" for s in schemas]
    for title, pin in shown.items():
        source = f"delta.`s3a://{settings.lake}/{pin['key']}` VERSION AS OF {pin['version']}"
        made.append(f"CREATE OR REPLACE VIEW {_titled(title, suffix)} AS SELECT * FROM {source}")
    return made


def _of_persons(settings: Settings) -> set[str]:
    """Titles of silver with a personal column: birth date, sex and street tell most residents apart."""
    contracts = load_contracts(settings.root).values()
    return {silver(c.id).title for c in contracts if c.kind != "mart" and holds_persons(c)}


def _titled(title: str, suffix: str) -> str:
    return title.replace(".", f"{suffix}.", 1)


def create_views(spark: SparkSession, settings: Settings, release: Release, suffix: str = "") -> None:
    """Make the views of a release on a Spark server whose catalogue lives in memory."""
    for statement in view_statements(settings, release, suffix):
        spark.sql(statement).collect()


def as_known_on(spark: SparkSession, settings: Settings, release: Release, query: str) -> str:
    """The query over an earlier release: its views stand in schemas of their own (`credit_r3`), since other
    readers share the catalogue.
    """
    suffix = f"_r{release.number}"
    create_views(spark, settings, release, suffix)
    titles = "|".join(re.escape(t) for t in sorted(release.tables, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])({titles})(?!\w)", lambda m: _titled(m[1], suffix), query)
