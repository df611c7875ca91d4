"""Step 8: one create-only manifest pins the version of every published table; views follow it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citylake.contract.catalogue import safe_views, table_comment, tags
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract, SafeView
from citylake.core import formats
from citylake.core.errors import LakeError
from citylake.core.names import mart, release_key, silver
from citylake.core.settings import Settings
from citylake.ledger.evidence import append
from citylake.marts.build import passed_version
from citylake.privacy.roles import holds_facts_of_persons
from citylake.storage.comments import sql_text
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
    return [Release(**formats.read("release", store.get(k))) for k in sorted(store.list("releases/"))]


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
        written = json.dumps(formats.numbered("release", body), ensure_ascii=False, indent=1)
        if store.create(release_key(len(known) + 1), written.encode()):
            append(store, "release", "released", len(known) + 1, body)
            return {"release": len(known) + 1, "new": True}


def view_statements(settings: Settings, release: Release, suffix: str = "") -> list[str]:
    """SQL that shows a release under its table titles, the schemas with a suffix; silver views show what is
    known now. Comments of columns come with the tables; those of a view and its tags from the contract.
    """
    contracts, shown = _titles(settings), shown_tables(settings, release)
    schemas = sorted({title.split(".")[0] for title in shown})
    made = [f"CREATE DATABASE IF NOT EXISTS {s}{suffix}" for s in schemas]
    for title, pin in shown.items():
        source = f"{pinned(settings, pin['key'])} VERSION AS OF {pin['version']}"
        made += name_table(settings, pin["key"])
        made += _views(_titled(title, suffix), source, contracts.get(title))
    return made


def pinned(settings: Settings, key: str) -> str:
    """The name of a table behind the views, after its key in the bucket; readers see it by a view only."""
    return f"{_schema(settings)}.{key.replace('/', '__')}"


def _schema(settings: Settings) -> str:
    """A bucket's name holds no underscore, so that two lakes on one server stay apart."""
    return settings.lake.replace(".", "__").replace("-", "_") + "_tables"


def name_table(settings: Settings, key: str) -> list[str]:
    """SQL that names a table by its key, since a reader's server opens no path."""
    address = f"s3a://{settings.lake}/{key}"
    return [
        f"CREATE DATABASE IF NOT EXISTS {_schema(settings)}",
        f"CREATE TABLE IF NOT EXISTS {pinned(settings, key)} USING delta LOCATION '{address}'",
    ]


def shown_tables(settings: Settings, release: Release) -> dict[str, dict[str, Any]]:
    """The tables of a release that analysts see: silver of persons is not among them."""
    hidden = {t for t, c in _titles(settings).items() if holds_facts_of_persons(c)}
    return {t: p for t, p in release.tables.items() if t not in hidden}


def _views(title: str, source: str, contract: Contract | None) -> list[str]:
    """The view of a table, then its safe views over it."""
    if contract is None:
        return [f"CREATE OR REPLACE VIEW {title} AS SELECT * FROM {source}"]
    made = [f"CREATE OR REPLACE VIEW {title} {_told(contract)} AS SELECT * FROM {source}"]
    for view in safe_views(contract):
        rows = f"SELECT * FROM {source} WHERE {view.where}"
        made.append(
            f"CREATE OR REPLACE VIEW {title.split('.')[0]}.{view.name} {_told(contract, view)} AS {rows}"
        )
    return made


def _told(contract: Contract, view: SafeView | None = None) -> str:
    """Comment and tags of a view as SQL."""
    tagged = ", ".join(f"{sql_text(k)} = {sql_text(v)}" for k, v in tags(contract).items())
    return f"COMMENT {sql_text(table_comment(contract, view))} TBLPROPERTIES ({tagged})"


def _titles(settings: Settings) -> dict[str, Contract]:
    contracts = load_contracts(settings.root).values()
    return {(mart if c.kind == "mart" else silver)(c.id).title: c for c in contracts}


def _titled(title: str, suffix: str) -> str:
    return title.replace(".", f"{suffix}.", 1)


def create_views(spark: SparkSession, settings: Settings, release: Release, suffix: str = "") -> None:
    """Make the views of a release on a Spark server whose catalogue lives in memory."""
    for statement in view_statements(settings, release, suffix):
        spark.sql(statement).collect()


def as_known_on(settings: Settings, release: Release, query: str) -> str:
    """The query over the views of an earlier release: they stand in schemas of their own (`credit_r3`), since
    other readers share the catalogue.
    """
    suffix, contracts = then(release), _titles(settings)
    safe = {
        f"{t.split('.')[0]}.{v.name}"
        for t in release.tables
        if t in contracts
        for v in safe_views(contracts[t])
    }
    titles = "|".join(re.escape(t) for t in sorted({*release.tables, *safe}, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])({titles})(?!\w)", lambda m: _titled(m[1], suffix), query)


def then(release: Release) -> str:
    """The suffix of the schemas of an earlier release."""
    return f"_r{release.number}"
