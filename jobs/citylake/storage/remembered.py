"""What was read of create-only objects, in a file beside the services, so that the next process need not ask
the store again. It may be deleted at any time; proofs never read it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

_TABLE = """CREATE TABLE IF NOT EXISTS entry (
 store TEXT, prefix TEXT, key TEXT, tag TEXT, body BLOB, PRIMARY KEY (store, prefix, key)) WITHOUT ROWID"""


class Entry(NamedTuple):
    """One object of a log."""

    key: str
    tag: str  # the store's entity tag
    body: bytes


class Remembered:
    """The logs of the buckets of one endpoint that processes of this machine read."""

    def __init__(self, path: Path, endpoint: str) -> None:
        """`path` is made at first use, readable by its owner only."""
        self._path, self._endpoint = path, endpoint

    def entries(self, bucket: str, prefix: str) -> list[Entry]:
        """What is remembered of a log, in the order of its keys."""
        with closing(self._open()) as db:
            found = db.execute(
                "SELECT key, tag, body FROM entry WHERE store = ? AND prefix = ? ORDER BY key",
                (self._of(bucket), prefix),
            )
            return [Entry(*row) for row in found]

    def keep(self, bucket: str, prefix: str, log: Sequence[Entry], added: int) -> None:
        """Remember the last entries of a log; when all of it is new, what was remembered is forgotten."""
        rows = [(self._of(bucket), prefix, *entry) for entry in log[len(log) - added :]]
        with closing(self._open()) as db, db:
            if added == len(log):
                db.execute("DELETE FROM entry WHERE store = ? AND prefix = ?", rows[0][:2])
            db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)", rows)

    def _of(self, bucket: str) -> str:
        return f"{self._endpoint}/{bucket}"

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        db = sqlite3.connect(self._path, timeout=60)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(_TABLE)
        return db
