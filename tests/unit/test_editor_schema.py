"""What an editor says of a contract: nothing of a sound one, and the fault of a broken one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from citylake.contract.editor import editor_schema
from citylake.contract.load import contract_files, load_types
from citylake.contract.source import read_yaml
from citylake.core.settings import ROOT
from jsonschema_rs import Draft201909Validator

SCHEMA = Draft201909Validator(json.loads(json.dumps(editor_schema(load_types(ROOT)))))


@pytest.mark.parametrize("path", contract_files(ROOT), ids=lambda p: p.stem.removesuffix(".odcs"))
def test_every_contract_is_sound(path: Path) -> None:
    assert [e.message for e in SCHEMA.iter_errors(read_yaml(path, ROOT).data)] == []


def _broken(change: str) -> Any:
    text = (ROOT / "schemas" / "weather" / "station_hourly.odcs.yaml").read_text("utf-8")
    old, new = change.split(" -> ")
    assert old in text
    return yaml.safe_load(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "change",
    [
        "value: rain_mm -> value: rain_inch",
        "property: quarantineMax, value: 0.1 -> property: quarantineMax, value: 2",
        "property: quarantineMax -> property: quarantineMost",
        "value: observation -> value: observations",
        "layer, value: bronze -> layer, value: gold",
        "logicalType: timestamp -> logicalType: moment",
        "status: active -> statuss: active",
    ],
)
def test_a_fault_is_shown(change: str) -> None:
    assert list(SCHEMA.iter_errors(_broken(change)))
