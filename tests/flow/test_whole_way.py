"""A small city through the whole plan: conservation, history, idempotence, release, trace, loss."""

from __future__ import annotations

from typing import Any

import pytest
from citylake.audit.conservation import batches
from citylake.audit.losses import losses
from citylake.contract.model import Contract
from citylake.core.names import bronze, mart, silver
from citylake.ledger.evidence import broken_links, events
from citylake.marts.build import table_of
from citylake.pipeline.lake import Lake
from citylake.pipeline.run import run_all
from citylake.release.release import create_views, latest, releases, roll_back
from citylake.storage.delta import delta_options, open_table, version
from citylake.storage.spark import spark_jobs
from citylake.synthetic.score import score


def _sources(lake: Lake) -> list[Contract]:
    return [c for c in lake.contracts.values() if c.kind != "mart"]


def test_the_equation_holds_for_every_batch(small_lake: Any) -> None:
    lake, _ = small_lake
    found = batches(lake.store, lake.contracts)
    assert {b.state for b in found} == {"admitted", "refused"}
    assert all(b.balanced for b in found)
    assert all(b.received >= b.records > 0 for b in found if b.state == "admitted")
    assert sum(b.quarantined for b in found) > 0


def test_planted_defects_are_found_and_clean_rows_left_alone(small_lake: Any) -> None:
    lake, city = small_lake
    found = score(lake.settings, lake.store, lake.spark, lake.contracts, city / "truth" / "defects.jsonl")
    assert found.recall >= 0.98, [k for k in found.kinds if k.found < k.planted]
    assert found.false_alarm_rate <= 0.005


def test_a_second_run_is_nothing_new_and_no_spark_job(small_lake: Any) -> None:
    lake, _ = small_lake
    before = {c.id: version(lake.settings, silver(c.id)) for c in _sources(lake)}
    jobs = spark_jobs(lake.settings)
    again = run_all(lake)
    assert spark_jobs(lake.settings) == jobs
    assert not any(s.get("batches") or s.get("receipts") or s.get("built") for s in again["steps"])
    assert {c.id: version(lake.settings, silver(c.id)) for c in _sources(lake)} == before


def test_silver_holds_one_open_row_per_key(small_lake: Any) -> None:
    lake, _ = small_lake
    for contract in (c for c in _sources(lake) if version(lake.settings, silver(c.id)) is not None):
        table = open_table(lake.settings, silver(contract.id))
        assert table is not None
        rows = [
            r
            for r in table.to_pyarrow_table().to_pylist()
            if r["_known_to"] is None and r.get("_valid_to") is None
        ]
        keys = [tuple(r[k] for k in contract.keys) for r in rows]
        assert len(keys) == len(set(keys)) > 0, contract.id


def test_files_can_be_skipped_by_key_and_by_the_moment_since_when_rows_are_known(small_lake: Any) -> None:
    """Also of datasets whose moments come after the 32 columns that Delta takes by default; texts that nobody
    orders have no bounds.
    """
    lake, _ = small_lake
    for contract in lake.contracts.values():
        table = open_table(lake.settings, table_of(contract))
        if table is None:
            continue
        bounds = {
            f.removeprefix("min.")
            for f in table.get_add_actions(flatten=True).schema.names
            if f.startswith("min.")
        }
        assert {*contract.keys, *([] if contract.kind == "mart" else ["_known_from"])} <= bounds, contract.id
        assert not bounds & {"name", "address", "counterpart_name"} - {*contract.keys}, contract.id


def test_history_of_a_register_ends_and_begins_without_gap(small_lake: Any) -> None:
    lake, _ = small_lake
    contract = lake.contracts["market_regulation/legal_entity"]
    table = open_table(lake.settings, silver(contract.id))
    assert table is not None
    known = [r for r in table.to_pyarrow_table().to_pylist() if r["_known_to"] is None]
    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in known:
        by_key.setdefault(row["registration_no"], []).append(row)
    changed = [sorted(v, key=lambda r: r["_valid_from"]) for v in by_key.values() if len(v) > 1]
    assert changed
    assert all(a["_valid_to"] == b["_valid_from"] for a, b in changed)


def test_chains_are_whole_and_a_changed_event_is_noticed(small_lake: Any) -> None:
    lake, _ = small_lake
    chains = [*lake.contracts, "release"]
    assert [t for c in chains for t in broken_links(lake.store, c)] == []
    first = sorted(lake.store.list("evidence/construction/component/"))[0]
    body = lake.store.get(first)
    lake.store.put(first, body.replace(b'"records": ', b'"records":  '))
    assert broken_links(lake.store, "construction/component")
    lake.store.put(first, body)


def test_marts_passed_their_gates_and_open_without_a_jvm(small_lake: Any) -> None:
    import duckdb

    lake, _ = small_lake
    pinned = latest(lake.store).tables
    create_views(lake.spark, lake.settings, latest(lake.store))
    shown: set[str] = set()
    for contract in (c for c in lake.contracts.values() if c.kind == "mart"):
        title, table = mart(contract.id).title, open_table(lake.settings, mart(contract.id))
        rows = table.to_pyarrow_table() if table is not None else None
        if title not in pinned:
            # A small city delivers little: a mart about what did not come has no rows, and without rows its
            # gate stays closed.
            assert rows is None or rows.num_rows == 0, contract.id
            continue
        shown.add(contract.id)
        by_spark = lake.spark.sql(f"SELECT count(*) FROM {title}").collect()[0][0]
        by_duckdb = duckdb.sql("SELECT count(*) FROM rows").fetchone()
        assert rows is not None
        assert by_spark == rows.num_rows == (by_duckdb or [None])[0] >= (contract.rows_min or 0), contract.id
    assert shown >= {
        "credit/entity_record",
        "macro_economy/indicator_month",
        "population/resident_count",
        "urban_components/inventory",
        "weather/station_day",
    }


def test_small_cells_never_leave(small_lake: Any) -> None:
    lake, _ = small_lake
    table = open_table(lake.settings, mart("population/resident_count"))
    assert table is not None
    rows = table.to_pyarrow_table().to_pylist()
    assert all(r["residents"] is None or r["residents"] >= 10 for r in rows)
    assert any(r["suppressed"] for r in rows)


def test_no_identifier_is_in_any_table(small_lake: Any) -> None:
    import re

    lake, city = small_lake
    some = (city / "inbox/civil_affairs/resident/2016-01-001").glob("*.txt")
    first = next(some).read_bytes()[:18].decode()
    table = open_table(lake.settings, bronze("civil_affairs/resident"))
    assert table is not None
    text = "\n".join(
        str(v) for row in table.to_pyarrow_table().slice(0, 200).to_pylist() for v in row.values()
    )
    assert first not in text
    assert not re.search(r"\b[1-6]\d{5}(19|20)\d{9}[\dXx]\b", text)


def test_a_release_can_be_rolled_back_and_forth(small_lake: Any) -> None:
    lake, _ = small_lake
    number = len(releases(lake.store))
    tables = latest(lake.store).tables
    assert roll_back(lake.store, number) == {"release": number, "new": False}
    assert latest(lake.store).tables == tables


def test_a_deleted_bronze_row_is_named_by_batch_and_line(small_lake: Any) -> None:
    from deltalake import DeltaTable

    lake, _ = small_lake
    contract = lake.contracts["construction/component"]
    assert losses(lake.settings, lake.store, contract) == []
    table = DeltaTable(
        bronze(contract.id).rust_uri(lake.settings.lake), storage_options=delta_options(lake.settings)
    )
    before = table.version()
    table.delete("_receipt = 1 AND _row_no = 7")
    found = losses(lake.settings, lake.store, contract)
    table.restore(before)
    assert [(x.receipt, x.record, x.line, x.found, x.expected) for x in found] == [(1, 7, 8, 0, 1)]
    assert losses(lake.settings, lake.store, contract) == []


@pytest.mark.parametrize("event", ["refined", "gate", "admitted"])
def test_each_event_stands_once_per_batch(small_lake: Any, event: str) -> None:
    lake, _ = small_lake
    for contract in _sources(lake):
        numbers = [e.batch for e in events(lake.store, contract.id) if e.event == event]
        assert len(numbers) == len(set(numbers))
