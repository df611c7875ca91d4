"""One story of the hand-over, step by step: refused -> letter -> sent again -> cases -> export -> amended ->
replayed -> closed.

`make story-handover` shows it.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.conservation import batches
from citylake.audit.decisions import decisions
from citylake.audit.tables import CASES, DELIVERIES, INDICATORS, write_tables
from citylake.casework.amend import amend, amend_file
from citylake.casework.cases import Case, cases, waive
from citylake.casework.returned import read_rows
from citylake.contract.meaning import unguard
from citylake.core.names import Table, letter_key, mart, notice_key, silver
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.evidence import events
from citylake.pipeline.lake import Lake, open_lake, today
from citylake.pipeline.run import replay_dataset
from citylake.pipeline.steps import build_mart
from citylake.site.report import gather
from citylake.storage.delta import open_table
from citylake.synthetic import generate

DATASET, MART = "construction/component", "urban_components/inventory"
RULE = "longitude.swapped"
TODAY = datetime.fromisoformat("2016-02-20T09:00:00+08:00")


@pytest.fixture(scope="module")
def lake(lake_settings: Settings) -> Lake:
    return open_lake(lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-story"}))


def _tell(text: str) -> None:
    print(f"  {text}")


def _cases(lake: Lake) -> dict[str, Case]:
    return {
        c.rule: c
        for c in cases(lake.store, lake.contracts[DATASET], lake.settings.root, TODAY.date())
        if c.receipt == 2
    }


def _rows(lake: Lake, table: Any) -> dict[str, str]:
    opened = open_table(lake.settings, table)
    assert opened is not None
    contract = lake.contracts[MART] if table == mart(MART) else lake.contracts[DATASET]
    return {
        "|".join(str(r[k]) for k in contract.keys): str(r)
        for r in opened.to_pyarrow_table().to_pylist()
        if r.get("_known_to") is None
    }


def _corrected(body: bytes) -> bytes:
    """What the clerk does: longitude and latitude change places again; a spreadsheet saves it in GB18030,
    with an empty line at the end.
    """
    made = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    x, y = made[0].index("PointX"), made[0].index("PointY")
    for row in made[1:]:
        row[x], row[y] = f"123.4{len(row[x]):06d}", row[x]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(made)
    return f"{buffer.getvalue()}\r\n".encode("gb18030")


def test_the_whole_story(lake: Lake, tmp_path: Path) -> None:
    generate(tmp_path, months=1, scale=0.3, only=(DATASET,))
    delivery = tmp_path / "inbox" / DATASET / "2016-01-001"
    short = next(p for p in delivery.iterdir() if p.name != "manifest.json")
    whole = short.read_bytes()
    short.write_bytes(whole[:-100])
    fetch_folder(lake.store, tmp_path / "inbox")
    replay_dataset(lake, DATASET)
    assert [b.state for b in batches(lake.store, {DATASET: lake.contracts[DATASET]})] == ["refused"]
    refusal = json.loads(lake.store.get(letter_key("construction", 1, "json")))
    assert refusal["findings"][0]["rule"] == "delivery.bytes"
    _tell(
        f"refused: {refusal['number']}, {refusal['findings'][0]['en']}, to be sent again by"
        f" {refusal['deadline']}"
    )

    short.write_bytes(whole)
    manifest = json.loads((delivery / "manifest.json").read_text("utf-8")) | {"delivery": "2016-01-002"}
    (delivery / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    delivery.rename(delivery.with_name("2016-01-002"))
    fetch_folder(lake.store, tmp_path / "inbox")
    replay_dataset(lake, DATASET)
    opened = _cases(lake)
    assert {c.state for c in opened.values()} == {"notified"}
    noticed = {
        c["rule"]: c for c in json.loads(lake.store.get(notice_key("construction", 2, "json")))["cases"]
    }
    assert noticed.keys() == opened.keys()
    assert noticed[RULE]["columns"] == ["PointX"]
    sent = whole.decode("gb18030").splitlines()
    for sample in noticed[RULE]["samples"]:
        assert sample["file"] == short.name
        assert sample["text"].removeprefix("PointX=") in sent[sample["line"] - 1].split(",")
    assert lake.store.exists(notice_key("construction", 2, "zh.html"))
    _tell(
        f"sent again and accepted; {len(opened)} cases: "
        + ", ".join(f"{c.rule} {c.rows}" for c in opened.values())
    )

    silver_before, mart_before = _rows(lake, silver(DATASET)), _rows(lake, mart(MART))
    file = amend_file(lake.settings, lake.store, lake.contracts[DATASET], opened[RULE])
    exported = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    assert len(exported) == opened[RULE].rows
    assert all(r["citylake_record"] and RULE in r["citylake_problem"] for r in exported)
    workbook = amend_file(lake.settings, lake.store, lake.contracts[DATASET], opened[RULE], "xlsx")
    assert read_rows(workbook) == [[unguard(t) for t in row] for row in read_rows(file)]
    given = amend(lake.store, lake.contracts[DATASET], "2016-01-002", _corrected(file), TODAY)
    home = lake.store.get(f"inbox/{DATASET}/{given}/{given}.amend.csv")
    moved = {"PointX", "PointY"}
    for went, came in zip(exported, csv.DictReader(io.StringIO(home.decode("utf-8-sig"))), strict=True):
        assert {k: v for k, v in came.items() if k not in moved} == {
            k: v for k, v in went.items() if k not in moved
        }
        assert came["PointX"] != went["PointX"]
    _tell(f"exported {len(exported)} records, corrected, handed over as {given}")
    done = replay_dataset(lake, DATASET)
    closed = _cases(lake)
    assert (closed[RULE].state, closed[RULE].outstanding) == ("closed", 0)
    assert {c.state for r, c in closed.items() if r != RULE and c.outstanding} == {"replayed"}
    _closing_days(closed)

    silver_after, mart_after = _rows(lake, silver(DATASET)), _rows(lake, mart(MART))
    new = {r["ObjID"] for r in exported}
    assert silver_after.keys() - silver_before.keys() == new
    assert all(silver_after[k] == v for k, v in silver_before.items())
    touched = {k for k in mart_after if mart_after[k] != mart_before.get(k)}
    expected = {f"{r['ObjID'][:6]}|{r['SmallClass']}|{r['ObjState']}" for r in exported}
    assert touched == expected
    assert mart_before.keys() <= mart_after.keys()
    _tell(
        f"replayed {done['steps'][2]['batches'][0]['received']} records; {len(touched)} of {len(mart_after)}"
        " mart rows restated, as many as were touched"
    )
    assert all(b.balanced for b in batches(lake.store, {DATASET: lake.contracts[DATASET]}))

    other = next(c for c in closed.values() if c.outstanding)
    waive(lake.store, other, "张三", "资产已拆除", TODAY.date().replace(month=6))
    assert _cases(lake)[other.rule].state == "waived"
    expired = cases(lake.store, lake.contracts[DATASET], lake.settings.root, TODAY.date().replace(month=7))
    assert next(c for c in expired if c.id == other.id).state == "replayed"
    _tell(f"{RULE} closed; {other.rule} waived until June, open again in July")
    again = replay_dataset(lake, DATASET)
    assert not any(s.get("batches") or s.get("receipts") or s.get("built") for s in again["steps"])
    assert not build_mart(lake, MART)["built"]
    _times(lake)
    (decided,) = decisions(lake.store, [lake.contracts[DATASET]])
    assert (decided.what, decided.by, decided.reason, decided.until) == (
        "waived",
        "张三",
        "资产已拆除",
        "2016-06-20",
    )
    assert decided.about == f"{DATASET} 2 {other.rule}"
    assert [decided.expired(date(2016, 6, d)) for d in (20, 21)] == [False, True]


def _closing_days(found: dict[str, Case]) -> None:
    """A closed case stops counting days and is late by its closing; an open one counts on."""
    day, later = today(), today() + timedelta(days=500)
    done = found[RULE]
    assert done.closed_on == day.isoformat()
    assert done.age(later) == done.age(day) == (day - date.fromisoformat(done.since)).days
    assert done.late(later) == (done.closed_on > done.deadline)
    other = next(c for c in found.values() if c.outstanding)
    assert (other.closed_on, other.age(later) - other.age(day)) == ("", 500)


def _times(lake: Lake) -> None:
    """The audit tables say when each delivery was due and came: the refused one, the accepted one, the
    correction.
    """
    found = list(_cases(lake).values())
    site = gather(lake.settings, lake.store, {DATASET: lake.contracts[DATASET]}, found, today())
    write_tables(lake.settings, site.batches, found, site.arrivals, site.indicators)
    rows = {r["receipt"]: r for r in _table(lake, DELIVERIES)}
    due = "2016-02-05"  # the end of January, and 120 hours
    assert [rows[n]["due_on"] for n in (1, 2, 3)] == [due, due, ""]
    assert [rows[n]["late"] for n in (1, 2, 3)] == [True, True, None]
    assert [rows[n]["sent_late"] for n in (1, 2, 3)] == [False, False, None]
    first = [next(e for e in events(lake.store, DATASET) if e.batch == n) for n in (1, 2, 3)]
    assert [e.event for e in first] == ["refused", "received", "received"]
    assert [rows[n]["arrived_at"] for n in (1, 2, 3)] == [e.at for e in first]
    measured = {(r["receipt"], r["rule"]): r for r in _table(lake, INDICATORS)}
    swapped, opened = measured[2, RULE], next(c for c in found if c.rule == RULE)
    assert (swapped["b"] - swapped["a"], swapped["code"]) == (opened.rows, "0302")
    assert (measured[1, "delivery.in_time"]["a"], (3, "delivery.in_time") in measured) == (0, False)
    assert {r["id"]: r["closed_on"] for r in _table(lake, CASES)} == {c.id: c.closed_on for c in found}


def _table(lake: Lake, table: Table) -> list[dict[str, Any]]:
    opened = open_table(lake.settings, table)
    assert opened is not None
    return opened.to_pyarrow_table().to_pylist()
