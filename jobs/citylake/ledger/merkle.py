"""Merkle tree hash of a list (RFC 6962, section 2.1): one hash that stands for all entries and their
order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """The root over the entries; SHA-256 of nothing for an empty list."""
    if not entries:
        return hashlib.sha256().digest()
    level = [hashlib.sha256(b"\x00" + e).digest() for e in entries]
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def _level_above(level: list[bytes]) -> list[bytes]:
    """Neighbours joined in pairs; a last node without a neighbour moves up as it is."""
    joined = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
    return joined + level[len(joined) * 2 :]
