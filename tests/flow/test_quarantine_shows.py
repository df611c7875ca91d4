"""Quarantine shows what was refused: beside the key the texts as they came, nothing that is restricted."""

from __future__ import annotations

import json
from pathlib import Path

from citylake.contract.load import load_contracts
from citylake.core.names import quarantine
from citylake.core.settings import ROOT, Settings
from citylake.pipeline.lake import open_lake
from citylake.refine.judging import texts_shown
from citylake.storage.delta import open_table

from tests.flow.deliveries import REGISTER, components, send


def test_the_texts_of_a_refused_record_stand_beside_its_key(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "quarantine-shows"}))
    sound = {f"2101020119{n:06d}": "完好" for n in range(1, 400)}
    body = components({**sound, "2101020119000999": "坏 的"})
    send(lake, tmp_path, REGISTER, "2016-01-001", body, 400, 1)
    table = open_table(lake.settings, quarantine(REGISTER))
    assert table is not None
    (row,) = table.to_pyarrow_table().to_pylist()
    record = json.loads(row["record"])
    assert (record["object_id"], row["reasons"]) == ("2101020119000999", ["state_code.unknown_code"])
    assert record["_delivered"]["state_code"] == "坏 的"
    assert record["_delivered"]["material"] == "铸铁"


def test_nothing_restricted_is_shown() -> None:
    contracts = [c for c in load_contracts(ROOT).values() if c.kind != "mart"]
    shown = [c.column(n) for c in contracts for n in texts_shown(c)]
    assert len(shown) > 100
    assert [c for c in shown if c.type.classification == "restricted" or c.type.personal != "none"] == []
