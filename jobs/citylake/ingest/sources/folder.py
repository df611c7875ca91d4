"""Deliveries in a folder of this machine or of a mounted share: `<department>/<dataset>/<delivery>/`."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from citylake.core.errors import SourceMissing
from citylake.ingest.sources.drops import Drop, Seen, Watch, whole_deliveries
from citylake.ingest.sources.source import Found, fetch
from citylake.storage.store import Store


class FolderSource:
    """A folder; links in it are not followed, since a department could point them anywhere."""

    def __init__(self, root: Path, watch: Watch | None = None) -> None:
        """Without a `watch` only folders with a manifest are deliveries."""
        self._root, self._watch = root, watch or Watch()

    def deliveries(self) -> Generator[Found, None, None]:
        """Whole deliveries; SourceMissing when the folder is not there or cannot be read."""
        if not self._root.is_dir():
            raise SourceMissing(
                "source.unreachable",
                "there is no such folder",
                where=str(self._root),
                now="check the path, mount the share",
            )
        return whole_deliveries(self, self._watch)

    def drops(self) -> Iterator[Drop]:
        """Every folder three levels down."""
        with _told(self._root):
            folders = sorted(p for p in self._root.glob("*/*/*") if p.is_dir() and not p.is_symlink())
        for folder in folders:
            yield self._drop(folder)

    def look(self, drop: Drop) -> Drop:
        """The same folder, listed anew."""
        return self._drop(self._root / drop.key)

    def _drop(self, folder: Path) -> Drop:
        with _told(folder):
            plain = {p.name: p.stat() for p in sorted(folder.iterdir()) if p.is_file() and not p.is_symlink()}
        files = {name: Seen(found.st_size, found.st_mtime) for name, found in plain.items()}
        return Drop("/".join(folder.parts[-3:-1]), folder.name, files)

    def read(self, drop: Drop, name: str) -> bytes:
        """A small file."""
        with _told(self._root / drop.key / name):
            return (self._root / drop.key / name).read_bytes()

    def get(self, drop: Drop, name: str, to: Path) -> None:
        """Copy a file to a path."""
        with _told(self._root / drop.key / name):
            shutil.copyfile(self._root / drop.key / name, to)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceMissing(
            "source.unreachable",
            f"cannot be read: {error.strerror}",
            where=str(path),
            now="check rights and mounts",
        ) from None


def fetch_folder(store: Store, root: Path) -> int:
    """Bring every delivery with a manifest below `<root>/<department>/<dataset>/<delivery>/` that the inbox
    does not hold yet.
    """
    return fetch(store, FolderSource(root))
