"""A department checks its files before it sends them: what is prepared is accepted, what would be refused is
told and not written.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError
from citylake.ingest.manifest import read_manifest
from citylake.ingest.manifest_writer import Order
from citylake.ingest.prepare import prepare
from citylake.ingest.verify import verify

from tests.bad_input.firm import csv
from tests.bad_input.judge import base_contracts

CONTRACT = base_contracts()["registry/firm"]
NOW = datetime(2016, 3, 1, 9, tzinfo=BEIJING)


def _file(folder: Path, body: bytes) -> Path:
    path = folder / "firm.csv"
    path.write_bytes(body)
    return path


def test_what_is_prepared_is_accepted(tmp_path: Path) -> None:
    file = _file(tmp_path, csv())
    order = Order(CONTRACT, "2016-02", "changes", corrects="2016-02-001")
    assert prepare(order, "2016-02-002", [file], NOW, tmp_path / "out", 10) == ()
    folder = tmp_path / "out" / CONTRACT.id / "2016-02-002"
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    assert manifest.attested and manifest.corrects == "2016-02-001" and manifest.totals.records == 10
    assert (
        verify(
            manifest.model_copy(update={"corrects": None}), CONTRACT, {"firm.csv": folder / "firm.csv"}, ()
        ).findings
        == ()
    )
    with pytest.raises(LakeError, match="already"):
        prepare(order, "2016-02-002", [file], NOW, tmp_path / "out")


@pytest.mark.parametrize(
    ("body", "period", "exported", "rule"),
    [
        (csv(encoding="gb18030"), "2016-02", None, "delivery.charset"),
        (csv(), "2016-02", 11, "delivery.records"),
        (csv(), "2016-2", None, "manifest.invalid"),
        (csv(), "2016-04", None, "delivery.period_future"),
        (b"", "2016-02", None, "delivery.empty"),
    ],
)
def test_what_would_be_refused_is_not_written(
    body: bytes, period: str, exported: int | None, rule: str, tmp_path: Path
) -> None:
    found = prepare(
        Order(replace(CONTRACT, frequency_days=31.0), period),
        "2016-02-001",
        [_file(tmp_path, body)],
        NOW,
        tmp_path / "out",
        exported,
    )
    assert [f.rule for f in found] == [rule]
    assert not (tmp_path / "out").exists()


def test_a_file_under_a_name_that_no_manifest_can_hold_is_told(tmp_path: Path) -> None:
    file = tmp_path / "C:firm.csv"
    file.write_bytes(csv())
    found = prepare(Order(CONTRACT, "2016-02", "changes"), "2016-02-001", [file], NOW, tmp_path / "out")
    assert {f.rule for f in found} == {"manifest.invalid"}
