"""The city: the same seed gives the same bytes, manifests are true, and every expected rule exists."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from citylake.compile.select import compile_contract
from citylake.contract.load import load_contracts
from citylake.synthetic import generate


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    generate(folder, months=2, scale=0.4)
    return folder


def _bytes(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(city: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", months=2, scale=0.4)
    assert _bytes(tmp_path / "again") == _bytes(city)
    generate(tmp_path / "other", months=1, seed=7, scale=0.05)
    assert not set(_bytes(tmp_path / "other").values()) & set(_bytes(city).values())


def test_manifests_state_what_lies_beside_them_but_for_the_one_cut_short(city: Path) -> None:
    wrong = []
    for path in sorted((city / "inbox").rglob("manifest.json")):
        stated = json.loads(path.read_text("utf-8"))
        for file in stated["files"]:
            body = (path.parent / file["name"]).read_bytes()
            if (len(body), hashlib.sha256(body).hexdigest()) != (file["bytes"], file["sha256"]):
                wrong.append((stated["dataset"], stated["delivery"]))
    assert wrong == [("construction/component_case", "2016-01-001")]


def test_at_least_25_kinds_and_every_rule_exists(city: Path, root: Path) -> None:
    planted = [
        json.loads(line) for line in (city / "truth" / "defects.jsonl").read_text("utf-8").splitlines()
    ]
    assert len({p["id"] for p in planted}) >= 25
    contracts = load_contracts(root)
    known = {}
    for name in {p["dataset"] for p in planted}:
        compiled = compile_contract(contracts[name], root)
        known[name] = {r.id for r in (*compiled.verdicts, *compiled.flags)}
    missing = {
        (p["dataset"], p["rule"]) for p in planted if p["rule"] and p["rule"] not in known[p["dataset"]]
    }
    assert {rule for _, rule in missing} <= {"delivery.bytes"}


def test_nothing_delivered_tells_of_a_defect(city: Path) -> None:
    for path in (city / "inbox").rglob("*"):
        if path.is_file() and path.suffix in (".json", ".csv", ".txt"):
            assert b"ROW-" not in path.read_bytes()
            assert b"#" not in path.read_bytes()[:200]
