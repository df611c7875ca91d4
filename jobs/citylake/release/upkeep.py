"""Upkeep of tables without Spark: files that no version in use needs are removed, a pinned version never
loses one.

In use are the newest version of a table, every version that a release pins, and the versions of a mart's last
two builds, which the restatement ledger compares. Landing, receipts, evidence, letters and logs of tables are
never touched.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import Table, mart, stage
from citylake.core.settings import Settings
from citylake.ledger.evidence import events, find
from citylake.release.release import releases
from citylake.storage.delta import KEPT_FOR_GOOD, open_table
from citylake.storage.store import Store

if TYPE_CHECKING:
    from deltalake import DeltaTable

FLOOR = timedelta(days=7)  # a reader or writer may still work on a version that was replaced this recently
LAYERS = ("bronze", "silver", "quarantine", "marts", "audit", "kept")
_LOG = "/_delta_log/"


@dataclass(frozen=True)
class TableCare:
    """What upkeep does for one table."""

    table: str
    version: int
    pinned: tuple[int, ...]  # versions that keep all of their files
    removed: tuple[str, ...]  # files of no version in use, older than the retention
    log_kept: bool  # False: the table is told now to keep its log for good


@dataclass(frozen=True)
class Care:
    """What one upkeep does, or would do."""

    tables: tuple[TableCare, ...]
    stages: tuple[str, ...]  # stage tables of batches that were admitted


def upkeep(
    settings: Settings,
    store: Store,
    contracts: dict[str, Contract],
    *,
    retention: timedelta = FLOOR,
    dry_run: bool = False,
) -> Care:
    """Remove what nothing needs; LakeError `upkeep.retention` for a retention below the floor."""
    if retention < FLOOR:
        raise LakeError(
            "upkeep.retention",
            f"files of replaced versions are kept for {FLOOR.days} days at least",
            now=f"name {FLOOR.days} days or more",
        )
    pins = pinned_versions(store, contracts)
    done = tuple(
        _care(settings, table, pins[table.key], retention, dry_run=dry_run) for table in delta_tables(store)
    )
    return Care(done, _stages(store, contracts, dry_run=dry_run))


def pinned_versions(store: Store, contracts: dict[str, Contract]) -> defaultdict[str, set[int]]:
    """Versions that must stay readable, by table key."""
    pins: defaultdict[str, set[int]] = defaultdict(set)
    for release in releases(store):
        for pin in release.tables.values():
            pins[pin["key"]].add(int(pin["version"]))
    for contract in (c for c in contracts.values() if c.kind == "mart"):
        built = [e for e in events(store, contract.id) if e.event == "built"]
        pins[mart(contract.id).key] |= {int(e.facts["version"]) for e in built[-2:]}
    return pins


def delta_tables(store: Store) -> list[Table]:
    """Every Delta table of the lake, found by its log; stage tables are apart."""
    found = {key.split(_LOG)[0] for layer in LAYERS for key in store.list(f"{layer}/") if _LOG in key}
    return [Table(*key.split("/", 1)) for key in sorted(found)]


def _care(
    settings: Settings, table: Table, pins: set[int], retention: timedelta, *, dry_run: bool
) -> TableCare:
    opened = open_table(settings, table)
    if opened is None:
        raise LakeError("upkeep.table", f"{table.title} has a log that cannot be read", now="citylake check")
    log_kept = keeps_its_log(opened)
    if not log_kept and not dry_run:
        opened.alter.set_table_properties(KEPT_FOR_GOOD)
    removed = vacuum(opened, pins, retention, dry_run=dry_run)
    return TableCare(table.title, opened.version(), tuple(sorted(pins)), tuple(removed), log_kept)


def keeps_its_log(opened: DeltaTable) -> bool:
    """Whether a table keeps its log for good; by default Delta drops entries after 30 days, and with them
    every
    pinned version.
    """
    held = opened.metadata().configuration
    return all(held.get(name) == value for name, value in KEPT_FOR_GOOD.items())


def vacuum(opened: DeltaTable, pins: set[int], retention: timedelta, *, dry_run: bool) -> list[str]:
    """Remove files that neither the newest nor a pinned version has, once they were replaced long enough
    ago.
    """
    hours = int(retention.total_seconds() // 3600)
    return opened.vacuum(hours, dry_run=dry_run, enforce_retention_duration=False, keep_versions=sorted(pins))


def _stages(store: Store, contracts: dict[str, Contract], *, dry_run: bool) -> tuple[str, ...]:
    """Stage tables that were admitted; one that was not is still needed."""
    done: list[str] = []
    for contract in (c for c in contracts.values() if c.kind != "mart"):
        known = events(store, contract.id)
        for folder in store.list_folders(f"{stage(contract.id).key}/"):
            number = int(folder.rstrip("/").rsplit("/", 1)[1])
            if find(known, "admitted", number) is None:
                continue
            done.append(folder)
            for key in () if dry_run else list(store.list(folder)):
                store.delete(key)
    return tuple(done)
