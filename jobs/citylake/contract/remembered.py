"""The contracts as they were read last, for the next process: to read and check all of them takes a second.

The copy lies in the user's own cache folder, under a digest of all that it follows from: every file below
`schemas/`, and the package.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from citylake.core.project import PACKAGE

T = TypeVar("T")
KEPT = 8  # copies, of as many states of projects; older ones go


def remembered(root: Path, read: Callable[[], T]) -> T:
    """What `read` made of these very files, in this process or an earlier one of the same user."""
    path = _folder() / f"{_digest(root)}.pickle"
    held = _load(path)
    if held is None:
        held = read()
        _keep(path, held)
    return held


def _folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "citylake" / "contracts"


def _digest(root: Path) -> str:
    found = hashlib.sha256(sys.version.encode())
    for path in sorted(p for p in (root / "schemas").rglob("*") if p.is_file()):
        found.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    for path in sorted(p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".json", ".yaml")):
        found.update(f"{path}\0{path.stat().st_size}\0{path.stat().st_mtime_ns}\0".encode())
    return found.hexdigest()[:32]


def _load(path: Path) -> Any:
    """A copy; None when there is none, another user wrote it, or it is damaged."""
    try:
        if path.stat().st_uid != os.getuid():
            return None
        return pickle.loads(path.read_bytes())
    except Exception:  # whatever a damaged copy makes pickle say
        return None


def _keep(path: Path, value: object) -> None:
    """Write a copy whole or not at all; a cache that cannot be written is none."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        Path(file.name).rename(path)
        for old in sorted(path.parent.iterdir(), key=lambda p: -p.stat().st_mtime)[KEPT:]:
            old.unlink(missing_ok=True)
