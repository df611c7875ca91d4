"""Drift: every kind on every dataset is named, its patch applies and loads, drifted files decode with it and
old ones as before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.drift import Drift, diagnose
from citylake.ingest.decode import open_file
from citylake.ingest.manifest_writer import count_records
from citylake.synthetic import generate

from tests.decoding.drift_mutations import KINDS, PLANS, mutate

CASES = [(d, k) for d in PLANS for k in KINDS if k not in PLANS[d].none]


@dataclass(frozen=True)
class Pair:
    """Two deliveries of a dataset: the earlier is the reference, the later is the one that drifts."""

    contract: Contract
    before: Path
    now: Path


@pytest.fixture(scope="module")
def contracts(root: Path) -> dict[str, Contract]:
    return load_contracts(root)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, contracts: dict[str, Contract]) -> dict[str, Pair]:
    city = tmp_path_factory.mktemp("drift_city")
    generate(city, months=2, scale=0.1, defects="off", only=tuple(PLANS))
    return {d: Pair(contracts[d], *_files(city, d)[-2:]) for d in PLANS}


def _files(city: Path, dataset: str) -> list[Path]:
    return [
        p
        for folder in sorted((city / "inbox" / dataset).iterdir())
        for p in folder.iterdir()
        if p.name != "manifest.json"
    ]


@pytest.fixture(scope="module")
def drifted(
    pairs: dict[str, Pair], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], tuple[Path, list[Drift]]]:
    folder = tmp_path_factory.mktemp("drifted")
    out: dict[tuple[str, str], tuple[Path, list[Drift]]] = {}
    for dataset, kind in CASES:
        pair = pairs[dataset]
        path = folder / f"{dataset.replace('/', '_')}_{kind}{pair.now.suffix}"
        mutate(kind, pair.now, path, pair.contract)
        out[dataset, kind] = path, diagnose(pair.contract, path, pair.before)
    return out


def test_the_right_kind_stands_first_in_95_percent(
    drifted: dict[tuple[str, str], tuple[Path, list[Drift]]],
) -> None:
    wrong = {
        case: [(d.kind, d.column, d.confidence) for d in found]
        for case, (_, found) in drifted.items()
        if not found or found[0].kind != case[1]
    }
    _print_table(drifted)
    assert (len(drifted), sum(len(p.none) for p in PLANS.values())) == (62, 10)
    assert len(wrong) <= len(drifted) * 0.05, wrong


def _print_table(drifted: dict[tuple[str, str], tuple[Path, list[Drift]]]) -> None:
    for dataset in PLANS:
        cells = [_cell(drifted.get((dataset, kind)), kind) for kind in KINDS]
        print(f"{dataset:34}", *(f"{k}={c}" for k, c in zip(KINDS, cells, strict=True)))


def _cell(result: tuple[Path, list[Drift]] | None, kind: str) -> str:
    if result is None:
        return "n/a"
    first = result[1][0] if result[1] else None
    return (
        ("patch" if first.patch else "told")
        if first is not None and first.kind == kind
        else f"WRONG({first.kind if first else 'nothing'})"
    )


def test_only_one_thing_is_told_of_one_thing_done(
    drifted: dict[tuple[str, str], tuple[Path, list[Drift]]],
) -> None:
    more = {
        case: Counter(d.kind for d in found)
        for case, (_, found) in drifted.items()
        if {d.kind for d in found} != {case[1]}
    }
    assert len(more) <= len(drifted) * 0.05, more


@pytest.mark.parametrize(("dataset", "kind"), CASES)
def test_patches_apply_load_and_decode_both_files(
    dataset: str,
    kind: str,
    drifted: dict[tuple[str, str], tuple[Path, list[Drift]]],
    pairs: dict[str, Pair],
    root: Path,
    tmp_path: Path,
) -> None:
    path, found = drifted[dataset, kind]
    pair = pairs[dataset]
    for patch in {d.patch for d in found if d.patch}:
        patched = _patched(root, tmp_path / "patched", patch)[dataset]
        assert not found[0].patch or _decoded(path, patched, pair.contract, kind) == _expected(pair, kind)
        same = patched.version.split(".")[0] == pair.contract.version.split(".")[0]
        known = {c.name for c in pair.contract.columns}
        assert _records(pair.now, patched if same else pair.contract, known) == _records(
            pair.now, pair.contract, known
        )


def _patched(root: Path, target: Path, patch: str) -> dict[str, Contract]:
    """The contracts after `git apply` on a copy; the lint stands inside loading. Only the patched lines
    differ.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / "schemas", target / "schemas")
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(target.parent)}
    done = subprocess.run(
        ["git", "apply", "-p1", "-"],
        input=patch.encode(),
        cwd=target,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert (target / "schemas").exists() and any(
        p.read_bytes() != (root / p.relative_to(target)).read_bytes()
        for p in target.rglob("*.*")
        if p.is_file()
    )
    return load_contracts(target)


def _records(path: Path, contract: Contract, known: set[str]) -> list[Any]:
    """Place, error and values by column of every record; values of columns that the patch added are left
    out.
    """
    with open_file(path, contract) as decoder:
        names = decoder.columns
        return [
            (
                r.number,
                r.line,
                r.start,
                r.end,
                r.error,
                {n: v for n, v in zip(names, r.values, strict=True) if n in known},
            )
            for r in decoder
        ]


def _values(path: Path, contract: Contract, known: set[str]) -> list[dict[str, str]]:
    return [{n: v for n, v in r[5].items() if v} for r in _records(path, contract, known)]


def _decoded(path: Path, patched: Contract, contract: Contract, kind: str) -> list[dict[str, str]]:
    known = {c.name for c in contract.columns} - _hidden(contract, kind)
    assert {r[4] for r in _records(path, patched, known)} == {None}
    return _values(path, patched, known)


def _expected(pair: Pair, kind: str) -> list[dict[str, str]]:
    """The values of the sound file, without the column that the drift took or changed."""
    return _values(
        pair.now, pair.contract, {c.name for c in pair.contract.columns} - _hidden(pair.contract, kind)
    )


def _hidden(contract: Contract, kind: str) -> set[str]:
    plan = PLANS[contract.id]
    texts = {"dropped": {plan.dropped}, "new_code": {plan.code[0]}}.get(kind, set())
    return {c.name for c in contract.columns if {c.name, c.label.zh, *c.headers.values()} & texts}


def test_a_sound_file_of_a_later_month_tells_nothing(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    for defects, seed in (("off", 2016), ("normal", 2016), ("heavy", 7)):
        city = tmp_path / f"{defects}{seed}"
        generate(
            city,
            months=4,
            scale=0.1,
            defects=defects,
            seed=seed,
            only=(*PLANS, "statistics/monthly_indicator", "environment/air_quality_hourly"),
        )  # type: ignore[arg-type]
        told: dict[Any, Any] = {}
        for folder in sorted((city / "inbox").glob("*/*")):
            contract = contracts[f"{folder.parent.name}/{folder.name}"]
            files = _files(city, contract.id)
            told |= {
                (defects, p.name): found for p in files[1:] if (found := diagnose(contract, p, files[0]))
            }
        assert told == {}


def test_no_personal_value_stands_in_evidence_or_patch(
    drifted: dict[tuple[str, str], tuple[Path, list[Drift]]], pairs: dict[str, Pair]
) -> None:
    for (dataset, _), (_, found) in drifted.items():
        contract = pairs[dataset].contract
        hidden = [c.name for c in contract.columns if c.delivered and c.type.personal != "none"]
        values = {v for r in _values(pairs[dataset].now, contract, set(hidden)) for v in r.values()}
        assert not [v for v in values for d in found if v in d.evidence_zh + d.evidence_en + d.patch]


def test_two_changes_at_once_are_both_told_with_one_patch(
    pairs: dict[str, Pair], root: Path, tmp_path: Path
) -> None:
    pair = pairs["construction/component"]
    first, both = tmp_path / "first.csv", tmp_path / "both.csv"
    mutate("renamed", pair.now, first, pair.contract)
    both.write_bytes(first.read_bytes().decode("gb18030").replace(",", "\t").encode("utf-8"))
    found = diagnose(pair.contract, both, pair.before)
    assert [d.kind for d in found] == ["charset", "delimiter", "renamed"]
    assert len({d.patch for d in found}) == 1
    patched = _patched(root, tmp_path / "patched", found[0].patch)[pair.contract.id]
    assert patched.version == "2.0.0"
    assert count_records(both, patched) == count_records(pair.now, pair.contract)
