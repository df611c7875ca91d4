"""The inbox of a dataset: which deliveries wait there, in which order they were sent, what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from citylake.core.attempts import Impossible, attempt
from citylake.core.names import inbox_prefix
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.limits import MANIFEST_BYTES
from citylake.ingest.manifest import MANIFEST, SIGNATURE, read_manifest
from citylake.ledger.receipts import (
    Finding,
    dataset_receipts,
)
from citylake.privacy.masking import told_name
from citylake.storage.store import Store


def waiting(store: Store, dataset: str) -> list[str]:
    """Deliveries of a dataset whose manifest has come and that have no receipt, oldest name first."""
    prefix = inbox_prefix(dataset)
    answered = {r.delivery for r in dataset_receipts(store, dataset)}
    folders = [f.removeprefix(prefix).strip("/") for f in store.list_folders(prefix)]
    come = (d for d in sorted(folders) if d not in answered and store.exists(manifest_key(dataset, d)))
    return [d for d in come if told_name(d) == d or told_delivery(store, dataset, d) not in answered]


def told_delivery(store: Store, dataset: str, delivery: str) -> str:
    """What a delivery is called in answers: its name, or, of a name that might be a person's, its shape and
    a hash of its manifest.
    """
    told = told_name(delivery)
    if told == delivery:
        return delivery
    return f"{told}~{hashlib.sha256(store.get(manifest_key(dataset, delivery))).hexdigest()[:8]}"


def by_sending(store: Store, dataset: str, answering: Callable[[], bool]) -> list[str]:
    """The waiting deliveries; those whose manifest says no moment come first, to be refused."""

    def moment(delivery: str) -> tuple[str, str]:
        try:
            return attempt(
                lambda: read_manifest(manifest_bytes(store, dataset, delivery)).sent_text, answering
            ), delivery
        except Impossible:
            return "", delivery

    return sorted(waiting(store, dataset), key=moment)


def _sent(store: Store, dataset: str, delivery: str) -> str:
    return read_manifest(manifest_bytes(store, dataset, delivery)).sent_text


def download(store: Store, prefix: str, folder: Path) -> dict[str, Path]:
    """The files of a delivery into a folder, by their names."""
    paths: dict[str, Path] = {}
    for i, key in enumerate(
        k for k in store.list(prefix) if not k.endswith((f"/{MANIFEST}", f"/{SIGNATURE}", "/"))
    ):  # "/" ends the mark of a folder, not a file
        paths[key.removeprefix(prefix)] = folder / str(i)
        store.download(key, folder / str(i))
    return paths


def signature_bytes(store: Store, dataset: str, delivery: str) -> bytes | None:
    """The signature that lies beside a manifest; of one that is too long to be any, its beginning."""
    key = f"{inbox_prefix(dataset)}{delivery}/{SIGNATURE}"
    size = store.size(key)
    return store.get_range(key, 0, min(size, MANIFEST_BYTES)) if size else None if size is None else b""


def manifest_key(dataset: str, delivery: str) -> str:
    """Where the manifest of a delivery lies."""
    return f"{inbox_prefix(dataset)}{delivery}/{MANIFEST}"


def manifest_bytes(store: Store, dataset: str, delivery: str) -> bytes:
    """The manifest as it was sent; Unreadable when it is larger than any manifest."""
    key = manifest_key(dataset, delivery)
    size = store.size(key) or 0
    if size > MANIFEST_BYTES:
        zh, en = (
            f"清单大小{size}字节,超过{MANIFEST_BYTES}字节",
            f"the manifest has {size} bytes, at most {MANIFEST_BYTES}",
        )
        raise Unreadable(Finding("budget.manifest", zh, en, MANIFEST))
    return store.get(key)
