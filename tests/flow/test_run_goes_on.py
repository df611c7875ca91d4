"""A run over the whole plan ends with everything done that can be done, whatever breaks off in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.conservation import batches
from citylake.contract.inputs import MARTS
from citylake.core.settings import Settings
from citylake.pipeline import run, steps
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.plan import load_plan
from citylake.release.release import latest

from tests.flow.deliveries import EVENTS, REGISTER, components, events, hand_over

BROKEN = {
    "receive": "weather/warning",
    "decode": "weather/station_hourly",
    "refine": "statistics/monthly_indicator",
    "build": "urban_components/asset",
}


@pytest.fixture
def lake(lake_settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Lake:
    name = f"{lake_settings.lake}-{abs(hash(request.node.name)) % 10**8}"
    found = open_lake(lake_settings.model_copy(update={"lake": name}))
    rows = {f"21010201{n:08d}": "完好" for n in range(1, 41)}
    hand_over(
        found, tmp_path / "r", REGISTER, "2016-01-001", components(rows), 40, "2016-04-01T09:30:00+08:00"
    )
    case = events({"SY201601020001": "井盖破损"})
    hand_over(found, tmp_path / "e", EVENTS, "2016-01-001", case, 1, "2016-04-01T09:30:00+08:00")
    return found


def _plant(patch: pytest.MonkeyPatch, verb: str, subject: str | None) -> None:
    real: Callable[..., dict[str, Any]] = steps.VERBS[verb]

    def broken(lake: Lake, *given: Any, **more: Any) -> dict[str, Any]:
        if subject is None or given == (subject,):
            raise ValueError("张三")
        return real(lake, *given, **more)

    patch.setitem(steps.VERBS, verb, broken)


def _behind(marts: set[str], root: Path) -> set[str]:
    """The marts that read one of these, directly or through others."""
    plan = load_plan(root)
    while True:
        more = marts | {m.id for m in plan.marts if any(i.removeprefix(MARTS) in marts for i in m.inputs)}
        if more == marts:
            return marts
        marts = more


def test_a_run_goes_on_past_whatever_breaks_off(
    lake: Lake, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for verb, subject in BROKEN.items():
            _plant(patch, verb, subject)
        done = run.run_all(lake)
    wrong = {(s["verb"], s["subject"]): s["error"] for s in done["steps"] if "error" in s}
    behind = _behind({BROKEN["build"]}, root)
    assert len(behind) > 1
    assert set(wrong) == {*BROKEN.items(), *(("build", m) for m in behind)}
    assert "张三" not in str(wrong) and all("ValueError" in wrong[b] for b in BROKEN.items())
    assert all(b.state == "admitted" for b in batches(lake.store, lake.contracts))
    assert "urban_components.survey_change" in latest(lake.store).tables

    with monkeypatch.context() as patch:
        _plant(patch, "release", None)
        again = run.run_all(lake)
    assert [(s["verb"], s["error"].split()[0]) for s in again["steps"] if "error" in s] == [
        ("release", "ValueError")
    ]
    assert {s["mart"] for s in again["steps"] if s.get("built")} >= {BROKEN["build"]}


def test_a_run_ends_where_its_surroundings_do_not_answer(lake: Lake) -> None:
    """A Spark server that is gone is nobody's delivery's fault: no batch fails for it."""
    for verb in ("receive", "decode"):
        steps.VERBS[verb](lake, REGISTER)
    gone = {"CITYLAKE_LAKE": lake.settings.lake, "CITYLAKE_SPARK_REMOTE": "sc://127.0.0.1:9"}
    told = subprocess.run(
        [sys.executable, "-m", "citylake.cli", "refine", REGISTER],
        env={**os.environ, **gone},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 3 and "does not answer" in told.stderr and "Traceback" not in told.stderr
    assert {b.state for b in batches(lake.store, lake.contracts) if b.dataset == REGISTER} == {"decoded"}
    steps.VERBS["refine"](lake, REGISTER)
    assert {b.state for b in batches(lake.store, lake.contracts) if b.dataset == REGISTER} == {"admitted"}
