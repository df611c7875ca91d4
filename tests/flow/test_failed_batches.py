"""Whatever breaks off while a batch is worked on ends that batch alone: it is told, it can come again, be
tried again or be taken back, and all others go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.conservation import Batch, batches
from citylake.casework.whole_batch import HOPS_ZH
from citylake.core.errors import LakeError
from citylake.core.names import letter_key, notice_key, quarantine
from citylake.core.settings import Settings
from citylake.ledger.evidence import broken_links
from citylake.pipeline import hops
from citylake.pipeline.hops import decode_dataset, refine_dataset
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import open_cases, receive_dataset, retry_batch, withdraw_batch
from citylake.storage.delta import open_table

from tests.flow.deliveries import EVENTS, REGISTER, components, events, hand_over, known, send

BY = {"by": "operator of the lake", "reason": "the cause was found"}
FIRST = {f"21010201{n:08d}": "完好" for n in range(1, 41)}
PLANTED = {  # hop -> the function that it calls, by module and name
    "decode": ("citylake.pipeline.hops", "decode"),
    "refine": ("citylake.refine.refine", "refine"),
    "gate": ("citylake.quality.batch", "judge_batch"),
    "admit": ("citylake.refine.admit", "admit"),
}


def _key(number: int) -> str:
    return f"SY20160102{number:04d}"


def _events(*numbers: int) -> bytes:
    return events({_key(n): "井盖破损" for n in numbers})


@pytest.fixture
def lake(lake_settings: Settings, request: pytest.FixtureRequest) -> Lake:
    name = f"{lake_settings.lake}-{abs(hash(request.node.name)) % 10**8}"
    return open_lake(lake_settings.model_copy(update={"lake": name}))


def _plant(patch: pytest.MonkeyPatch, hop: str, records: int) -> None:
    """Let a hop break off, with a name of a person in what it says, for the batch with that many records."""
    import importlib

    module, name = PLANTED[hop]
    real: Callable[..., Any] = getattr(importlib.import_module(module), name)

    def broken(*given: Any) -> Any:
        named = [getattr(g, "receipt", g) for g in given]
        counts = [getattr(g, "records", None) for g in named] + [g for g in given if isinstance(g, int)]
        if records in counts:
            raise ValueError("张三 cannot be worked on")
        return real(*given)

    patch.setattr(f"{module}.{name}", broken)


def _last(lake: Lake, dataset: str) -> list[Batch]:
    return [b for b in batches(lake.store, lake.contracts) if b.dataset == dataset]


def test_every_hop_is_planted() -> None:
    assert set(PLANTED) == set(HOPS_ZH)


def test_a_failure_in_any_hop_ends_its_batch_alone(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {hop: n for n, hop in enumerate(PLANTED, start=2)}
    for hop, size in sizes.items():
        _plant(monkeypatch, hop, size)
    for day, size in enumerate([*sizes.values(), 9], start=1):
        rows = {_key(10 * day + n): "井盖破损" for n in range(size)}
        hand_over(
            lake,
            tmp_path / str(day),
            EVENTS,
            f"2016-01-00{day}",
            events(rows),
            size,
            f"2016-04-0{day}T09:30:00+08:00",
        )
    hand_over(
        lake, tmp_path / "r", REGISTER, "2016-01-001", components(FIRST), 40, "2016-04-01T09:30:00+08:00"
    )
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, EVENTS)
        verb(lake, REGISTER)

    found = _last(lake, EVENTS)
    assert [b.state for b in found] == ["failed"] * len(sizes) + ["admitted"]
    assert all(b.balanced and b.pending == b.records for b in found[:-1])
    assert (
        len(known(lake, EVENTS, "case_id", "event_class")) == 9
        and len(known(lake, REGISTER, "object_id", "state_code")) == 40
    )
    assert broken_links(lake.store, EVENTS) == []
    for hop, batch in zip(sizes, found, strict=False):
        assert hop in batch.why and "ValueError" in batch.why and "citylake retry" in batch.why
        told = [
            lake.store.get(notice_key("construction", batch.receipt, f)).decode()
            for f in ("json", "zh.html", "en.html")
        ]
        assert "batch.failed" in told[0] and hop in told[2] and HOPS_ZH[hop] in told[1]
        assert not any("张三" in t for t in (*told, batch.why))
    assert sorted(c.rule for c in open_cases(lake)) == ["batch.failed"] * len(sizes)
    assert refine_dataset(lake, EVENTS)["batches"] == []


@pytest.mark.parametrize("hop", PLANTED)
def test_a_failed_batch_can_be_tried_again(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hop: str
) -> None:
    with monkeypatch.context() as patch:
        _plant(patch, hop, 3)
        send(lake, tmp_path, EVENTS, "2016-01-001", _events(1, 2, 3), 3, 1)
        send(lake, tmp_path, EVENTS, "2016-01-002", _events(4), 1, 2)
        failed = _last(lake, EVENTS)[0]
        retry_batch(lake, EVENTS, failed.receipt, **BY)
        assert [b.state for b in _last(lake, EVENTS)] == ["failed", "admitted", "failed"]
    again = _last(lake, EVENTS)[2]
    with pytest.raises(LakeError, match="has not failed"):
        retry_batch(lake, EVENTS, again.receipt - 1, **BY)
    with pytest.raises(LakeError, match="a name and a reason"):
        retry_batch(lake, EVENTS, again.receipt, by="", reason="x")
    retry_batch(lake, EVENTS, again.receipt, **BY)
    assert [b.state for b in _last(lake, EVENTS)] == ["failed", "admitted", "failed", "admitted"]
    assert set(known(lake, EVENTS, "case_id", "event_class")) == {_key(n) for n in (1, 2, 3, 4)}
    assert {c.state for c in open_cases(lake)} == {"closed"}


def test_a_department_sends_a_failed_delivery_again_or_has_it_withdrawn(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = components(FIRST)
    with monkeypatch.context() as patch:
        _plant(patch, "refine", 40)
        send(lake, tmp_path / "a", REGISTER, "2016-01-001", body, 40, 1)
    number = _last(lake, REGISTER)[0].receipt
    with pytest.raises(LakeError, match="a name and a reason"):
        withdraw_batch(lake, REGISTER, number, by=" ", reason="")
    with pytest.raises(LakeError, match="there is no"):
        withdraw_batch(lake, REGISTER, 99, **BY)
    withdraw_batch(lake, REGISTER, number, **BY)
    first = _last(lake, REGISTER)[0]
    assert (first.state, first.rejected, first.pending, first.balanced) == ("withdrawn", 40, 0, True)
    assert BY["by"] in first.why and [c.state for c in open_cases(lake)] == ["closed"]

    send(lake, tmp_path / "b", REGISTER, "2016-01-002", body, 40, 2)
    assert [b.state for b in _last(lake, REGISTER)] == ["withdrawn", "admitted"]
    assert len(known(lake, REGISTER, "object_id", "state_code")) == 40
    with pytest.raises(LakeError, match="in silver and cannot be withdrawn"):
        withdraw_batch(lake, REGISTER, _last(lake, REGISTER)[1].receipt, **BY)

    with monkeypatch.context() as patch:
        _plant(patch, "admit", 39)
        less = dict(list(FIRST.items())[:39])
        send(lake, tmp_path / "c", REGISTER, "2016-02-001", components(less), 39, 3)
    send(
        lake,
        tmp_path / "d",
        REGISTER,
        "2016-02-002",
        components(FIRST | {"2101020100000001": "破损"}),
        40,
        4,
        corrects="2016-02-001",
    )
    assert [b.state for b in _last(lake, REGISTER)][2:] == ["failed", "admitted"]
    assert {c.state for c in open_cases(lake)} == {"closed"}
    assert known(lake, REGISTER, "object_id", "state_code")["2101020100000001"] == "破损"


def test_what_no_reader_can_read_is_refused(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import citylake.ingest.receive as receive

    real = receive.verify

    def broken(manifest: Any, *given: Any) -> Any:
        if manifest.delivery == "2016-01-001":
            raise RecursionError("张三")
        return real(manifest, *given)

    monkeypatch.setattr(receive, "verify", broken)
    send(lake, tmp_path, EVENTS, "2016-01-001", _events(1), 1, 1)
    send(lake, tmp_path, EVENTS, "2016-01-002", _events(2), 1, 2)
    assert [b.state for b in _last(lake, EVENTS)] == ["refused", "admitted"]
    number = _last(lake, EVENTS)[0].receipt
    said = json.loads(lake.store.get(letter_key("construction", number, "json")))
    assert [f["rule"] for f in said["findings"]] == ["delivery.unreadable"] and "张三" not in json.dumps(
        said, ensure_ascii=False
    )


def test_a_held_batch_is_told_with_places_bound_and_what_was_seen(lake: Lake, tmp_path: Path) -> None:
    bad = {k: "不明" if n < 12 else "破损" for n, k in enumerate(FIRST)}
    send(lake, tmp_path, REGISTER, "2016-01-001", components(FIRST), 40, 1)
    send(lake, tmp_path, REGISTER, "2016-02-001", components(bad), 40, 2)
    batch = _last(lake, REGISTER)[1]
    assert (batch.state, batch.pending, batch.quarantined) == ("held", 40, 12)
    assert "30 %" in batch.why and "citylake admit" in batch.why
    said = json.loads(lake.store.get(notice_key("construction", batch.receipt, "json")))
    assert said["state"] == "held" and "30 %" in said["whole"][0]["en"]
    row = next(c for c in said["cases"] if c["rows"] == 12)
    assert [(x["file"], x["line"]) for x in row["samples"]] == [("a", 2), ("a", 3), ("a", 4)] and row[
        "columns"
    ]
    cases = {c.rule: c for c in open_cases(lake)}
    assert len(cases) == 2 and {c.state for c in cases.values()} == {"notified"}

    send(lake, tmp_path, REGISTER, "2016-02-002", components(FIRST), 40, 3, corrects="2016-02-001")
    assert {c.state for c in open_cases(lake)} == {"closed"}


def test_hops_are_named_as_the_pipeline_names_them() -> None:
    source = Path(hops.__file__).read_text("utf-8")
    assert {h for h in HOPS_ZH if f'hop("{h}"' in source} == set(HOPS_ZH)


def test_a_batch_that_silver_cannot_take_leaves_nothing_in_quarantine(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import citylake.refine.rows as rows

    send(lake, tmp_path, REGISTER, "2016-01-001", components(FIRST), 40, 1)
    some = {k: "不明" if n < 1 else "破损" for n, k in enumerate(FIRST)}
    with monkeypatch.context() as patch:
        patch.setattr(rows, "merge_sql", lambda *_: "SELECT raise_error('张三')")
        send(lake, tmp_path, REGISTER, "2016-02-001", components(some), 40, 2)
    failed = _last(lake, REGISTER)[1]
    assert (failed.state, _quarantined(lake)) == ("failed", [])
    retry_batch(lake, REGISTER, failed.receipt, **BY)
    again = _last(lake, REGISTER)[2]
    assert (again.state, _quarantined(lake)) == ("admitted", [again.receipt])


def _quarantined(lake: Lake) -> list[int]:
    table = open_table(lake.settings, quarantine(REGISTER))
    return [] if table is None else table.to_pyarrow_table()["_receipt"].to_pylist()
