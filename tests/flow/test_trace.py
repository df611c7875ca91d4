"""Every mart of a small lake tells what is behind its rows: the named rows alone give the row again."""

from __future__ import annotations

import hashlib
import os
import random
from typing import Any

import pyarrow as pa
import pytest
from citylake.audit.impact import impact
from citylake.audit.trace import Tracer
from citylake.audit.walk import Rows, behind
from citylake.contract.inputs import is_dataset, mart_inputs
from citylake.core.errors import LakeError
from citylake.core.names import mart
from citylake.ledger.receipts import dataset_receipts
from citylake.release.release import latest
from citylake.storage.delta import open_table
from pyspark.sql import functions as F

SEEDS = tuple(int(s) for s in os.environ.get("CITYLAKE_SEEDS", "2016").split(","))
ROWS = 25 if "CITYLAKE_SEEDS" in os.environ else 2  # per mart and seed


@pytest.fixture(scope="module")
def tracer(small_lake: Any) -> Tracer:
    lake, _ = small_lake
    return Tracer(lake.settings, lake.store, lake.contracts, lambda: lake.spark)


def _released(tracer: Tracer) -> dict[str, tuple[int, pa.Table]]:
    """Version and rows of every released mart that holds a row."""
    pinned, found = latest(tracer.store).tables, {}
    for contract in (c for c in tracer.contracts.values() if c.kind == "mart"):
        pin = pinned.get(mart(contract.id).title)
        opened = open_table(tracer.settings, mart(contract.id)) if pin else None
        if pin and opened is not None:
            opened.load_as_version(int(pin["version"]))
            rows = opened.to_pyarrow_table()
            found |= {contract.id: (int(pin["version"]), rows)} if rows.num_rows else {}
    return found


def _asked(rows: pa.Table, keys: tuple[str, ...]) -> Rows:
    asked = Rows(pa.struct([rows.schema.field(k) for k in keys]))
    asked.add(rows.select(list(keys)).to_pylist(), used=True)
    return asked


def _exact(tracer: Tracer, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row without floating point, which may differ in the last digit."""
    inexact = {c.name for c in tracer.contracts[name].columns if c.type.physical in ("DOUBLE", "FLOAT")}
    return {k: v for k, v in row.items() if k not in inexact}


def test_every_mart_gives_its_rows_again_from_the_rows_that_are_named_alone(tracer: Tracer) -> None:
    released = _released(tracer)
    assert len(released) > 15
    for name, (version, rows) in released.items():
        contract, build = tracer.contracts[name], tracer.build(name, version)
        keys = [F.col(k) for k in contract.keys]
        some = {random.Random(f"{s} {i}").randrange(rows.num_rows) for s in SEEDS for i in range(ROWS)}
        for one in (rows.slice(at, 1) for at in some):
            asked, row = _asked(one, contract.keys), _exact(tracer, name, one.to_pylist()[0])
            found = behind(build, keys, asked, [c.name for c in contract.columns])
            assert [_exact(tracer, name, r) for r in found.asked] == [row], name
            assert any(r.used for s, r in found.rows.items() if s.rows is None) or found.wholes, (name, row)
            again = tracer.again(contract, build, found, asked)
            assert [_exact(tracer, name, r) for r in again] == [row], name


def test_an_origin_stands_in_the_landed_bytes_at_its_place(tracer: Tracer) -> None:
    rows = _released(tracer)["urban_components/inventory"][1].to_pylist()
    row = max(rows, key=lambda r: r["components"])
    key = [row["division_at_issue"], row["class_code"], row["state_code"]]
    told = tracer.trace("urban_components.inventory", key)
    assert told["why"] == ""
    components = [o for o in told["origins"] if o["input"] == "construction/component"]
    assert 0 < len(components) <= 5
    for origin in components:
        landed = tracer.store.get(origin["landing"])
        start, end = map(int, origin["bytes"].split("-"))
        assert hashlib.sha256(landed).hexdigest() == origin["sha256"]
        assert origin["key"]["object_id"].encode() in landed[start:end]
        assert origin["made_from"]
        assert origin["key"]["object_id"] in origin["text"]


def test_where_counts_of_persons_are_withheld_no_record_is_opened(tracer: Tracer) -> None:
    row = _released(tracer)["population/resident_count"][1].to_pylist()[0]
    key = [str(row[k]) for k in tracer.contracts["population/resident_count"].keys]
    told = tracer.trace("population.resident_count", key)
    assert told["origins"] == []
    assert "withheld" in told["why"]


def test_a_delivery_reaches_the_rows_that_name_one_of_its_records(tracer: Tracer) -> None:
    dataset = "construction/component"
    receipt = next(r for r in dataset_receipts(tracer.store, dataset) if r.outcome == "accepted")
    found = {r.mart: r for r in impact(tracer, dataset, receipt.number)}
    direct = {c.id for c in tracer.contracts.values() if c.kind == "mart"} & _readers(tracer, dataset)
    assert found.keys() >= direct & _released(tracer).keys()
    assert found["urban_components/asset"].made_from > 0
    assert found["urban_components/inventory"].made_from > 0
    key = list(map(str, found["urban_components/inventory"].samples[0].values()))
    told = tracer.trace("urban_components.inventory", key, shown=10**9)
    assert receipt.number in {o["receipt"] for o in told["origins"]}


def _readers(tracer: Tracer, dataset: str) -> set[str]:
    assert is_dataset(dataset)
    marts = [c.id for c in tracer.contracts.values() if c.kind == "mart"]
    return {m for m in marts if dataset in mart_inputs(tracer.settings.root, m)}


def test_a_receipt_that_the_dataset_has_not_is_an_error(tracer: Tracer) -> None:
    with pytest.raises(LakeError, match="has no receipt 999"):
        impact(tracer, "construction/component", 999)
