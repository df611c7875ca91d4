"""For the sender: a delivery is checked by what will check it at the lake, before it is sent; no service is
needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from citylake.core.errors import LakeError
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import MANIFEST, read_manifest
from citylake.ingest.manifest_writer import Extract, Order, count_records, make_manifest
from citylake.ingest.signature import sign
from citylake.ingest.verify import verify
from citylake.ledger.receipts import Finding


def prepare(
    order: Order,
    delivery: str,
    files: list[Path],
    sent_at: datetime,
    to: Path,
    exported: int | None = None,
    key: Path | None = None,
) -> tuple[Finding, ...]:
    """Write `<to>/<department>/<dataset>/<delivery>/` with its manifest; instead of that every reason for
    which the lake would refuse it.

    `exported` is the number of records that the sender's system counted; `key` is the private key (OpenSSH)
    that signs the manifest. What only the lake knows (gaps, repeats, whether the corrected delivery came)
    is not checked.
    """
    extracts = [
        Extract(f.name, f, count_records(f, order.contract.of_file(f.name, order.corrects))) for f in files
    ]
    body = make_manifest(order, delivery, sent_at, extracts, attested=True)
    try:
        found = verify(read_manifest(body), order.contract, {f.name: f for f in files}, ()).findings
    except Unreadable as error:
        return error.findings
    found = (*(f for f in found if f.rule != "delivery.corrects_unknown"), *_miscounted(extracts, exported))
    if not found:
        folder = to / order.contract.id / delivery
        if folder.exists():
            raise LakeError(
                "prepare.exists",
                "there is a delivery of that number already",
                where=str(folder),
                now="take a new delivery number",
            )
        folder.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
        (folder / MANIFEST).write_bytes(body)
        _sign(key, folder)
    return found


def _sign(key: Path | None, folder: Path) -> None:
    """Sign the manifest of a folder; without a signature that was wanted nothing stays to be sent."""
    try:
        if key is not None:
            sign(key, folder)
    except LakeError:
        shutil.rmtree(folder)
        raise


def _miscounted(extracts: list[Extract], exported: int | None) -> Iterator[Finding]:
    records = sum(e.records for e in extracts)
    if exported is not None and records != exported:
        zh, en = (
            f"业务系统导出{exported}条,文件中有{records}条",
            f"your system exported {exported} records, the files hold {records}",
        )
        yield Finding("delivery.records", zh, en, ", ".join(e.name for e in extracts))
