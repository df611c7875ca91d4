"""The seal: an append-only list of every object of the lake with its hash, under one signed Merkle root.

A block names the objects that came since the block before. The list of all blocks is the log; a
checkpoint (C2SP
tlog-checkpoint, RFC 6962 root, Ed25519) stands for its first `size` entries and order. Whoever keeps a
checkpoint
outside can prove later that nothing of those entries was changed, removed or put between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from botocore.exceptions import ClientError

from citylake.core.errors import LakeError
from citylake.core.names import VERIFIER_KEY, seal_key
from citylake.core.settings import Settings
from citylake.ledger.merkle import tree_hash
from citylake.ledger.note import Checkpoint, load_key, sign, verifier
from citylake.storage.store import Store

NAME = "citylake"  # of the signing key
GENESIS = "0" * 64
SENDERS = ("inbox/",)  # what departments put there and take away
PASSING = (
    "stage/",
    "doctor/",
    "seals/",
    "tokens/",
)  # replaced or removed in the course of work; the seal is its own proof
HINT = "/_delta_log/_last_checkpoint"  # Delta rewrites it; readers find the log without it
_THREADS = 16


class Objects(Protocol):
    """A lake's objects, in a bucket or in a copy of one."""

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Size in bytes by key."""
        ...

    def get(self, key: str, /) -> bytes:
        """The bytes of an object."""
        ...


@dataclass(frozen=True)
class Entry:
    """One object as it was when it was sealed."""

    key: str
    size: int
    sha256: str

    @property
    def leaf(self) -> bytes:
        """What the Merkle tree is made of."""
        return f"{self.sha256} {self.size} {self.key}\n".encode()


@dataclass(frozen=True)
class Block:
    """What one seal added; `previous` is the SHA-256 of the bytes of the block before."""

    number: int
    previous: str
    entries: tuple[Entry, ...]
    checkpoint: str


def is_sealed(key: str) -> bool:
    """Whether an object belongs under the seal; everything does that is not named above."""
    return not key.startswith((*SENDERS, *PASSING)) and not key.endswith(HINT)


def seal_keys(objects: Objects) -> list[str]:
    """The keys of all blocks in order."""
    return sorted(k for k in objects.sizes("seals/") if k != VERIFIER_KEY)


def read_block(body: bytes) -> Block:
    """A block from its bytes; LakeError `seal.block` when they are none."""
    try:
        raw = json.loads(body)
        entries = tuple(Entry(str(k), int(n), str(h)) for k, n, h in raw["objects"])
        return Block(int(raw["number"]), str(raw["previous"]), entries, str(raw["checkpoint"]))
    except (ValueError, KeyError, TypeError):
        raise LakeError("seal.block", "a block of the seal cannot be read", now="citylake check") from None


def current_checkpoint(store: Objects) -> str | None:
    """The newest signed checkpoint, for pages, letters and reports; None before the first release."""
    keys = seal_keys(store)
    return read_block(store.get(keys[-1])).checkpoint if keys else None


def as_sealed(store: Store, key: str) -> Store:
    """The store as the first seal over an object left it; LakeError `seal.missing` when none covers it."""
    seen = {VERIFIER_KEY}
    for block in seal_keys(store):
        seen |= {block, *(e.key for e in read_block(store.get_created(block)).entries)}
        if key in seen:
            return store.only(seen)
    raise LakeError("seal.missing", f"no seal covers {key}", now="citylake seal")


def public_key(store: Objects) -> str | None:
    """The verifier key of the checkpoints as the lake shows it; None before the first release."""
    return store.get(VERIFIER_KEY).decode() if VERIFIER_KEY in store.sizes("seals/") else None


def key_file(settings: Settings) -> Path:
    """Where the signing key lies: outside the lake."""
    return settings.state / "seal.key"


def seal(settings: Settings, store: Store) -> str:
    """Hash every object that no block holds yet, append a block and return the checkpoint.

    Nothing new gives the checkpoint that stands. Reads only what is new; a landed file is named by its
    hash, which
    was checked when it was landed.
    """
    while True:
        bodies = [store.get_created(k) for k in seal_keys(store)]
        blocks = [read_block(b) for b in bodies]
        known = [e for b in blocks for e in b.entries]
        fresh = _hashed(store, {e.key for e in known})
        if not fresh and blocks:
            return blocks[-1].checkpoint
        number = len(blocks) + 1
        note = _signed(settings, store, [*known, *fresh])
        previous = hashlib.sha256(bodies[-1]).hexdigest() if bodies else GENESIS
        if store.create(seal_key(number), block_body(Block(number, previous, tuple(fresh), note))):
            return note


def _signed(settings: Settings, store: Store, entries: list[Entry]) -> str:
    key = load_key(key_file(settings))
    store.create(VERIFIER_KEY, verifier(NAME, key.public_key()).encode())
    found = Checkpoint(f"{NAME}/{settings.lake}", len(entries), tree_hash([e.leaf for e in entries]))
    return sign(found.text, NAME, key)


def block_body(block: Block) -> bytes:
    """The bytes of a block; there is one way to write it."""
    raw = {
        "format": 1,
        "number": block.number,
        "previous": block.previous,
        "objects": [[e.key, e.size, e.sha256] for e in block.entries],
        "checkpoint": block.checkpoint,
    }
    return json.dumps(raw, ensure_ascii=False).encode()


def _hashed(store: Store, known: set[str]) -> list[Entry]:
    fresh = {k: n for k, n in store.sizes().items() if k not in known and is_sealed(k)}
    return [
        Entry(k, fresh[k], h) for k, h in hashes(store, sorted(fresh), trust_landing=True) if h is not None
    ]


def hashes(
    objects: Objects, keys: Iterable[str], *, trust_landing: bool = False
) -> list[tuple[str, str | None]]:
    """SHA-256 of objects in the order of their keys, many at a time; None for one that is gone."""

    def one(key: str) -> tuple[str, str | None]:
        if trust_landing and key.startswith("landing/"):
            return key, key.rsplit("/", 1)[1]
        try:
            return key, hashlib.sha256(objects.get(key)).hexdigest()
        except (ClientError, OSError):
            return key, None

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, keys))
