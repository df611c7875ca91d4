"""Steps 2 and 3: verify what lies in the inbox, land accepted bytes, answer every delivery with a receipt."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from citylake.contract.model import Contract
from citylake.core.attempts import Impossible, attempt
from citylake.core.calendar import BEIJING
from citylake.core.names import inbox_prefix, landing_key
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.inbox import (
    by_sending,
    download,
    manifest_bytes,
    manifest_key,
    signature_bytes,
    told_delivery,
)
from citylake.ingest.manifest import MANIFEST, Manifest, read_manifest
from citylake.ingest.signature import examine
from citylake.ingest.verify import Verified, arrived, verify
from citylake.ledger import contracts
from citylake.ledger.batches import Binding, binding
from citylake.ledger.evidence import append
from citylake.ledger.receipts import (
    Finding,
    LandedFile,
    Receipt,
    answer,
    base_name,
    next_known_at,
    replaced,
    reused,
)
from citylake.messages.letter import write_letters
from citylake.privacy.masking import foreign, told_names
from citylake.storage.store import Store

CLOCKS_APART = timedelta(minutes=15)
"""By how much the sender's clock may be ahead of the store's; S3 allows signed requests the same."""


@dataclass(frozen=True)
class _Read:
    """A delivery as it was read from the inbox."""

    delivery: str  # as it may be told
    manifest: Manifest | None
    batch_id: str
    verified: Verified
    signed_by: str = ""
    names: dict[str, str] = field(
        default_factory=dict
    )  # of files whose names may not be told: what stands for them


def receive(store: Store, contract: Contract, root: Path, answering: Callable[[], bool]) -> list[Receipt]:
    """Answer every waiting delivery of a dataset, in the order of sending, and write the letters of all
    answers. One that cannot even be read is refused; `answering` says whether the lake's surroundings are
    well.
    """
    given: list[Receipt] = []
    for delivery in by_sending(store, contract.id, answering):
        try:
            given.append(attempt(partial(receive_one, store, contract, delivery, root), answering))
        except Impossible as error:
            given.append(_unreadable(store, contract, delivery, error))
    write_letters(store, contract, root)
    return given


def _unreadable(store: Store, contract: Contract, delivery: str, error: Impossible) -> Receipt:
    """The refusal of a delivery on which every try to read it broke off."""
    zh = f"数据湖无法读取本次交付({error.kind},{error.where})"
    en = f"the lake cannot read this delivery ({error.kind} at {error.where})"
    called = told_delivery(store, contract.id, delivery)
    read = _Read(called, None, "", Verified("", (Finding("delivery.unreadable", zh, en),)))
    nothing = Binding((), frozenset())
    receipt = answer(store, contract.department, lambda _, n: _draft(contract, read, nothing, [], n))
    _tell(store, contract, receipt)
    return receipt


def _tell(store: Store, contract: Contract, receipt: Receipt) -> None:
    said = "received" if receipt.outcome == "accepted" else receipt.outcome
    under = contracts.keep(store, contract)
    facts = {"delivery": receipt.delivery, "records": receipt.records, "contract": under}
    facts |= {"signed_by": receipt.signed_by} if receipt.signed_by else {}
    append(store, contract.id, said, receipt.number, facts)


def receive_one(store: Store, contract: Contract, delivery: str, root: Path) -> Receipt:
    """Verify, land and answer one delivery."""
    earlier = binding(store, contract.id)
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        paths = download(store, f"{inbox_prefix(contract.id)}{delivery}/", Path(folder))
        read = _read(store, contract, delivery, paths, earlier, root)
        if read.manifest and not read.verified.findings:
            for entry in read.manifest.files:
                store.upload(paths[entry.name], landing_key(contract.id, entry.sha256))
    receipt = answer(store, contract.department, lambda known, n: _draft(contract, read, earlier, known, n))
    _tell(store, contract, receipt)
    return receipt


def _read(
    store: Store,
    contract: Contract,
    delivery: str,
    paths: dict[str, Path],
    earlier: Binding,
    root: Path,
) -> _Read:
    called = told_delivery(store, contract.id, delivery)
    try:
        body = manifest_bytes(store, contract.id, delivery)
        manifest = read_manifest(body)
    except Unreadable as error:
        return _Read(called, None, "", Verified("", error.findings))
    demanded = contract.signed and not _vouched(manifest, earlier)
    signed = examine(
        root, contract.department, body, signature_bytes(store, contract.id, delivery), demanded=demanded
    )
    wrong = [
        *signed.findings,
        *_not_to_be_told(manifest, called),
        *_misplaced(manifest, contract, delivery),
        *_not_sent_yet(manifest, store.stored_at(manifest_key(contract.id, delivery))),
    ]
    if wrong:
        verified = Verified("", tuple(wrong))
    elif _accepted_as(_batch_id(manifest), earlier, ()):
        verified = Verified("", arrived(manifest, paths))
    else:
        verified = verify(manifest, contract, paths, earlier.receipts)
    names = told_names(contract, [*paths, *(f.name for f in manifest.files)])
    findings = tuple(_renamed(f, names) for f in verified.findings)
    verified = replace(verified, findings=findings)
    return _Read(called, manifest, _batch_id(manifest), verified, signed.fingerprint, names)


def _vouched(manifest: Manifest, earlier: Binding) -> bool:
    """Whether this came signed before and failed in the lake, which hands it over again itself."""
    said = (manifest.period, manifest.coverage, manifest.sent_text, {f.sha256 for f in manifest.files})
    return any(
        (r.period, r.coverage, r.sent_at, {f.sha256 for f in r.files}) == said
        and manifest.corrects == (r.corrects or r.delivery)
        for r in earlier.receipts
        if r.number in earlier.failed and r.signed_by
    )


def _renamed(finding: Finding, names: dict[str, str]) -> Finding:
    """The finding with what may be told of the names of files."""
    zh, en, where = finding.zh, finding.en, names.get(finding.where, finding.where)
    for name, told in names.items():
        zh, en = zh.replace(name, told), en.replace(name, told)
    return replace(finding, zh=zh, en=en, where=where)


def _not_to_be_told(manifest: Manifest, called: str) -> Iterator[Finding]:
    """The name of a delivery stands in every answer and table: it must not hold a number of a person."""
    if "~" in called:
        zh, en = "交付号含个人信息,不予接收", "the name of the delivery holds a number of a person"
        yield Finding("delivery.name_personal", zh, en, MANIFEST, None, "delivery")


def _misplaced(manifest: Manifest, contract: Contract, delivery: str) -> Iterator[Finding]:
    if (manifest.dataset, manifest.delivery) != (contract.id, base_name(delivery)):
        text = foreign(contract, f"{manifest.dataset} {manifest.delivery}")
        yield Finding(
            "manifest.misplaced", f"清单写明的是 {text}", f"the manifest speaks of {text}", MANIFEST
        )


def _not_sent_yet(manifest: Manifest, arrived_at: datetime) -> Iterator[Finding]:
    """A moment of sending in the future would let its rows outrank those of every delivery until then."""
    if manifest.sent_at > arrived_at + CLOCKS_APART:
        told = f"{arrived_at.astimezone(BEIJING):%Y-%m-%d %H:%M}"
        zh, en = (
            f"送交时间{manifest.sent_text}晚于到达时间{told}",
            f"sent at {manifest.sent_text}, but it arrived at {told} Beijing time",
        )
        yield Finding("manifest.sent_at", zh, en, MANIFEST, None, "sent_at")


def _batch_id(manifest: Manifest) -> str:
    """A hash of dataset, period, coverage, what is corrected, and bytes; names and times of sending do not
    count.

    A correction may bring back the very bytes that were corrected before.
    """
    corrected = [manifest.corrects] if manifest.corrects else []
    parts = [
        manifest.dataset,
        manifest.period,
        manifest.coverage,
        *corrected,
        *sorted(f.sha256 for f in manifest.files),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _draft(contract: Contract, read: _Read, earlier: Binding, known: list[Receipt], number: int) -> Receipt:
    manifest = read.manifest
    head = {
        "number": number,
        "department": contract.department,
        "dataset": contract.id,
        "delivery": read.delivery,
        "contract": contract.version,
    }
    if manifest is None:
        return Receipt(**head, outcome="refused", findings=read.verified.findings)
    files = tuple(
        LandedFile(read.names.get(f.name, f.name), f.sha256, f.bytes, f.records) for f in manifest.files
    )
    body = {
        **head,
        "period": manifest.period,
        "coverage": manifest.coverage,
        "sent_at": manifest.sent_text,
        "batch_id": read.batch_id,
        "records": manifest.totals.records,
        "corrects": manifest.corrects,
        "files": files,
        "attested": manifest.attested,
        "signed_by": read.signed_by,
    }
    if read.verified.findings:
        return Receipt(**body, outcome="refused", findings=read.verified.findings)
    seen = {r.number for r in earlier.receipts}
    since = [r for r in known if r.dataset == contract.id and r.number not in seen]
    mine = [*earlier.receipts, *since]
    same = _accepted_as(read.batch_id, earlier, since)
    if same:
        return Receipt(**body, outcome="repeat", repeats=same.number)
    held = reused(read.delivery, mine) if contract.revision == "replace" else None
    known_at = next_known_at(known, contract.id, manifest.sent_text)
    return Receipt(
        **body,
        outcome="accepted",
        layout=read.verified.layout,
        known_at=known_at,
        replaces=held.number if held else None,
    )


def _accepted_as(batch_id: str, earlier: Binding, since: Sequence[Receipt]) -> Receipt | None:
    """The receipt that accepted these bytes, unless its delivery was replaced since (then they would restore
    it), withdrawn, or failed.
    """
    known = [*earlier.receipts, *since]
    void = replaced(known) | earlier.failed
    return next(
        (r for r in known if r.outcome == "accepted" and r.batch_id == batch_id and r.number not in void),
        None,
    )
