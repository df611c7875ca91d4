"""Which folders at a source are deliveries, and which are still being written. Serves every source that holds
files in folders.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from citylake.contract.model import Contract
from citylake.ingest.manifest import MANIFEST
from citylake.ingest.manifest_writer import Extract, Order, count_records, make_manifest, period_of
from citylake.ingest.sources.source import Found

DONE = ".done"
QUIET_SECONDS = 60.0
_UNFINISHED = (".part", ".filepart", ".partial", ".tmp", ".crdownload", ".writing")


@dataclass(frozen=True)
class Seen:
    """A file as its place lists it."""

    size: int
    changed: float  # seconds since 1970


@dataclass(frozen=True)
class Drop:
    """A folder `<department>/<dataset>/<delivery>` and its plain files."""

    dataset: str
    delivery: str
    files: dict[str, Seen]

    @property
    def key(self) -> str:
        """Its path below the root of the source."""
        return f"{self.dataset}/{self.delivery}"

    @property
    def data(self) -> list[str]:
        """Names of the data files of a folder without manifest: neither marks nor what an operating system
        leaves behind.
        """
        return sorted(
            n for n in self.files if not n.startswith((".", "~$")) and n not in ("Thumbs.db", "desktop.ini")
        )


class Place(Protocol):
    """Folders with files, wherever they are."""

    def drops(self) -> Iterator[Drop]:
        """Every folder of a delivery, in order of names."""
        ...

    def look(self, drop: Drop) -> Drop:
        """The same folder, listed anew."""
        ...

    def read(self, drop: Drop, name: str) -> bytes:
        """A small file."""
        ...

    def get(self, drop: Drop, name: str, to: Path) -> None:
        """Copy a file to a path."""
        ...


@dataclass(frozen=True)
class Watch:
    """Decides on folders without manifest. Without contracts it takes none; without notes (a file) none that
    has no mark.
    """

    contracts: Mapping[str, Contract] = field(default_factory=dict)
    notes: Path | None = None
    quiet: float = QUIET_SECONDS
    clock: Callable[[], float] = time.time

    def complete(self, drop: Drop) -> bool:
        """Whether the folder is whole and was not taken as it is: its sender marked it, or it was the same at
        two polls and is old enough.
        """
        contract = self.contracts.get(drop.dataset)
        if contract is None or not drop.data or any(n.lower().endswith(_UNFINISHED) for n in drop.files):
            return False
        note = self._noted(drop)
        if note.get("taken"):
            return False
        return DONE in drop.files or (contract.unattested and self._at_rest(drop, note))

    def _at_rest(self, drop: Drop, note: dict[str, Any]) -> bool:
        """Both by our clock since the first of two equal polls and by the files' own times."""
        now = self.clock()
        if not note:
            self._write(drop, {"since": now})
            return False
        return now - max(note["since"], *(f.changed for f in drop.files.values())) >= self.quiet

    def taken(self, drop: Drop) -> None:
        """Note that the inbox holds the folder as it is."""
        self._write(drop, {"since": self.clock(), "taken": True})

    def _all(self) -> dict[str, Any]:
        return json.loads(self.notes.read_text("utf-8")) if self.notes and self.notes.exists() else {}

    def _noted(self, drop: Drop) -> dict[str, Any]:
        note = self._all().get(drop.key, {})
        return note if note.get("files") == _shape(drop) else {}

    def _write(self, drop: Drop, note: dict[str, Any]) -> None:
        if self.notes is None:
            return
        self.notes.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.notes.with_suffix(".new")
        fresh.write_text(
            json.dumps(self._all() | {drop.key: {**note, "files": _shape(drop)}}, ensure_ascii=False), "utf-8"
        )
        fresh.replace(self.notes)


def _shape(drop: Drop) -> dict[str, list[float]]:
    return {name: [seen.size, seen.changed] for name, seen in sorted(drop.files.items())}


def whole_deliveries(place: Place, watch: Watch) -> Generator[Found, None, None]:
    """The deliveries of a place: folders with a manifest, and those without one that `watch` finds
    complete.
    """
    for drop in place.drops():
        if MANIFEST in drop.files:
            files = {n: partial(place.get, drop, n) for n in sorted(drop.files) if n not in (MANIFEST, DONE)}
            yield Found(drop.dataset, drop.delivery, place.read(drop, MANIFEST), files)
        elif watch.complete(drop):
            yield from _without_manifest(place, watch, drop)


def _without_manifest(place: Place, watch: Watch, drop: Drop) -> Iterator[Found]:
    """What is hashed is what is brought; a folder that changes meanwhile waits for the next poll."""
    contract = watch.contracts[drop.dataset]
    with tempfile.TemporaryDirectory(prefix="citylake-") as scratch:
        paths = {name: Path(scratch) / str(i) for i, name in enumerate(drop.data)}
        for name, path in paths.items():
            place.get(drop, name, path)
        if place.look(drop) != drop:
            return
        files = [Extract(name, path, count_records(path, contract)) for name, path in paths.items()]
        changed = datetime.fromtimestamp(max(drop.files[n].changed for n in drop.data), UTC)
        # Nobody said that the folder is everything, so nothing that is missing in it has ended.
        order = Order(contract, period_of(drop.delivery, contract, changed), "changes")
        manifest = make_manifest(order, drop.delivery, changed, files)
        yield Found(
            drop.dataset,
            drop.delivery,
            manifest,
            {n: partial(shutil.copyfile, p) for n, p in paths.items()},
            partial(watch.taken, drop),
        )
