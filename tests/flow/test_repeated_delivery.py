"""A delivery that is sent again: the same bytes are answered as a repeat, and only they; what is landed stays
as it landed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from citylake.core.names import inbox_prefix, landing_key
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.receipts import dataset_receipts
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import receive_dataset

from tests.flow.deliveries import REGISTER, components, hand_over, known, send

BODY = components({"210102000001": "完好", "210102000002": "破损"})
DIGEST = hashlib.sha256(BODY).hexdigest()


def _hand_over(
    lake: Lake, folder: Path, name: str, files: dict[str, bytes], promised: str = "2016-04-001"
) -> dict[str, Any]:
    """A delivery whose manifest promises the same bytes each time; what came of it."""
    manifest = {
        "manifest": 1,
        "dataset": REGISTER,
        "contract": "1.0.0",
        "delivery": promised,
        "period": "2016-04",
        "coverage": "full",
        "corrects": None,
        "sent_at": "2016-05-01T09:30:00+08:00",
        "files": [{"name": "a", "bytes": len(BODY), "sha256": DIGEST, "records": 2}],
        "totals": {"records": 2},
    }
    to = folder / name / REGISTER / name
    to.mkdir(parents=True)
    for file, body in files.items():
        (to / file).write_bytes(body)
    (to / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    fetch_folder(lake.store, folder / name)
    return receive_dataset(lake, REGISTER)["receipts"][0]


def test_the_mark_of_a_folder_is_no_file(lake_settings: Settings, tmp_path: Path) -> None:
    """Programs that show a bucket as folders leave an empty object under the folder's name."""
    lake = open_lake(lake_settings.model_copy(update={"lake": "repeat-folder-mark"}))
    hand_over(lake, tmp_path, REGISTER, "2016-04-001", BODY, 2, "2016-05-01T09:30:00+08:00")
    lake.store.put(f"{inbox_prefix(REGISTER)}2016-04-001/", b"")
    assert receive_dataset(lake, REGISTER)["receipts"][0]["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("name", "promised", "files", "told"),
    [
        ("2016-04-002", "2016-04-002", {"a": BODY}, None),
        ("2016-04-002", "2016-04-002", {"a": BODY[:-20]}, "delivery.bytes"),
        (
            "2016-04-002",
            "2016-04-002",
            {"a": BODY.replace("完好".encode("gb18030"), "破损".encode("gb18030"))},
            "delivery.sha256",
        ),
        ("2016-04-002", "2016-04-002", {}, "delivery.missing_file"),
        ("2016-04-002", "2016-04-002", {"a": BODY, "b": b"x"}, "delivery.unlisted_file"),
        ("2016-04-002", "2016-04-001", {"a": BODY}, "manifest.misplaced"),
    ],
)
def test_only_the_same_bytes_are_a_repeat(
    lake_settings: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    name: str,
    promised: str,
    files: dict[str, bytes],
    told: str | None,
) -> None:
    lake = open_lake(
        lake_settings.model_copy(
            update={"lake": f"repeat-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"}
        )
    )
    assert _hand_over(lake, tmp_path, "2016-04-001", {"a": BODY})["outcome"] == "accepted"
    answer = _hand_over(lake, tmp_path, name, files, promised)
    assert (answer["outcome"], [f["rule"] for f in answer.get("findings", ())]) == (
        ("refused", [told]) if told else ("repeat", [])
    )
    assert lake.store.get(landing_key(REGISTER, DIGEST)) == BODY


def test_a_correction_may_bring_back_the_first_bytes(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "repeat-corrected"}))
    first = {f"2101020119{n:06d}": "完好" for n in range(50)}
    second = first | {"2101020119000007": "破损"}
    send(lake, tmp_path, REGISTER, "2016-04-001", components(first), 50, 1)
    send(lake, tmp_path, REGISTER, "2016-04-002", components(second), 50, 2, corrects="2016-04-001")
    send(lake, tmp_path, REGISTER, "2016-04-003", components(first), 50, 3, corrects="2016-04-002")
    send(lake, tmp_path, REGISTER, "2016-04-004", components(first), 50, 4, corrects="2016-04-002")
    assert [r.outcome for r in dataset_receipts(lake.store, REGISTER)] == [
        "accepted",
        "accepted",
        "accepted",
        "repeat",
    ]
    assert known(lake, REGISTER, "object_id", "state_code") == first
