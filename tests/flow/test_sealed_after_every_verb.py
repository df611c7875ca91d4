"""Each verb that writes for the whole lake leaves nothing that its own check would name."""

from __future__ import annotations

from pathlib import Path

from citylake.audit.check import check
from citylake.core.settings import Settings
from citylake.pipeline.lake import open_lake
from citylake.pipeline.steps import VERBS

from tests.flow.deliveries import REGISTER, components, send


def test_release_report_and_upkeep_leave_a_sound_lake(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-after-verbs"}))
    rows = {f"21010201{n:08d}": "完好" for n in range(1, 41)}
    send(lake, tmp_path, REGISTER, "2016-01-001", components(rows), 40, 1)
    for verb in ("release", "report", "upkeep"):
        VERBS[verb](lake)
        assert check(lake.settings, lake.store, lake.contracts).damages == [], verb
