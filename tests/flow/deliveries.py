"""Small deliveries written by hand, sent and refined one after the other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract
from citylake.core.names import silver
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.hops import decode_dataset, refine_dataset
from citylake.pipeline.lake import Lake
from citylake.pipeline.steps import receive_dataset
from citylake.storage.delta import open_table

REGISTER = "construction/component"
EVENTS = "construction/component_case"
HEADER = "ObjID,ObjName,SmallClass,DeptName1,DeptName2,DeptName3,BGID,ObjState,ORDate,CHDate,DataSource,PointX,PointY,Material,Note"  # noqa: E501
State = dict[str, str]  # key -> the one value that changes


def components(state: State) -> bytes:
    """A file of the register: object_id -> state; each stands at its own place."""
    lines = [
        f"{k},路灯,0119,市城管局,区城管局,区城管局,{k[:6]}001001001,{v},2012-03-04,,实测,123.45{k[-5:]},41.8000000,铸铁,"
        for k, v in state.items()
    ]
    return ("\r\n".join([HEADER, *lines]) + "\r\n").encode("gb18030")


def _case(key: str, held: str) -> dict[str, Any]:
    head = {
        "case_id": key,
        "obj_id": None,
        "event_class": held,
        "x": "123.4",
        "y": "41.8",
        "street_code": None,
        "source": "巡查",
    }
    return head | {"reported_at": "2016-01-02 08:00:00", "deadline_at": None, "stages": []}


def events(state: State) -> bytes:
    """A part of the cases: case_id -> event class."""
    return json.dumps(
        {"source": "中心", "cases": [_case(k, v) for k, v in state.items()]}, ensure_ascii=False
    ).encode()


def hand_over(
    lake: Lake,
    folder: Path,
    dataset: str,
    name: str,
    body: bytes,
    records: int,
    sent_at: str,
    corrects: str | None = None,
) -> None:
    """Bring a full register or a part of events, written in an empty folder, into the inbox."""
    manifest = {
        "manifest": 1,
        "dataset": dataset,
        "contract": "1.0.0",
        "delivery": name,
        "period": name[:7],
        "coverage": "full" if dataset == REGISTER else "changes",
        "sent_at": sent_at,
        "corrects": corrects,
        "files": [
            {"name": "a", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "records": records}
        ],
        "totals": {"records": records},
    }
    to = folder / dataset / name
    to.mkdir(parents=True)
    (to / "a").write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    fetch_folder(lake.store, folder)


def write_delivery(
    folder: Path, contract: Contract, period: str, files: dict[str, bytes], records: int, name: str = ""
) -> Path:
    """A delivery of any dataset with an honest manifest, in an inbox folder; every file holds `records`."""
    name = name or f"{period}-001"
    entries = [
        {"name": n, "bytes": len(b), "sha256": hashlib.sha256(b).hexdigest(), "records": records}
        for n, b in files.items()
    ]
    manifest = {
        "manifest": 1,
        "dataset": contract.id,
        "contract": contract.version,
        "delivery": name,
        "period": period,
        "coverage": "full" if contract.kind == "register" else "changes",
        "sent_at": "2017-04-01T09:30:00+08:00",
        "corrects": None,
        "files": entries,
        "totals": {"records": records * len(entries)},
    }
    to = folder / contract.id / name
    to.mkdir(parents=True)
    for file, body in files.items():
        (to / file).write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return to


def send(
    lake: Lake,
    folder: Path,
    dataset: str,
    name: str,
    body: bytes,
    records: int,
    day: int,
    corrects: str | None = None,
    at: str = "09:30:00+08:00",
) -> None:
    """Hand it over at that time of a day of April, and take it as far as its gate."""
    hand_over(
        lake, folder / f"{day}-{name}", dataset, name, body, records, f"2016-04-{day:02d}T{at}", corrects
    )
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, dataset)


def known(lake: Lake, dataset: str, key: str, value: str) -> State:
    """What silver holds as true now."""
    table = open_table(lake.settings, silver(dataset))
    assert table is not None
    rows = [
        r
        for r in table.to_pyarrow_table().to_pylist()
        if r["_known_to"] is None and r.get("_valid_to") is None
    ]
    assert len({r[key] for r in rows}) == len(rows), "a key stands twice"
    return {r[key]: r[value] for r in rows}
