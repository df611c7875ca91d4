"""Secrets of one embedded lake: random, made at first use below its state folder, mode 0600."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

SHORTEST = 32
"""Bytes that a key must have at least."""


def create_once(path: Path, body: bytes) -> bytes:
    """The file's bytes; it is made whole (written, synced, linked), so no reader finds it half written."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.link(part, path)
        except FileExistsError:
            pass  # another process was first: its bytes hold
        finally:
            os.unlink(part)
    return path.read_bytes()


def local_secret(state: Path, name: str) -> str:
    """The secret `name` of the lake in this state folder: 64 hexadecimal digits from 32 random bytes."""
    return create_once(state / "secrets" / name, secrets.token_hex(SHORTEST).encode()).decode()
