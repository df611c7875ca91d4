"""Contracts change between deliveries; silver follows and says what the deliveries said under the contract of
each time.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.check import check
from citylake.audit.losses import losses
from citylake.compile.select import compile_contract
from citylake.compile.suite import write_suites
from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from citylake.core.names import quarantine, rules_key, silver
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.evidence import events
from citylake.ledger.seal import seal
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import decode_dataset, receive_dataset, refine_dataset, retry_batch
from citylake.storage.delta import open_table

from tests.flow import evolving
from tests.flow.deliveries import REGISTER, components, known, send
from tests.flow.evolving import DATASET, Edition, Field, Row, Rule, Truth

ROOT = Path(__file__).resolve().parents[2]
# Every kind of change at least once in each kind of table; `-m slow` plays random sequences.
SEQUENCES = (
    ("event", 264, ("add add_rule", "rename add_rule", "tighten widen", "retire reorder remove_rule")),
    ("register", 256, ("add_rule add_rule", "rename widen", "add reorder tighten", "retire")),
)


def _lake(settings: Settings, name: str, root: Path) -> Lake:
    return open_lake(settings.model_copy(update={"lake": f"{settings.lake}-{name}", "root": root}))


def _hand_over(lake: Lake, folder: Path, edition: Edition, rows: list[Row]) -> None:
    body = evolving.csv(edition, rows)
    nth = 1 + sum(p.name.isdigit() for p in folder.iterdir())
    month = f"2016-{nth:02d}"
    file = {"name": "a", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "records": len(rows)}
    manifest = {
        "manifest": 1,
        "dataset": DATASET,
        "contract": f"1.{edition.step}.0",
        "delivery": f"{month}-001",
        "period": month,
        "coverage": "full" if edition.kind == "register" else "changes",
        "sent_at": f"2017-{nth:02d}-03T09:30:00+08:00",
        "corrects": None,
        "files": [file],
        "totals": {"records": len(rows)},
    }
    to = folder / str(edition.step) / DATASET / f"{month}-001"
    to.mkdir(parents=True)
    (to / "a").write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    fetch_folder(lake.store, folder / str(edition.step))


def _in_force(lake: Lake, edition: Edition) -> None:
    evolving.write(lake.settings.root, edition)
    lake.contracts = load_contracts(lake.settings.root)
    write_suites(lake.contracts, lake.settings.root)


def _refine(lake: Lake) -> None:
    decode_dataset(lake, DATASET)
    (batch,) = refine_dataset(lake, DATASET)["batches"]
    assert batch["passed"]


def _play(lake: Lake, folder: Path, kind: str, seed: int, changes: tuple[str, ...]) -> tuple[Edition, Truth]:
    """Deliver once under each edition; what changes between two deliveries is given with blanks."""
    rng, truth, sent = random.Random(seed), Truth(), list[Row]()
    edition = Edition(kind, 0, (Field("a", "a", "small"), Field("b", "b", "whole")), ())
    for what in ("nothing", *changes):
        for change in what.split():
            edition = edition.changed(rng, change) if change != "nothing" or sent else edition
        _in_force(lake, edition)
        rows = evolving.delivered(rng, edition, sent)
        _hand_over(lake, folder, edition, rows)
        receive_dataset(lake, DATASET)
        _refine(lake)
        truth.take(edition, rows)
        sent += rows
    return edition, truth


def _rows(lake: Lake, table: Any) -> list[dict[str, Any]]:
    opened = open_table(lake.settings, table)
    return [] if opened is None else opened.to_pyarrow_table().to_pylist()


def _found(lake: Lake, edition: Edition) -> dict[str, tuple[dict[str, Decimal], frozenset[str]]]:
    rows = [r for r in _rows(lake, silver(DATASET)) if r["_known_to"] is None and r.get("_valid_to") is None]
    assert len({r["k"] for r in rows}) == len(rows), "a key stands twice"
    return {
        r["k"]: (
            {f.origin: Decimal(r[f.name]) for f in edition.fields if r[f.name] is not None},
            frozenset(r["_flags"]),
        )
        for r in rows
    }


def _expected(edition: Edition, truth: Truth) -> dict[str, tuple[dict[str, Decimal], frozenset[str]]]:
    origins = {f.origin for f in edition.fields}
    return {
        k: ({o: Decimal(v) for o, v in row.items() if o in origins}, flags)
        for k, (row, flags) in truth.known.items()
    }


def _agrees(lake: Lake, edition: Edition, truth: Truth) -> None:
    assert _found(lake, edition) == _expected(edition, truth)
    refused = sorted(
        (json.loads(r["record"])["k"], sorted(r["reasons"])) for r in _rows(lake, quarantine(DATASET))
    )
    assert refused == sorted((k, sorted(reasons)) for k, reasons in truth.refused)


@pytest.mark.parametrize(("kind", "seed", "changes"), SEQUENCES, ids=[s[0] for s in SEQUENCES])
def test_silver_follows_its_contract(
    lake_settings: Settings, tmp_path: Path, kind: str, seed: int, changes: tuple[str, ...]
) -> None:
    lake = _lake(lake_settings, f"evolve-{kind}", evolving.project(ROOT, tmp_path / "project"))
    edition, truth = _play(lake, tmp_path, kind, seed, changes)
    _agrees(lake, edition, truth)
    assert truth.refused, "no row was refused: the sequence shows nothing of verdicts"
    assert any(flags for _, flags in truth.known.values()), "no row is flagged"
    for event in events(lake.store, DATASET):
        if event.event == "refined":
            rules = json.loads(lake.store.get(rules_key(DATASET, event.facts["rules"])))
            assert rules["version"].startswith("1.")
    seal(lake.settings, lake.store)
    assert check(lake.settings, lake.store, lake.contracts).damages == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("kind", ["event", "register"])
def test_any_sequence_of_changes(lake_settings: Settings, tmp_path: Path, kind: str, seed: int) -> None:
    changes = tuple(random.Random(seed).choices(evolving.CHANGES, k=4))
    lake = _lake(lake_settings, f"evolve-{kind}-{seed}", evolving.project(ROOT, tmp_path / "project"))
    _agrees(lake, *_play(lake, tmp_path, kind, seed, changes))


def test_a_lake_with_flags_as_bits_goes_on(lake_settings: Settings, tmp_path: Path, spark: Any) -> None:
    """The same two deliveries, once with silver as an older lake kept it in between."""
    first = {f"21010201190000{n:02d}": "完好" if n % 2 else "　完好" for n in range(60)}
    second = {k: "破损" if k.endswith("4") else v for k, v in first.items() if not k.endswith("55")}
    found: list[list[dict[str, Any]]] = []
    for name in ("bits", "ids"):
        lake = _lake(lake_settings, f"flag-{name}", ROOT)
        send(lake, tmp_path / name, REGISTER, "2016-01-001", components(first), len(first), 1)
        if name == "bits":
            _as_before(lake, spark)
        send(lake, tmp_path / name, REGISTER, "2016-02-001", components(second), len(second), 2)
        rows = _rows(lake, silver(REGISTER))
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
    lake = _lake(lake_settings, "evolve-layout", evolving.project(ROOT, tmp_path / "project"))
    start = Edition("event", 0, (Field("a", "a", "whole"), Field("b", "b", "small")), ())
    _in_force(lake, start)
    _hand_over(lake, tmp_path, start, [{"k": "K1", "a": "5", "b": "7"}])
    receive_dataset(lake, DATASET)
    later = replace(start, step=1, fields=(Field("a", "amount", "whole", ("a",)), start.fields[1]))
    _in_force(lake, later)
    path = lake.settings.root / "schemas" / f"{DATASET}.odcs.yaml"
    path.write_text(path.read_text("utf-8").replace("栏a", "金额"), "utf-8")
    lake.contracts = load_contracts(lake.settings.root)
    _refine(lake)
    assert [(r["k"], r["amount"], r["b"]) for r in _rows(lake, silver(DATASET))] == [("K1", 5, 7)]
    assert losses(lake.settings, lake.store, lake.contracts[DATASET]) == []


def test_another_key_or_a_narrower_type_is_refused(lake_settings: Settings, tmp_path: Path) -> None:
    lake = _lake(lake_settings, "evolve-refused", evolving.project(ROOT, tmp_path / "project"))
    start = Edition("event", 0, (Field("a", "a", "whole"), Field("b", "b", "small")), ())
    _in_force(lake, start)
    _hand_over(lake, tmp_path, start, [{"k": "K1", "a": "5", "b": "7"}])
    receive_dataset(lake, DATASET)
    _refine(lake)
    before = _rows(lake, silver(DATASET))
    narrow = replace(start, step=1, fields=(Field("a", "a", "small"), *start.fields[1:]))
    for later, rule in (
        (narrow, "contract.column_narrowed"),
        (replace(start, step=1, kind="register"), "contract.identity_changed"),
    ):
        _in_force(lake, later)
        if rule == "contract.column_narrowed":
            _hand_over(lake, tmp_path, later, [{"k": "K1", "a": "6", "b": "7"}])
            receive_dataset(lake, DATASET)
            decode_dataset(lake, DATASET)
        with pytest.raises(LakeError) as refused:
            refine_dataset(lake, DATASET)
        assert refused.value.rule == rule
        assert _rows(lake, silver(DATASET)) == before


def test_a_held_batch_is_judged_again_by_a_corrected_contract(
    lake_settings: Settings, tmp_path: Path
) -> None:
    """The contract lets nothing be refused, one of two rows is; put right, the same bytes get in, and both
    judgements stay on record.
    """
    lake = _lake(lake_settings, "evolve-held", evolving.project(ROOT, tmp_path / "project"))
    start = Edition("event", 0, (Field("a", "a", "whole"),), (Rule("small_a", "a", 50, "error"),))
    path = lake.settings.root / "schemas" / f"{DATASET}.odcs.yaml"
    loose, strict = "quarantineMax, value: 1}", "quarantineMax, value: 0.1}"
    for bound in (strict, loose):
        _in_force(lake, start)
        path.write_text(path.read_text("utf-8").replace(loose, bound), "utf-8")
        lake.contracts = load_contracts(lake.settings.root)
        write_suites(lake.contracts, lake.settings.root)
        if bound == strict:
            _hand_over(lake, tmp_path, start, [{"k": "K1", "a": "5"}, {"k": "K2", "a": "99"}])
            receive_dataset(lake, DATASET)
            decode_dataset(lake, DATASET)
            assert not refine_dataset(lake, DATASET)["batches"][0]["passed"]
    retry_batch(lake, DATASET, 1, by="质量组", reason="界限有误")
    assert [r["k"] for r in _rows(lake, silver(DATASET))] == ["K1"]
    gates = [e.facts["passed"] for e in events(lake.store, DATASET) if e.event == "gate"]
    assert gates == [False, True]
