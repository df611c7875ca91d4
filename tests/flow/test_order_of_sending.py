"""The later sending outranks the earlier one, whatever the offset of its clock; a sending from the future is
refused, since it would outrank all.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from citylake.core.names import notice_key
from citylake.core.settings import Settings
from citylake.ingest.receive import CLOCKS_APART, receive_one
from citylake.ledger.receipts import dataset_receipts
from citylake.pipeline.lake import open_lake

from tests.flow.deliveries import EVENTS, REGISTER, components, events, hand_over, known, send

KEYS = [f"2101020119{n:06d}" for n in range(50)]
FIRST = dict.fromkeys(KEYS, "完好")


def test_offsets_do_not_turn_the_order_round(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "sending-offsets"}))
    later = FIRST | {KEYS[3]: "破损"}
    send(lake, tmp_path, REGISTER, "2016-04-001", components(FIRST), 50, 1, at="09:30:00+08:00")
    send(
        lake,
        tmp_path,
        REGISTER,
        "2016-04-002",
        components(later),
        50,
        1,
        corrects="2016-04-001",
        at="02:30:00Z",
    )  # an hour later
    send(
        lake,
        tmp_path,
        REGISTER,
        "2016-04-003",
        components(FIRST),
        50,
        1,
        corrects="2016-04-002",
        at="11:00:00+13:00",
    )  # before both
    assert known(lake, REGISTER, "object_id", "state_code") == later


def test_what_came_late_changes_nothing_and_the_sender_is_told(
    lake_settings: Settings, tmp_path: Path
) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "sending-late"}))
    held = {"SY201601020001": "井盖破损", "SY201601020002": "井盖破损"}
    send(lake, tmp_path, EVENTS, "2016-04-001", events(held), 2, 2)
    send(
        lake,
        tmp_path,
        EVENTS,
        "2016-04-002",
        events({"SY201601020002": "除雪后积雪结冰", "SY201601020003": "井盖破损"}),
        2,
        1,
    )
    assert known(lake, EVENTS, "case_id", "event_class") == held | {"SY201601020003": "井盖破损"}
    assert json.loads(lake.store.get(notice_key("construction", 2, "json")))["overtaken"] == 1


def test_a_sending_from_the_future_is_refused(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "sending-future"}))
    contract = lake.contracts[REGISTER]
    for minutes, name in ((-1, "2016-04-001"), (1, "2016-04-002")):
        moment = datetime.now(UTC) + CLOCKS_APART + timedelta(minutes=minutes)
        hand_over(lake, tmp_path / name, REGISTER, name, components(FIRST), 50, moment.isoformat())
        receive_one(lake.store, contract, name, lake.settings.root)
    found = dataset_receipts(lake.store, REGISTER)
    assert [(r.outcome, [f.rule for f in r.findings]) for r in found] == [
        ("accepted", []),
        ("refused", ["manifest.sent_at"]),
    ]
