"""Files read as a delivery would be, for a look at what becomes of them: no service, nothing kept."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from citylake.contract.model import Contract
from citylake.ingest.content import read_content
from citylake.ingest.decode import bronze_batches, bronze_schema
from citylake.ingest.verify import file_sha256
from citylake.ledger.receipts import Finding, LandedFile, Receipt
from citylake.privacy.tokens import Tokens


@dataclass(frozen=True)
class Read:
    """Why files would be refused, or their rows as bronze would hold them."""

    findings: tuple[Finding, ...]
    rows: pa.Table | None


def read_files(contract: Contract, files: Sequence[Path], period: str, number: int = 1) -> Read:
    """Files as one delivery of a period, in their order. Tokens of persons are made with a key that nobody
    keeps.
    """
    contents = [read_content(f.name, f, contract) for f in files]
    findings = tuple(f for c in contents for f in c.findings)
    if findings:
        return Read(findings, None)
    landed = tuple(
        LandedFile(f.name, file_sha256(f), f.stat().st_size, c.records or 0)
        for f, c in zip(files, contents, strict=True)
    )
    layout = next((y for c in contents for y in c.layouts), "")
    paths = {file.sha256: path for file, path in zip(landed, files, strict=True)}
    receipt = _receipt(contract, period, number, layout, landed)
    batches = bronze_batches(contract, receipt, paths, Tokens(secrets.token_bytes(32)))
    return Read((), pa.Table.from_batches(batches, bronze_schema(contract)))


def _receipt(
    contract: Contract, period: str, number: int, layout: str, files: tuple[LandedFile, ...]
) -> Receipt:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Receipt(
        number,
        contract.department,
        contract.id,
        f"{period}-trial",
        "accepted",
        contract.version,
        period,
        "full" if contract.kind == "register" else "changes",
        sent_at=at,
        known_at=at,
        batch_id=str(number),
        layout=layout,
        files=files,
    )
