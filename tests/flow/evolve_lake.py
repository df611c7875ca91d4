"""A lake whose contract changes: put an edition into force, hand over a delivery of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from citylake.compile.suite import write_suites
from citylake.contract.load import load_contracts
from citylake.core.names import Table
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.lake import Lake, open_lake
from citylake.storage.delta import open_table

from tests.flow import evolving
from tests.flow.evolving import Edition, Row


def opened(settings: Settings, name: str, root: Path) -> Lake:
    """A lake of its own on the store of the tests."""
    return open_lake(settings.model_copy(update={"lake": f"{settings.lake}-{name}", "root": root}))


def in_force(lake: Lake, edition: Edition) -> None:
    """The edition is the contract from now on."""
    evolving.write(lake.settings.root, edition)
    reload(lake)


def reload(lake: Lake) -> None:
    """The contract files as they stand now, with their suites."""
    lake.contracts = load_contracts(lake.settings.root)
    write_suites(lake.contracts, lake.settings.root)


def hand_over(lake: Lake, folder: Path, edition: Edition, nth: int, rows: list[Row]) -> None:
    """The delivery of the nth month, under the headers of an edition, in the inbox."""
    body, month = evolving.csv(edition, rows), f"2016-{nth:02d}"
    file = {"name": "a", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "records": len(rows)}
    manifest = {
        "manifest": 1,
        "dataset": edition.dataset,
        "contract": f"1.{edition.step}.0",
        "delivery": f"{month}-001",
        "period": month,
        "coverage": "full" if edition.kind == "register" else "changes",
        "sent_at": f"2017-{nth:02d}-03T09:30:00+08:00",
        "corrects": None,
        "files": [file],
        "totals": {"records": len(rows)},
    }
    source = folder / f"delivery-{nth}"
    to = source / edition.dataset / f"{month}-001"
    to.mkdir(parents=True)
    (to / "a").write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    fetch_folder(lake.store, source)


def table_rows(lake: Lake, table: Table) -> list[dict[str, Any]]:
    """Every row of a table of the lake."""
    held = open_table(lake.settings, table)
    return [] if held is None else held.to_pyarrow_table().to_pylist()
