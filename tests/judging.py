"""What the lake makes of files, with Spark alone: a manifest is written, the delivery is verified and
decoded, and the rows are judged by the contract's SELECT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from citylake.compile.select import compile_contract
from citylake.compile.tables import silver_columns
from citylake.contract.model import Contract
from citylake.core.settings import ROOT
from citylake.ingest.decode import bronze_batches, bronze_schema
from citylake.ingest.manifest import Manifest, read_manifest
from citylake.ingest.manifest_writer import Extract, Order, count_records, make_manifest
from citylake.ingest.verify import verify
from citylake.ledger.receipts import Finding, LandedFile, Receipt
from citylake.privacy.tokens import Tokens

TOKENS = Tokens(b"k" * 32)


@dataclass(frozen=True)
class Received:
    """Why a delivery is refused, or its rows as bronze holds them."""

    findings: tuple[Finding, ...]
    rows: pa.Table | None

    @property
    def rules(self) -> list[str]:
        """The rules of the refusal."""
        return sorted({f.rule for f in self.findings})


@dataclass(frozen=True)
class Judged:
    """Typed values as text, and the rules that a row broke."""

    values: dict[str, str | None]
    verdict: list[str]
    flags: list[str]


def receive(
    contract: Contract, paths: Sequence[Path], period: str, number: int = 1, sent: datetime | None = None
) -> Received:
    """Files as one delivery of their own, with the manifest that `prepare` would write."""
    order = Order(contract, period, "full" if contract.kind == "register" else "changes")
    extracts = [Extract(p.name, p, count_records(p, contract)) for p in paths]
    body = make_manifest(order, f"{period}-001", sent or datetime.now(UTC), extracts, attested=True)
    manifest = read_manifest(body)
    verified = verify(manifest, contract, {p.name: p for p in paths}, ())
    if verified.findings:
        return Received(verified.findings, None)
    return Received((), decoded(contract, manifest, verified.layout, {p.name: p for p in paths}, number))


def decoded(
    contract: Contract, manifest: Manifest, layout: str, paths: dict[str, Path], number: int = 1
) -> pa.Table:
    """The rows of a verified delivery for bronze; the number of its batch tells it apart."""
    files = tuple(LandedFile(f.name, f.sha256, f.bytes, f.records) for f in manifest.files)
    at = manifest.sent_text
    receipt = Receipt(
        number,
        contract.department,
        contract.id,
        manifest.delivery,
        "accepted",
        contract.version,
        manifest.period,
        manifest.coverage,
        sent_at=at,
        known_at=at,
        batch_id=str(number),
        layout=layout,
        files=files,
    )
    by_digest = {f.sha256: paths[f.name] for f in manifest.files}
    batches = bronze_batches(contract, receipt, by_digest, TOKENS)
    return pa.Table.from_batches(batches, bronze_schema(contract))


def judge(spark: Any, contract: Contract, rows: pa.Table) -> dict[str, list[Judged]]:
    """The rows of each batch in the order of the file, judged in one query."""
    view = f"judged_{contract.name}"
    spark.createDataFrame(rows).createOrReplaceTempView(view)
    names = [c.name for c in silver_columns(contract)]
    select = compile_contract(contract, ROOT).select.replace("{bronze}", view)
    texts = ", ".join(f"CAST({n} AS STRING) AS {n}" for n in names)
    query = f"SELECT _batch_id, _file_id, _row_no, _verdict, _flags, {texts} FROM ({select})"
    found: dict[str, list[Judged]] = {b: [] for b in rows["_batch_id"].unique().to_pylist()}
    for row in spark.sql(f"{query} ORDER BY _batch_id, _file_id, _row_no").collect():
        values = {n: row[n] for n in names}
        found[row["_batch_id"]].append(Judged(values, sorted(row["_verdict"]), sorted(row["_flags"])))
    return found
