"""`citylake entity`: a judgement is handed over like any delivery, changes the links, and is taken back by a
later one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from citylake.casework.judgements import JUDGEMENTS, Judgement, explain, find, judge, show, split_from
from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.hops import decode_dataset, refine_dataset
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.steps import build_mart, receive_dataset

REGISTER = "market_regulation/legal_entity"
MARTS = ("credit/entity_record", "credit/entity_field", "credit/conflict")


def through(lake: Lake, dataset: str, marts: tuple[str, ...] = MARTS[:1]) -> None:
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, dataset)
    for mart in marts:
        assert build_mart(lake, mart)["built"]


@pytest.fixture(scope="module")
def lake(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory, root: Path) -> Lake:
    own = {
        "lake": f"{lake_settings.lake}-entity",
        "token_key_file": root / "tests" / "cases" / "token.key",
        "update_from_rows": 1,
    }
    found = open_lake(lake_settings.model_copy(update=own))
    inbox = tmp_path_factory.mktemp("inbox") / REGISTER
    inbox.parent.mkdir()
    inbox.symlink_to(sorted((root / "tests" / "cases" / REGISTER).iterdir())[0])
    fetch_folder(found.store, inbox.parents[1])
    through(found, REGISTER, MARTS)
    return found


def test_judged_same_then_split_restores_what_was_before(lake: Lake) -> None:
    settings, store, contract = lake.settings, lake.store, lake.contracts[JUDGEMENTS]
    rows = _records(lake)
    a, b = [r["record_id"] for r in rows if r["method"] == "own"][:2]
    said = Judgement(
        a, b, "same", "信用处数据岗", "同一地址,同一法人", datetime(2016, 3, 1, 9, tzinfo=BEIJING)
    )
    assert judge(store, contract, said).startswith("2016-03-01-")
    through(lake, JUDGEMENTS)
    entity_id, merged = find(settings, store, b)
    assert {a, b} == {r["record_id"] for r in merged}
    told = explain(settings, store, entity_id)
    assert [j["verdict"] for j in told["judgements"]] == ["same"]
    assert {r["method"] for r in told["records"]} == {"own", "judgement"}

    assert split_from(settings, store, b) == a
    later = said.decided_at + timedelta(days=1)
    judge(store, contract, Judgement(a, b, "not_same", "信用处数据岗", "经核实为两家", later))
    through(lake, JUDGEMENTS)
    assert _records(lake) == rows
    assert _kept_by(lake) == ["WRITE", "MERGE", "MERGE"]
    with pytest.raises(LakeError, match="stands alone"):
        split_from(settings, store, b)


def test_an_organisation_is_found_by_any_identifier_and_no_person_is_named(lake: Lake) -> None:
    row = next(r for r in _records(lake) if r["uscc"] and r["org_code"])
    for text in (
        row["record_id"],
        row["uscc"],
        row["registration_no"],
        f"{row['org_code'][:8]}-{row['org_code'][8]}",
        row["name"],
    ):
        assert find(lake.settings, lake.store, text)[0] == row["entity_id"]
    shown = show(lake.settings, lake.store, row["uscc"])
    assert {f["field"] for f in shown["fields"]} >= {"name", "uscc", "registration_no"}
    assert "representative" not in str(shown)
    with pytest.raises(LakeError, match="no organisation"):
        find(lake.settings, lake.store, "911")


def _records(lake: Lake) -> list[dict[str, Any]]:
    from citylake.core.names import mart
    from citylake.storage.delta import open_table

    opened = open_table(lake.settings, mart("credit/entity_record"))
    assert opened is not None
    return sorted(opened.to_pyarrow_table().to_pylist(), key=lambda r: r["record_id"])


def _kept_by(lake: Lake) -> list[str]:
    """How the kept links came about: whole at first, then built on."""
    from citylake.core.names import kept
    from citylake.storage.delta import open_table

    opened = open_table(lake.settings, kept("credit/entity_record"))
    assert opened is not None
    return [c["operation"] for c in reversed(opened.history())]
