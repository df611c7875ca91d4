"""Contracts change between deliveries; silver follows and says what the deliveries said under the contract of
each time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.losses import losses
from citylake.compile.select import compile_contract
from citylake.core.errors import LakeError
from citylake.core.names import mart, silver
from citylake.core.settings import Settings
from citylake.ledger.evidence import events
from citylake.pipeline.lake import Lake
from citylake.pipeline.steps import decode_dataset, receive_dataset, refine_dataset, retry_batch
from citylake.storage.delta import open_table
from citylake.storage.evolve import STATISTICS, keep_statistics

from tests.flow import evolving
from tests.flow.deliveries import REGISTER, components, known, send
from tests.flow.evolve_lake import hand_over, in_force, opened, reload, table_rows
from tests.flow.evolving import Edition, Field, Rule

ROOT = Path(__file__).resolve().parents[2]
DATASET = f"{evolving.DEPARTMENT}/evolving"


def _refine(lake: Lake) -> None:
    decode_dataset(lake, DATASET)
    (batch,) = refine_dataset(lake, DATASET)["batches"]
    assert batch["passed"]


def test_a_lake_with_flags_as_bits_goes_on(lake_settings: Settings, tmp_path: Path, spark: Any) -> None:
    """The same two deliveries, once with silver as an older lake kept it in between."""
    first = {f"21010201190000{n:02d}": "完好" if n % 2 else "　完好" for n in range(60)}
    second = {k: "破损" if k.endswith("4") else v for k, v in first.items() if not k.endswith("55")}
    found: list[list[dict[str, Any]]] = []
    for name in ("bits", "ids"):
        lake = opened(lake_settings, f"flag-{name}", ROOT)
        send(lake, tmp_path / name, REGISTER, "2016-01-001", components(first), len(first), 1)
        if name == "bits":
            _as_before(lake, spark)
        send(lake, tmp_path / name, REGISTER, "2016-02-001", components(second), len(second), 2)
        rows = table_rows(lake, silver(REGISTER))
        for row in rows:
            row.pop("_batch_id")
            row.pop("_known_from"), row.pop("_known_to")
        found.append(sorted(rows, key=str))
        assert set(known(lake, REGISTER, "object_id", "state_code")) == set(second)
    assert found[0] == found[1]
    assert any(r["_flags"] for r in found[0])


def _as_before(lake: Lake, spark: Any) -> None:
    """Silver as code wrote it that kept flags by their position, hashed by position and stated no shape."""
    table = silver(REGISTER)
    flags = compile_contract(lake.contracts[REGISTER], ROOT).flags
    bits = " + ".join(f"IF(array_contains(_flags, '{r.id}'), {1 << i}L, 0L)" for i, r in enumerate(flags))
    frame = spark.read.format("delta").load(table.spark_uri(lake.settings.lake))
    names = {"_flags": f"{bits} AS _flags", "_row_hash": "md5(_row_hash) AS _row_hash"}
    old = frame.selectExpr(*[names.get(n, n) for n in frame.columns])
    writer = old.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.save(table.spark_uri(lake.settings.lake))
    spark.sql(
        f"ALTER TABLE {table.sql(lake.settings.lake)} UNSET TBLPROPERTIES"
        " ('citylake.identity', 'citylake.hashed')"
    )


def test_a_landed_batch_is_read_by_the_contract_of_its_time(lake_settings: Settings, tmp_path: Path) -> None:
    """Received under one header and name, decoded and refined when the contract already says another."""
    lake = opened(lake_settings, "evolve-layout", evolving.project(ROOT, tmp_path / "project"))
    start = Edition(DATASET, "event", 0, (Field("a", "a", "whole"), Field("b", "b", "small")), ())
    in_force(lake, start)
    hand_over(lake, tmp_path, start, 1, [{"k": "K1", "a": "5", "b": "7"}])
    receive_dataset(lake, DATASET)
    later = replace(start, step=1, fields=(Field("a", "amount", "whole", ("a",)), start.fields[1]))
    in_force(lake, later)
    path = lake.settings.root / "schemas" / f"{DATASET}.odcs.yaml"
    path.write_text(path.read_text("utf-8").replace("栏a", "金额"), "utf-8")
    reload(lake)
    _refine(lake)
    assert [(r["k"], r["amount"], r["b"]) for r in table_rows(lake, silver(DATASET))] == [("K1", 5, 7)]
    assert losses(lake.settings, lake.store, lake.contracts[DATASET]) == []


def test_another_key_or_a_narrower_type_is_refused(lake_settings: Settings, tmp_path: Path) -> None:
    lake = opened(lake_settings, "evolve-refused", evolving.project(ROOT, tmp_path / "project"))
    start = Edition(DATASET, "event", 0, (Field("a", "a", "whole"), Field("b", "b", "small")), ())
    in_force(lake, start)
    hand_over(lake, tmp_path, start, 1, [{"k": "K1", "a": "5", "b": "7"}])
    receive_dataset(lake, DATASET)
    _refine(lake)
    before = table_rows(lake, silver(DATASET))
    narrow = replace(start, step=1, fields=(Field("a", "a", "small"), *start.fields[1:]))
    for later, rule in (
        (narrow, "contract.column_narrowed"),
        (replace(start, step=1, kind="register"), "contract.identity_changed"),
    ):
        in_force(lake, later)
        if rule == "contract.column_narrowed":
            hand_over(lake, tmp_path, later, 2, [{"k": "K1", "a": "6", "b": "7"}])
            receive_dataset(lake, DATASET)
            decode_dataset(lake, DATASET)
        with pytest.raises(LakeError) as refused:
            refine_dataset(lake, DATASET)
        assert refused.value.rule == rule
        assert table_rows(lake, silver(DATASET)) == before


def test_a_held_batch_is_judged_again_by_a_corrected_contract(
    lake_settings: Settings, tmp_path: Path
) -> None:
    """The contract lets nothing be refused, one of two rows is; put right, the same bytes get in, and both
    judgements stay on record.
    """
    lake = opened(lake_settings, "evolve-held", evolving.project(ROOT, tmp_path / "project"))
    start = Edition(DATASET, "event", 0, (Field("a", "a", "whole"),), (Rule("small_a", "a", 50, "error"),))
    path = lake.settings.root / "schemas" / f"{DATASET}.odcs.yaml"
    loose, strict = "quarantineMax, value: 1}", "quarantineMax, value: 0.1}"
    for bound in (strict, loose):
        in_force(lake, start)
        path.write_text(path.read_text("utf-8").replace(loose, bound), "utf-8")
        reload(lake)
        if bound == strict:
            hand_over(lake, tmp_path, start, 1, [{"k": "K1", "a": "5"}, {"k": "K2", "a": "99"}])
            receive_dataset(lake, DATASET)
            decode_dataset(lake, DATASET)
            assert not refine_dataset(lake, DATASET)["batches"][0]["passed"]
    retry_batch(lake, DATASET, 1, by="质量组", reason="界限有误")
    assert [r["k"] for r in table_rows(lake, silver(DATASET))] == ["K1"]
    gates = [e.facts["passed"] for e in events(lake.store, DATASET) if e.event == "gate"]
    assert gates == [False, True]


def test_a_table_is_overwritten_though_a_column_of_its_statistics_goes(
    lake_settings: Settings, spark: Any
) -> None:
    """As a mart is whose contract names a column of its key otherwise."""
    table = mart("drill/renamed")
    address = table.spark_uri(lake_settings.lake)
    for names in ("a,b", "c,b", "c,b"):
        if (held := open_table(lake_settings, table)) is not None:
            keep_statistics(spark, held, table.sql(lake_settings.lake), names)
        rows = spark.createDataFrame([(1, 2)], [*names.split(",")])
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.option(STATISTICS, names).save(address)
    held = open_table(lake_settings, table)
    assert held is not None
    assert held.to_pyarrow_table().to_pylist() == [{"c": 1, "b": 2}]
    assert held.metadata().configuration[STATISTICS] == "c,b"
