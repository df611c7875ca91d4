"""A steward decides about a waiver on the real scheduler's page of required actions; the answers go over its
REST API, as that page sends them.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.casework.cases import cases
from citylake.compile.select import compile_contract
from citylake.core.names import case_chain
from citylake.core.settings import Settings
from citylake.ledger.evidence import append, broken_links, events
from citylake.ledger.receipts import Receipt, answer
from citylake.orchestrate import scheduler
from citylake.orchestrate.scheduler import Api, down, up, wait_for
from citylake.pipeline.lake import Lake, open_lake, today

pytestmark = pytest.mark.slow

READING_SECONDS = 20
DATASET, RULE = "construction/component", "longitude.swapped"
STEWARD = {"by": "李四", "reason": "资产已拆除,无法更正", "until": "2099-12-31"}


@pytest.fixture
def lake(lake_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake with one case, and a scheduler that knows the steward's DAG alone."""
    settings = lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-waivers"})
    monkeypatch.setenv("CITYLAKE_LAKE", settings.lake)
    (tmp_path / "steward.py").write_text((settings.root / "dags" / "steward.py").read_text("utf-8"), "utf-8")
    plain = scheduler.environment
    monkeypatch.setattr(
        scheduler, "environment", lambda s: plain(s) | {"AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    )
    found = open_lake(settings)
    _refused_records(found)
    up(settings)
    yield found
    down(settings)


def _refused_records(lake: Lake) -> None:
    """What a batch leaves behind whose gate passed and of which four records were refused."""
    head = {
        "department": "construction",
        "dataset": DATASET,
        "delivery": "2016-01-001",
        "contract": "1.0.0",
        "outcome": "accepted",
    }
    answer(
        lake.store,
        "construction",
        lambda known, number: Receipt(
            number=number, period="2016-01", sent_at="2016-02-01T09:30:00+08:00", **head
        ),
    )
    assert RULE in {r.id for r in compile_contract(lake.contracts[DATASET], lake.settings.root).verdicts}
    append(lake.store, DATASET, "refined", 1, {"counts": {f"rule:{RULE}": 4}})
    append(lake.store, DATASET, "admitted", 1, {})


def _state(lake: Lake) -> str:
    return cases(lake.store, lake.contracts[DATASET], lake.settings.root, today())[0].state


def _told(lake: Lake) -> list[tuple[str, dict[str, Any]]]:
    return [(e.event, e.facts) for e in events(lake.store, case_chain(DATASET))]


def test_a_steward_decides_on_the_page_of_required_actions(lake: Lake) -> None:
    api, case = Api(lake.settings), f"{DATASET}/0001/{RULE}"
    wait_for(lambda: "waivers" in api.dags(), lake.settings, "the DAG to be parsed", 120)
    api.unpause("waivers")
    asked = {"case": case, "by": "张三", "reason": "原件遗失", "until": "2099-06-30"}
    both = (asked | {"by": "王五"}, asked)
    refused, approved = (
        api.call("POST", "/api/v2/dags/waivers/dagRuns", {"logical_date": None, "conf": a})["dag_run_id"]
        for a in both
    )

    def waiting() -> dict[str, Any]:
        listed = api.call("GET", "/api/v2/dags/~/dagRuns/~/hitlDetails?response_received=false")[
            "hitl_details"
        ]
        return {d["task_instance"]["dag_run_id"]: d for d in listed}

    wait_for(lambda: waiting().keys() == {refused, approved}, lake.settings, "two required actions", 240)
    page = waiting()[approved]
    assert case in page["subject"] and "4 / 4" in page["body"] and "张三" in page["body"]
    assert page["options"] == ["Approve", "Reject"] and page["params"].keys() == STEWARD.keys()
    assert [e for e, _ in _told(lake)] == ["waiver_asked"] * 2 and _state(lake) == "open"

    # A person reads first. An answer in the very second of asking meets a scheduler that has not yet seen the
    # task wait, and fails the run.
    time.sleep(READING_SECONDS)
    decide = _decider(api)
    decide(refused, "Reject", STEWARD | {"reason": "请先查档"})
    wait_for(lambda: _ended(api, refused), lake.settings, "the refusal", 240)
    assert _told(lake)[-1][0] == "waiver_refused" and _state(lake) == "open"
    decide(approved, "Approve", STEWARD)
    wait_for(lambda: _ended(api, approved), lake.settings, "the waiver", 240)
    event, facts = _told(lake)[-1]
    assert event == "waived" and facts.pop("login")
    assert facts == {"receipt": 1, "rule": RULE, **STEWARD}
    assert _state(lake) == "waived" and broken_links(lake.store, case_chain(DATASET)) == []
    with pytest.raises(urllib.error.HTTPError, match="409"):
        decide(approved, "Reject", STEWARD)
    mine = {r["dag_run_id"]: r["state"] for r in api.runs() if r["dag_id"] == "waivers"}
    assert mine == {refused: "success", approved: "success"}


def _decider(api: Api) -> Callable[[str, str, dict[str, str]], None]:
    def decide(run: str, option: str, inputs: dict[str, str]) -> None:
        path = f"/api/v2/dags/waivers/dagRuns/{run}/taskInstances/decide/-1/hitlDetails"
        api.call("PATCH", path, {"chosen_options": [option], "params_input": inputs})

    return decide


def _ended(api: Api, run: str) -> bool:
    return any(r["dag_run_id"] == run and r["state"] in scheduler.DONE for r in api.runs())
