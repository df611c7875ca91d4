"""A copy of a lake as a folder: one file per object under its key."""

from __future__ import annotations

from pathlib import Path


class Copy:
    """The objects below a folder; read only."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds `evidence/`, `receipts/` and the rest."""
        self._folder = folder

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Size in bytes of every file whose key starts with the prefix."""
        found = {p.relative_to(self._folder).as_posix(): p for p in self._folder.rglob("*") if p.is_file()}
        return {k: found[k].stat().st_size for k in sorted(found) if k.startswith(prefix)}

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        return (self._folder / key).read_bytes()
