"""Step 1: what a source is, and the one way from any source into the inbox; the manifest goes last, so a
half-fetched delivery does not exist.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from citylake.core.errors import EnvironmentFailed
from citylake.core.names import inbox_prefix
from citylake.ingest.manifest import MANIFEST
from citylake.storage.store import Store

Download = Callable[[Path], object]


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Found:
    """A whole delivery at its source. Its downloads work until the next one is asked for."""

    dataset: str  # "<department>/<dataset>"
    delivery: str
    manifest: bytes
    files: Mapping[str, Download]  # data files by name; each call writes the file to a path
    settled: Callable[[], None] = _nothing  # called once the inbox holds it: the source may forget its notes


class Source(Protocol):
    """A place that deliveries come from."""

    def deliveries(self) -> Generator[Found, None, None]:
        """Every delivery that is complete there, never one that is still being written; LakeError when the
        place fails.
        """
        ...


def fetch(store: Store, source: Source) -> int:
    """Bring every delivery that the inbox does not hold yet, data files first; the number brought.

    The same manifest again is skipped. Another manifest under a known name comes as `<delivery>.r2`, `.r3`,
    so that it is answered too.
    Errors: those of the source; EnvironmentFailed when another fetch takes the same name at the same time.
    """
    with closing(source.deliveries()) as deliveries:
        return sum(_bring(store, found) for found in deliveries)


def _bring(store: Store, found: Found) -> bool:
    folder = _free_folder(store, found)
    brought = folder is not None and _copy(store, found, folder)
    found.settled()
    return brought


def _free_folder(store: Store, found: Found) -> str | None:
    """The first folder of that name without a manifest; None when one holds this manifest."""
    for n in count(1):
        folder = f"{inbox_prefix(found.dataset)}{found.delivery}{f'.r{n}' if n > 1 else ''}/"
        if not store.exists(folder + MANIFEST):
            return folder
        if _same(store.get(folder + MANIFEST), found.manifest):
            return None
    raise AssertionError


def _same(held: bytes, new: bytes) -> bool:
    """Whether two manifests say the same; those that were made here may differ in the moment of making."""
    return held == new or _made(held) == _made(new) is not None


def _made(body: bytes) -> dict[str, Any] | None:
    try:
        text = json.loads(body)
    except ValueError:
        return None
    return (
        {k: v for k, v in text.items() if k != "sent_at"}
        if isinstance(text, dict) and text.get("attested") is False
        else None
    )


def _copy(store: Store, found: Found, folder: str) -> bool:
    for key in [k for k in store.list(folder) if k.removeprefix(folder) not in found.files]:
        store.delete(key)  # left by a fetch that was broken off before its manifest
    with tempfile.TemporaryDirectory(prefix="citylake-") as scratch:
        path = Path(scratch) / "file"
        for name, download in found.files.items():
            download(path)
            store.upload(path, folder + name)
            path.unlink()
    if store.create(folder + MANIFEST, found.manifest):
        return True
    if _same(store.get(folder + MANIFEST), found.manifest):
        return False
    raise EnvironmentFailed(
        "source.raced",
        "another fetch took the same name with another manifest",
        where=folder,
        now="fetch again",
    )
