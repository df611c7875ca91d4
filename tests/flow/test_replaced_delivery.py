"""Other bytes under a used name replace that delivery (`revision: replace`): silver is as if the first bytes
had never come, and nothing is lost.

The oracle folds the deliveries that still hold, in the order of their names, in plain Python.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from citylake.audit.conservation import batches
from citylake.audit.losses import losses
from citylake.casework.cases import cases
from citylake.core.names import letter_key
from citylake.core.settings import Settings
from citylake.ledger.receipts import dataset_receipts
from citylake.pipeline.lake import Lake, open_lake, today

from tests.flow.deliveries import EVENTS, REGISTER, State, components, events, known, send

CLASSES = ("除雪后积雪结冰", "井盖破损")


@pytest.fixture
def lake(lake_settings: Settings, request: pytest.FixtureRequest) -> Lake:
    found = open_lake(
        lake_settings.model_copy(
            update={"lake": f"{lake_settings.lake}-{request.node.name[5:15].replace('_', '-')}"}
        )
    )
    found.contracts |= {d: replace(found.contracts[d], revision="replace") for d in (EVENTS, REGISTER)}
    return found


def _changed(rng: random.Random, state: State, share: float) -> State:
    return {k: rng.choice(CLASSES) if rng.random() < share else v for k, v in state.items()}


def test_events_are_as_if_the_replaced_delivery_had_never_come(lake: Lake, tmp_path: Path) -> None:
    rng = random.Random(7)
    keys = [f"SY2016010{n:05d}" for n in range(300)]
    first = dict.fromkeys(keys[:100], CLASSES[0])
    second = _changed(rng, dict.fromkeys(keys[50:200], CLASSES[0]), 0.5)
    third = _changed(rng, {k: second.get(k, CLASSES[0]) for k in keys[195:250]}, 0.5)
    kept = {
        k: v for i, (k, v) in enumerate(second.items()) if i not in (3, 20, 70, 147, 149)
    }  # known before (two), nowhere else, known later (two)
    mended = {**_changed(rng, kept, 0.2), "SY201601000299": CLASSES[1]}
    sent = [
        ("2016-01-001", first),
        ("2016-02-001", {**second, "坏": "不明"}),
        ("2016-03-001", third),
        ("2016-02-001", mended),
    ]
    for day, (name, state) in enumerate(sent, start=1):
        send(lake, tmp_path, EVENTS, name, events(state), len(state), day)
    answered = [b for b in batches(lake.store, lake.contracts) if b.dataset == EVENTS]
    assert [(b.state, b.why) for b in answered] == [("admitted", "")] * 4
    assert all(b.balanced for b in answered) and sum(b.received for b in answered) == sum(
        len(s) for _, s in sent
    )
    assert losses(lake.settings, lake.store, lake.contracts[EVENTS]) == []
    assert known(lake, EVENTS, "case_id", "event_class") == first | mended | third
    assert [r.replaces for r in dataset_receipts(lake.store, EVENTS)] == [None, None, None, 2]
    assert "替换回执 2" in lake.store.get(letter_key("construction", 4, "zh.html")).decode()
    assert {
        (c.state, c.closed_on)
        for c in cases(lake.store, lake.contracts[EVENTS], lake.settings.root, today())
        if c.receipt == 2
    } == {("closed", today().isoformat())}
    send(
        lake, tmp_path, EVENTS, "2016-02-001", events({**second, "坏": "不明"}), len(second) + 1, 5
    )  # the first bytes again: they count anew
    assert known(lake, EVENTS, "case_id", "event_class") == first | second | third


def test_a_register_is_replaced_as_a_whole_and_only_in_its_last_period(lake: Lake, tmp_path: Path) -> None:
    keys = [f"2101020119{n:06d}" for n in range(100)]
    january = dict.fromkeys(keys, "完好")
    february = {k: v for k, v in january.items() if k != keys[0]} | {keys[1]: "破损"}
    mended = {k: v for k, v in january.items() if k != keys[2]}
    for day, (name, state) in enumerate(
        [
            ("2016-01-001", january),
            ("2016-02-001", february),
            ("2016-02-001", mended),
            ("2016-01-001", mended),
        ],
        start=1,
    ):
        send(lake, tmp_path, REGISTER, name, components(state), len(state), day)
    answered = [b for b in batches(lake.store, lake.contracts) if b.dataset == REGISTER]
    assert [b.state for b in answered] == ["admitted", "admitted", "admitted", "refused"]
    assert "delivery.period_order" in answered[3].why
    assert known(lake, REGISTER, "object_id", "state_code") == mended
