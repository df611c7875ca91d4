"""Contracts: all sound, faults told with line and nearest key, suites as committed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from citylake.compile.select import compile_contract
from citylake.compile.suite import stale_suites
from citylake.contract.inputs import LEDGER, MARTS, QUARANTINE, mart_inputs
from citylake.contract.load import lint, load_contracts
from citylake.contract.source import read_yaml
from citylake.core.errors import ContractError


def test_all_contracts_are_sound(root: Path) -> None:
    assert lint(root) == []


def test_committed_suites_are_what_the_contracts_give(root: Path) -> None:
    assert stale_suites(load_contracts(root), root) == []


def test_every_contract_fits_in_sixty_lines(root: Path) -> None:
    long = [
        p.name for p in (root / "schemas").rglob("*.odcs.yaml") if len(p.read_text("utf-8").splitlines()) > 61
    ]
    assert long == []


def test_every_mart_states_inputs_that_exist(root: Path) -> None:
    contracts = load_contracts(root)
    for contract in (c for c in contracts.values() if c.kind == "mart"):
        for name in mart_inputs(root, contract.id):
            table = name.removeprefix(MARTS).removeprefix(QUARANTINE)
            listed = (root / "schemas" / f"{name}.csv").exists()
            assert table in contracts or listed or name.startswith(LEDGER)


def test_rule_ids_are_unique(root: Path) -> None:
    for contract in (c for c in load_contracts(root).values() if c.kind != "mart"):
        compiled = compile_contract(contract, root)
        ids = [r.id for r in (*compiled.verdicts, *compiled.flags)]
        assert len(ids) == len(set(ids)), contract.id


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The schemas in a place where they may be broken."""
    shutil.copytree(root / "schemas", tmp_path / "schemas")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("value: quarantineMax", "value: quarantineMax", None),
        ("property: quarantineMax", "property: quarantinMax", "did you mean 'quarantineMax'?"),
        ("property: kind, value: register", "property: kinds, value: register", "did you mean 'kind'?"),
        (
            "{property: type, value: longitude}",
            "{property: type, value: longitud}",
            "did you mean 'longitude'?",
        ),
        (
            "logicalType: date, businessName: ORDate",
            "logicalTyp: date, businessName: ORDate",
            "did you mean 'logicalType'?",
        ),
        (
            "{property: type, value: longitude}",
            "{property: type, value: longitude}, {property: formerly, value: [x, latitude]}",
            "formerly: 'latitude': column 'latitude' bears it today",
        ),
        ("businessName: ORDate", "businessName: No", "put it in quotation marks"),
        ("{name: material,", "{name: resident_score,", "no such data about persons"),
        ("value: register}", "value: registry}", 'kind: "registry" is not one of'),
        (
            "{property: quarantineMax, value: 0.1}",
            "{property: quarantineMax, value: 10%}",
            'quarantineMax: "10%" is not of type "number"',
        ),
    ],
)
def test_a_broken_contract_names_file_line_and_nearest_key(
    copy: Path, old: str, new: str, told: str | None
) -> None:
    path = copy / "schemas" / "construction" / "component.odcs.yaml"
    load_contracts(copy)  # what was read before is not taken for what stands there now
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    problems = [str(p) for p in lint(copy)]
    if told is None:
        assert problems == []
        return
    assert any(told in p for p in problems), problems
    assert all(p.startswith("schemas/construction/component.odcs.yaml:") for p in problems)
    assert len(problems) == 1, "one fault, one line"
    with pytest.raises(ContractError):
        load_contracts(copy)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"a: 1\nb: 2016-13-45\n", 2),
        (b"a: 1\nb: \xb7\xfe\n", 2),
        (b"a: &x [*x]", 1),
        (b"a: 1\na: 2", 2),
        (b"a: !!int zz", 1),
        (b"a: !tag x", 1),
    ],
)
def test_whatever_is_wrong_with_its_yaml_a_contract_names_the_line(
    tmp_path: Path, body: bytes, line: int
) -> None:
    (tmp_path / "a.odcs.yaml").write_bytes(body)
    with pytest.raises(ContractError) as caught:
        read_yaml(tmp_path / "a.odcs.yaml", tmp_path)
    assert caught.value.where == f"a.odcs.yaml:{line}"
