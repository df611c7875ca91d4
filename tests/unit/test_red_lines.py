"""Red lines by meaning: evil contracts are refused with an id that explains it, others are accepted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from citylake.contract import load
from citylake.contract.lint import problems
from citylake.contract.source import Source

FOLDER = Path(__file__).parents[1] / "redlines"
EVIL = yaml.safe_load((FOLDER / "evil.yaml").read_text("utf-8"))
INNOCENT = yaml.safe_load((FOLDER / "innocent.yaml").read_text("utf-8"))
PLACE = ["place_code", "code_text", "地点编号", "number of the place"]


@pytest.fixture(scope="module")
def types(root: Path) -> load.Types:
    return load.load_types(root)


def _column(given: list[str], position: int | None, reviewed: str | None) -> dict[str, Any]:
    name, kind, label, en, *rest = given
    props = [{"property": "type", "value": kind}, {"property": "en", "value": en}]
    props += [{"property": "freeText", "value": reviewed}] if reviewed else []
    column = {"name": name, "logicalType": "string", "businessName": label, "customProperties": props}
    if position is not None:
        column |= {"primaryKey": True, "primaryKeyPosition": position}
    return column | ({"synonyms": [{"synonym": rest[1]}]} if len(rest) > 1 else {})


def _contract(spec: dict[str, Any]) -> Source:
    at = spec.get("at", "construction/a")
    mart, identity = at.startswith("marts/"), at.removeprefix("marts/")
    props = [{"property": "kind", "value": "mart" if mart else "register"}]
    props += [{"property": "suppressBelow", "value": spec["below"]}] if "below" in spec else []
    keys = spec.get("keys", [PLACE])
    table = {
        "name": identity.split("/")[1],
        "businessName": "表",
        "dataGranularityDescription": spec.get("grain", "每地点一行 (one row per place)"),
        "customProperties": props,
        "properties": [_column(k, i + 1, None) for i, k in enumerate(keys)]
        + [_column(c, None, spec.get("reviewed")) for c in spec.get("columns", [])],
        "quality": [{"id": "rows_min", "metric": "rowCount", "mustBeGreaterOrEqualTo": 1}],
    }
    data = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": identity,
        "version": "1.0.0",
        "status": "active",
        "domain": identity.split("/")[0],
        "description": {"purpose": spec.get("purpose", "地点 (places)"), "limitations": "无 (none)"},
        "team": {"name": "处", "description": "Division", "members": [{"username": "data", "role": "owner"}]},
        "schema": [table],
        "slaProperties": [
            {"property": "frequency", "value": 1, "unit": "m"},
            {"property": "latency", "value": 48, "unit": "h"},
        ],
    }
    return Source(f"schemas/{at}.odcs.yaml", json.loads(json.dumps(data)), {})


@pytest.mark.parametrize(("name", "rule", "spec"), EVIL, ids=[e[0] for e in EVIL])
def test_an_evil_contract_is_refused(name: str, rule: str, spec: dict[str, Any], types: load.Types) -> None:
    found = problems(_contract(spec), types)
    assert rule in {p.rule for p in found}, found
    assert all(p.rule.startswith("redline.") for p in found), found
    assert all("the lake holds no such data about persons" in p.text for p in found)


@pytest.mark.parametrize(("name", "spec"), INNOCENT, ids=[i[0] for i in INNOCENT])
def test_an_innocent_contract_is_accepted(name: str, spec: dict[str, Any], types: load.Types) -> None:
    assert problems(_contract(spec), types) == []


@pytest.mark.parametrize("kind", ["resident_id", "person_name", "person_name_token", "birth_date"])
def test_no_type_of_a_person_is_in_any_mart(kind: str, types: load.Types) -> None:
    spec = {"at": "marts/weather/a", "columns": [["x", kind, "某", "some"]]}
    assert {p.rule for p in problems(_contract(spec), types)} == {"redline.person_in_mart"}


def test_beside_a_person_stands_nothing_but_what_the_register_holds(types: load.Types) -> None:
    """Every type there is, also one that is added tomorrow: what is not on the list is refused."""
    refused = set()
    for kind in types:
        columns = [["x", kind, "某", "some"]]
        spec = {
            "at": "civil_affairs/a",
            "keys": [["resident_id", "resident_id", "证", "identifier"]],
            "columns": columns,
        }
        if problems(_contract(spec), types):
            refused.add(kind)
    assert refused >= {
        "short_text",
        "long_text",
        "json_text",
        "longitude",
        "timestamp",
        "points",
        "money_10k_cny",
    }
    assert len(refused) > len(types) * 0.8


def test_every_id_is_explained(root: Path) -> None:
    text = (root / "docs" / "engineers" / "red-lines.md").read_text("utf-8")
    code = (root / "jobs" / "citylake" / "contract" / "redlines.py").read_text("utf-8")
    explained = set(re.findall(r"^\| `redline\.(\w+)`", text, re.M))
    assert {rule.removeprefix("redline.") for _, rule, _ in EVIL} == explained
    assert all(f'"{rule}"' in code for rule in explained)
