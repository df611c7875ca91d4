"""A batch that its gate holds waits for a person: let in by name and reason it is admitted as it was judged,
and what came later forbids that.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from citylake.audit.conservation import batches
from citylake.audit.decisions import decisions
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.ledger.evidence import broken_links, events
from citylake.pipeline.hops import refine_dataset
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import open_cases, overrule_gate

from tests.flow.deliveries import REGISTER, State, components, known, send

STEWARD = {"by": "steward of components", "reason": "the twelve are being surveyed again"}
JANUARY = {f"21010201{n:08d}": "完好" for n in range(1, 41)}
FEBRUARY = {
    k: "不明" if n < 12 else "破损" for n, k in enumerate(JANUARY)
}  # too many refused records for the gate


@pytest.fixture
def lake(lake_settings: Settings, request: pytest.FixtureRequest) -> Lake:
    return open_lake(
        lake_settings.model_copy(
            update={"lake": f"{lake_settings.lake}-{request.node.name[7:20].replace('_', '-')}"}
        )
    )


def _send(lake: Lake, folder: Path, name: str, state: State, day: int) -> int:
    send(lake, folder, REGISTER, name, components(state), len(state), day)
    return batches(lake.store, lake.contracts)[-1].receipt


def test_a_held_batch_goes_in_by_name_and_reason(lake: Lake, tmp_path: Path) -> None:
    _send(lake, tmp_path, "2016-01-001", JANUARY, 1)
    number = _send(lake, tmp_path, "2016-02-001", FEBRUARY, 2)
    assert batches(lake.store, lake.contracts)[-1].state == "held"
    assert known(lake, REGISTER, "object_id", "state_code") == JANUARY
    assert refine_dataset(lake, REGISTER)["batches"] == []

    assert overrule_gate(lake, REGISTER, number, **STEWARD)["batches"][0]["passed"]
    found = batches(lake.store, lake.contracts)[-1]
    assert (found.state, STEWARD["by"] in found.why, STEWARD["reason"] in found.why) == (
        "admitted",
        True,
        True,
    )
    assert known(lake, REGISTER, "object_id", "state_code") == JANUARY | {
        k: v for k, v in FEBRUARY.items() if v == "破损"
    }
    assert sorted((c.rule, c.state) for c in open_cases(lake)) == [
        ("gate:component.quarantine_share", "closed"),
        ("state_code.unknown_code", "notified"),
    ]
    told = next(e for e in events(lake.store, REGISTER) if e.event == "overruled")
    (decided,) = decisions(lake.store, [lake.contracts[REGISTER]])
    assert (decided.what, decided.by, decided.reason) == ("overruled", STEWARD["by"], STEWARD["reason"])
    assert decided.about == f"{REGISTER} {number} {', '.join(told.facts['rules'])}"
    assert told.facts["rules"] and broken_links(lake.store, REGISTER) == []
    with pytest.raises(LakeError, match="not held"):
        overrule_gate(lake, REGISTER, number, **STEWARD)


def test_what_came_later_forbids_it(lake: Lake, tmp_path: Path) -> None:
    _send(lake, tmp_path, "2016-01-001", JANUARY, 1)
    number = _send(lake, tmp_path, "2016-02-001", FEBRUARY, 2)
    _send(lake, tmp_path, "2016-03-001", JANUARY, 3)
    with pytest.raises(LakeError, match="was admitted since"):
        overrule_gate(lake, REGISTER, number, **STEWARD)
    assert known(lake, REGISTER, "object_id", "state_code") == JANUARY


def test_of_two_held_batches_one_can_go_in(lake: Lake, tmp_path: Path) -> None:
    _send(lake, tmp_path, "2016-01-001", JANUARY, 1)
    first = _send(lake, tmp_path, "2016-02-001", FEBRUARY, 2)
    second = _send(
        lake, tmp_path, "2016-03-001", {k: "不明" if n < 12 else "完好" for n, k in enumerate(JANUARY)}, 3
    )
    with pytest.raises(LakeError, match="a name and a reason"):
        overrule_gate(lake, REGISTER, first, by=" ", reason="none")
    overrule_gate(lake, REGISTER, first, **STEWARD)
    with pytest.raises(LakeError, match="was admitted since"):
        overrule_gate(lake, REGISTER, second, **STEWARD)
