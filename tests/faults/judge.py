"""What the lake says of a file of a fault folder: refused with reasons, or rows; and what `diagnose` says."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from citylake.contract.model import Contract
from citylake.drift.kinds import diagnose
from citylake.ingest.manifest import read_manifest
from citylake.ingest.manifest_writer import Extract, Order, count_records, make_manifest
from citylake.ingest.verify import verify

from tests.bad_input.judge import base_contracts
from tests.judging import decoded

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Fault:
    """One file, the dataset to which it is sent, and what must come."""

    folder: str
    file: Path
    dataset: str
    contract: dict[str, Any]
    headers: dict[str, str]  # column -> header text of a DBF, which holds ten bytes at most
    expected: dict[str, Any]  # refused: rules; or quarantined: line -> rules, rows: line -> column -> text

    @property
    def name(self) -> str:
        """Folder and file."""
        return f"{self.folder}/{self.file.name}"


@dataclass(frozen=True)
class Said:
    """Rules of the refusal, what `diagnose` calls a difference, and the rows for bronze."""

    refused: list[str]
    differences: list[str]
    rows: pa.Table | None


def all_faults() -> list[Fault]:
    """Every file of every folder."""
    found = []
    for path in sorted(HERE.glob("*/expected.json")):
        told = json.loads(path.read_text("utf-8"))
        found += [
            Fault(
                path.parent.name,
                path.parent / name,
                told["dataset"],
                told.get("contract", {}),
                told.get("headers", {}),
                must,
            )
            for name, must in told["files"].items()
        ]
    return found


def contract_of(fault: Fault) -> Contract:
    """The dataset's contract in the format of the file."""
    made = replace(base_contracts()[fault.dataset], **fault.contract)
    if not fault.headers:
        return made
    return replace(made, columns=tuple(replace(c, headers={"": fault.headers[c.name]}) for c in made.columns))


def judge(fault: Fault, folder: Path, number: int) -> Said:
    """Verify, decode and diagnose a file as a delivery of its own."""
    contract, path = contract_of(fault), folder / fault.file.name
    shutil.copy(fault.file, path)
    records = count_records(path, contract)
    coverage = "full" if contract.kind == "register" else "changes"
    order = Order(contract, "2016-02", coverage)
    extract = Extract(path.name, path, records)
    manifest = read_manifest(make_manifest(order, "2016-02-001", datetime.now(UTC), [extract], attested=True))
    verified = verify(manifest, contract, {path.name: path}, ())
    differences = [d.kind for d in diagnose(contract, path, None)]
    if verified.findings:
        return Said(sorted({f.rule for f in verified.findings}), differences, None)
    rows = decoded(contract, manifest, verified.layout, {path.name: path}, number)
    return Said([], differences, rows)
