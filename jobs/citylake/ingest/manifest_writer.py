"""Manifests that the lake makes itself, for sources whose departments write none; they say `attested:
false`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract
from citylake.core.calendar import BEIJING
from citylake.core.errors import ContractError, LakeError
from citylake.ingest.decode import open_file
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import PERIOD
from citylake.ingest.sources.address import Address
from citylake.ingest.verify import file_sha256

_IN_NAME = re.compile(rf"^{PERIOD.pattern}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Order:
    """What a delivery without a manifest is: of which dataset, for which period."""

    contract: Contract
    period: str
    coverage: str = "full"
    corrects: str | None = None


@dataclass(frozen=True)
class Extract:
    """A file that was made from the answer of a source."""

    name: str
    path: Path
    records: int


def order_of(address: Address, contracts: Mapping[str, Contract]) -> Order:
    """The order in the options `dataset`, `period`, `coverage`; LakeError `source.option` when one is missing
    or unknown.
    """
    dataset, period, coverage = (
        address.option("dataset"),
        address.option("period"),
        address.options.get("coverage", "full"),
    )
    for name, sound in (
        ("dataset", dataset in contracts),
        ("period", PERIOD.fullmatch(period)),
        ("coverage", coverage in ("full", "changes")),
    ):
        if not sound:
            raise LakeError(
                "source.option",
                f"the option {name} has no such value: {address.options.get(name)}",
                where=address.place,
                now="correct the option",
            )
    return Order(contracts[dataset], period, coverage)


def demand_format(contract: Contract, names: tuple[str, ...], place: str) -> None:
    """ContractError `source.format` when the contract cannot decode what the source makes: plain text in one
    of the formats.
    """
    if (
        contract.format not in names
        or contract.container
        or contract.unpivot
        or contract.footer
        or contract.preamble
    ):
        what = f"this source gives plain {' or '.join(names)}; contract {contract.id} says {contract.format}"
        raise ContractError(
            "source.format",
            what,
            where=place,
            owner=contract.owner.name,
            now=f"edit servers in {contract.path}",
        )


def delivery_name(order: Order, kind: str, file: Extract) -> str:
    """The same content has the same name, so it is brought once."""
    return f"{order.period}-{kind}-{file_sha256(file.path)[:12]}"


def make_manifest(
    order: Order, delivery: str, sent_at: datetime, files: list[Extract], *, attested: bool = False
) -> bytes:
    """The manifest for files whose records were counted; totals hold the count only."""
    entries: list[dict[str, Any]] = [
        {"name": f.name, "bytes": f.path.stat().st_size, "sha256": file_sha256(f.path), "records": f.records}
        for f in files
    ]
    text = {
        "manifest": 1,
        "dataset": order.contract.id,
        "contract": order.contract.version,
        "delivery": delivery,
        "period": order.period,
        "coverage": order.coverage,
        "sent_at": sent_at.astimezone(BEIJING).isoformat(timespec="seconds"),
        "corrects": order.corrects,
        "attested": attested,
        "files": entries,
        "totals": {"records": sum(f.records for f in files)},
    }
    return json.dumps(text, ensure_ascii=False, indent=1).encode()


def count_records(path: Path, contract: Contract) -> int:
    """How many records the decoder of the contract finds; 0 for an unreadable file, which verify refuses with
    the reason.
    """
    last = 0
    try:
        with open_file(path, contract) as decoder:
            for record in decoder:
                last = record.number
    except Unreadable:
        return 0
    return last


def period_of(delivery: str, contract: Contract, changed: datetime) -> str:
    """The period that the name begins with, else that of the last change, as fine as the contract's
    frequency.
    """
    named = _IN_NAME.match(delivery)
    text = named.group(0) if named else f"{changed.astimezone(BEIJING):%Y-%m-%d}"
    if "Q" in text:
        return text
    if 80 <= contract.frequency_days < 360 and len(text) >= 7:
        return f"{text[:4]}-Q{(int(text[5:7]) + 2) // 3}"
    return text[: 10 if contract.frequency_days < 7 else 7 if contract.frequency_days < 80 else 4]
