"""Persons in every text column, sent through the whole plan: no object behind landing and no file of the
state folder outside the store holds one of them.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.run import run_all
from citylake.synthetic.deliver import _manifest
from citylake.synthetic.files import Totals

from tests.canaries import CANARIES, leaks, samples, with_canaries, written

DATASETS = ("development_reform/admin_penalty", "court/dishonest_organisation", "construction/component_case")


def _hand_over(folder: Path, dataset: str) -> None:
    """A delivery in which every text column of some rows holds a canary, sound rows beside them."""
    order, rows = samples()[dataset]
    texts = [c.name for c in order.contract.columns if c.name in rows[0] and c.type.physical == "STRING"]
    prose = [n for n in texts if n not in order.contract.keys and not order.contract.column(n).type.codes]
    nested = [n for n in prose if order.contract.column(n).type.name == "json_text"]
    plain = with_canaries(order.contract, rows, [n for n in prose if n not in nested])
    hurt = [row | dict.fromkeys(nested, CANARIES["nested"]) for row in plain]
    keys = [k for k in order.contract.keys if k in texts][-1:]
    told = [{**row, **{k: f"{row[k]}-{i}" for k in keys}} for i, row in enumerate(hurt)]
    told += with_canaries(order.contract, rows, keys)
    to = folder / dataset / order.delivery
    to.mkdir(parents=True)
    written(to, order, told).rename(to / order.file)
    totals = Totals(None, None)
    for row in told:
        totals.take(row)
    _manifest(to, order, totals)


def _bodies(lake: Lake) -> dict[str, bytes]:
    """Every object behind landing; of Parquet its values and its statistics."""
    found: dict[str, bytes] = {}
    for key in lake.store.list(""):
        if key.startswith(("inbox/", "landing/")):
            continue
        body = lake.store.get(key)
        if key.endswith(".parquet"):
            opened = pq.ParquetFile(io.BytesIO(body))
            told = (opened.read().to_pylist(), opened.metadata.to_dict())
            body = json.dumps(told, ensure_ascii=False, default=str).encode()
        found[key] = body
    return found


def test_no_object_behind_landing_and_no_log_holds_a_canary(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-canaries"}))
    for dataset in DATASETS:
        _hand_over(tmp_path, dataset)
    fetch_folder(lake.store, tmp_path)
    run_all(lake)
    bodies = _bodies(lake)
    assert sum("_delta_log" in k for k in bodies) > 3
    assert {k: leaks(b) for k, b in bodies.items() if leaks(b)} == {}
    state = lake.settings.state
    files = [p for p in state.rglob("*") if p.is_file() and state / "store" not in p.parents]
    assert {str(p): found for p in files if (found := leaks(p.read_bytes()))} == {}
