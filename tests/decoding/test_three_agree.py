"""`prepare`, the lake and `diagnose` say the same of every file that the tests hold: the same reasons at the
same places, or none; what is accepted can be decoded to its last record; nothing is written beside a file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from citylake.contract.model import Contract
from citylake.core.calendar import BEIJING
from citylake.core.settings import ROOT
from citylake.drift.kinds import diagnose
from citylake.ingest.decode import bronze_batches
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import read_manifest
from citylake.ingest.manifest_writer import Extract, Order, count_records, make_manifest
from citylake.ingest.prepare import prepare
from citylake.ingest.verify import verify
from citylake.ledger.receipts import Finding, LandedFile, Receipt
from citylake.privacy.tokens import Tokens

from tests.bad_input import judge as bad_input
from tests.faults import judge as faults

NOW = datetime(2016, 3, 1, 9, tzinfo=BEIJING)
# Differences of values: they are told of files that are accepted too, for a person to look at.
OF_VALUES = {"new_code", "date_format", "unit_change", "widened"}


@dataclass(frozen=True)
class Held:
    """A file that a test holds, by the name that its sender gave it."""

    label: str
    name: str
    source: Path | bytes
    contract: Contract
    corrects: str | None = None

    def put(self, path: Path) -> Path:
        """A copy of it."""
        if isinstance(self.source, Path):
            shutil.copyfile(self.source, path)
        else:
            path.write_bytes(self.source)
        return path


def _bad_input() -> Iterator[Held]:
    for case in bad_input.all_cases():
        for i, (name, body) in enumerate(case.files() if case.name != "contract.yaml" else ()):
            plain = Path(name).name == name and "\0" not in name and len(name.encode()) < 250
            safe = name if plain and name != ".." else "firm"
            yield Held(f"bad-input/{case.kind}-{case.variant}-{i}", safe, body, bad_input.contract_of(case))


def _golden() -> Iterator[Held]:
    contracts = bad_input.base_contracts()
    for path in sorted((ROOT / "tests" / "cases").glob("*/*/*/*/manifest.json")):
        try:
            corrects = json.loads(path.read_bytes()).get("corrects")
        except ValueError:
            corrects = None
        dataset = "/".join(path.parts[-5:-3])
        for file in sorted(path.parent.iterdir()):
            if file != path and dataset in contracts:
                label = "/".join(path.parts[-5:-1])
                yield Held(f"{label}/{file.name}", file.name, file, contracts[dataset], corrects)


def _faults() -> Iterator[Held]:
    for fault in faults.all_faults():
        yield Held(f"faults/{fault.name}", fault.file.name, fault.file, faults.contract_of(fault))


HELD = [*_bad_input(), *_golden(), *_faults()]


def _told(findings: tuple[Finding, ...]) -> list[tuple[str, ...]]:
    return sorted((f.rule, f"{f.where}:{f.line}", f.column, f.en) for f in findings)


def _lake(held: Held, order: Order, sent: Path, folder: Path) -> list[tuple[str, ...]]:
    """What the lake says of a file that comes under a number."""
    path = held.put(folder / "0")
    extract = Extract(held.name, path, count_records(sent, order.contract.of_file(held.name, order.corrects)))
    try:
        manifest = read_manifest(make_manifest(order, "2016-02-001", NOW, [extract], attested=True))
    except Unreadable as error:
        return _told(error.findings)
    manifest = manifest.model_copy(update={"corrects": None})
    contract = order.contract.of_file(held.name, order.corrects)
    found = verify(manifest, contract, {held.name: path}, ())
    if not found.findings:
        entry = manifest.files[0]
        landed = LandedFile(entry.name, entry.sha256, entry.bytes, entry.records)
        receipt = Receipt(
            1,
            contract.department,
            contract.id,
            "2016-02-001",
            "accepted",
            contract.version,
            "2016-02",
            "changes",
            sent_at=manifest.sent_text,
            known_at=manifest.sent_text,
            batch_id="b",
            layout=found.layout,
            files=(landed,),
            corrects=order.corrects,
        )
        batches = bronze_batches(order.contract, receipt, {landed.sha256: path}, Tokens(b"k" * 32))
        records = {n for b in batches for n in b.column("_row_no").to_pylist()}
        assert records == set(range(1, landed.records + 1))
    return _told(found.findings)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the contract of `tests/bad_input` beside its own."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "schemas").symlink_to(ROOT / "schemas")
    (folder / "registry").symlink_to(bad_input.HERE / "registry")
    return folder


@pytest.mark.parametrize("held", HELD, ids=lambda h: h.label)
def test_prepare_the_lake_and_diagnose_agree(held: Held, project: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir(), theirs.mkdir()
    order = Order(replace(held.contract, frequency_days=31.0), "2016-02", "changes", held.corrects)
    sent = held.put(theirs / held.name)
    said = _lake(held, order, sent, ours)
    prepared = prepare(order, "2016-02-001", [sent], NOW, tmp_path / "out")
    assert _told(prepared) == said
    contract = order.contract.of_file(held.name, held.corrects)
    differences = {d.kind for d in diagnose(contract, sent, None, project)}
    assert bool(differences) if said else differences <= OF_VALUES
    assert [p.name for p in theirs.iterdir()] == [held.name]
    assert [p.name for p in ours.iterdir()] == ["0"]
