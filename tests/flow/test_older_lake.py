"""A lake that older code wrote opens, runs and checks.

`tests/lakes/<commit>.tar.xz` is the whole bucket of a small city (components and their cases, two months with
planted defects, all marts and a release), as the code of that commit left it: flags as bits, silver without a
stated shape, documents without a format number, stages as tables, nothing sealed.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.check import check
from citylake.core import formats
from citylake.core.names import landing_key, silver
from citylake.core.settings import Settings
from citylake.ledger.batches import ADMITTED, batch_state
from citylake.ledger.evidence import broken_links, events
from citylake.ledger.receipts import dataset_receipts
from citylake.ledger.seal import seal
from citylake.pipeline.lake import Lake
from citylake.pipeline.run import run_all
from citylake.release.release import releases
from citylake.storage.delta import delta_options

from tests.flow.deliveries import EVENTS, REGISTER, hand_over
from tests.flow.deliveries import events as cases_file
from tests.flow.evolve_lake import opened, table_rows

LAKES = Path(__file__).resolve().parents[1] / "lakes"


@pytest.fixture(params=sorted(p.name.split(".")[0] for p in LAKES.glob("*.tar.xz")))
def older(request: Any, lake_settings: Settings, root: Path) -> Lake:
    """A lake with the bucket of an older one."""
    lake = opened(lake_settings, f"older-{request.param}", root)
    with tarfile.open(LAKES / f"{request.param}.tar.xz") as packed:
        for member in packed.getmembers():
            file = packed.extractfile(member)
            assert file is not None
            lake.store.put(member.name, file.read())
    return lake


def test_an_older_lake_goes_on(older: Lake, tmp_path: Path) -> None:
    _opens(older)
    before = {d: _values(older, d) for d in (REGISTER, EVENTS)}
    last = dataset_receipts(older.store, REGISTER)[-1]
    same = older.store.get(landing_key(REGISTER, last.files[0].sha256))
    hand_over(older, tmp_path / "a", REGISTER, "2016-03-001", same, last.records, "2016-04-09T09:30:00+08:00")
    new = cases_file({"C2016039001": "路灯不亮", "C2016039002": "井盖丢失"})
    hand_over(older, tmp_path / "b", EVENTS, "2016-03-001", new, 2, "2016-04-09T09:30:00+08:00")
    run_all(older)
    _went_on(older, before)
    seal(older.settings, older.store)
    assert check(older.settings, older.store, older.contracts).damages == []


def _opens(lake: Lake) -> None:
    """Every document is read in today's shape, chains are whole, what was pinned is there."""
    for dataset in (REGISTER, EVENTS):
        given, known = dataset_receipts(lake.store, dataset), events(lake.store, dataset)
        assert given and {batch_state(r, known) for r in given} <= {ADMITTED, "refused", "repeat"}
        assert broken_links(lake.store, dataset) == []
    assert formats.FORMAT not in json.loads(lake.store.get("receipts/construction/00000001.json"))
    (first,) = releases(lake.store)
    _pinned(lake, first.tables)


def _pinned(lake: Lake, tables: dict[str, Any]) -> None:
    from deltalake import DeltaTable

    for pin in tables.values():
        uri = f"s3://{lake.settings.lake}/{pin['key']}"
        table = DeltaTable(uri, version=pin["version"], storage_options=delta_options(lake.settings))
        assert table.to_pyarrow_table().num_rows >= 0


def _values(lake: Lake, dataset: str) -> list[str]:
    """What silver says in the contract's columns and when it was known; not how flags and hashes are kept."""
    names = [c.name for c in lake.contracts[dataset].columns if not c.bronze_only]
    rows = table_rows(lake, silver(dataset))
    return sorted(str([row.get(n) for n in (*names, "_known_from", "_valid_from")]) for row in rows)


def _went_on(lake: Lake, before: dict[str, list[str]]) -> None:
    """What was known is still said, flags are names of rules, the same bytes again changed nothing."""
    for dataset, values in before.items():
        assert set(values) <= set(_values(lake, dataset))
        flags = {f for row in table_rows(lake, silver(dataset)) for f in row["_flags"]}
        assert not any(f.startswith("legacy.") for f in flags)
    refined = [e for e in events(lake.store, REGISTER) if e.event == "refined"][-1].facts["counts"]
    assert (refined["insert"], refined["change"], refined["ended"]) == (0, 0, 0)
    assert refined["unchanged"] == refined["accepted"] > 0
    first, second = releases(lake.store)
    _pinned(lake, first.tables)
    _pinned(lake, second.tables)
