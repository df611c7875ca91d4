"""The seal against the objects: is every sealed object as it was, is every object sealed, is the log
itself whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from citylake.audit.deltalog import needed_files
from citylake.audit.findings import Examination
from citylake.core.errors import LakeError
from citylake.core.names import seal_key
from citylake.ledger.merkle import tree_hash
from citylake.ledger.note import read_checkpoint
from citylake.ledger.seal import (
    GENESIS,
    Block,
    Entry,
    Objects,
    block_body,
    hashes,
    is_sealed,
    read_block,
    seal_keys,
)


@dataclass(frozen=True)
class Log:
    """The readable blocks of the seal and their entries in order."""

    blocks: tuple[Block, ...]

    @property
    def entries(self) -> list[Entry]:
        """The list under the Merkle root."""
        return [e for b in self.blocks for e in b.entries]


def read_log(objects: Objects, public: str | None, seen: Examination) -> Log:
    """All blocks; gaps, wrong links, wrong roots and wrong signatures are damages."""
    blocks: list[Block] = []
    previous, leaves = GENESIS, list[bytes]()
    keys = seal_keys(objects)
    for key in sorted({seal_key(n) for n in range(1, len(keys) + 1)} - set(keys)):
        seen.add("seal.missing", key, "a later seal is there and this one is gone")
    for position, key in enumerate(keys, start=1):
        body = objects.get(key)
        try:
            block = read_block(body)
        except LakeError as error:
            seen.add(error.rule, key, error.what)
            continue
        if body != block_body(block):
            seen.add("seal.form", key, "its bytes are not as a seal is written")
        if key != seal_key(position) or block.number != position:
            seen.add("seal.order", key, f"block {position} is expected here")
        if block.previous != previous:
            seen.add("seal.link", key, "it does not follow the block before it")
        leaves += [e.leaf for e in block.entries]
        _judge_root(key, block, leaves, public, seen)
        previous = hashlib.sha256(body).hexdigest()
        blocks.append(block)
    seen.looked_at["seals"] += len(blocks)
    return Log(tuple(blocks))


def _judge_root(key: str, block: Block, leaves: list[bytes], public: str | None, seen: Examination) -> None:
    if public is None:
        seen.add("seal.verifier", key, "the public key of the seal is missing")
        return
    try:
        said = read_checkpoint(block.checkpoint, public)
    except LakeError as error:
        seen.add(error.rule, key, error.what)
        return
    if (said.size, said.root) != (len(leaves), tree_hash(leaves)):
        seen.add(
            "seal.root", key, f"its checkpoint stands for {said.size} other entries; it has {len(leaves)}"
        )


def compare(
    objects: Objects,
    log: Log,
    seen: Examination,
    since: int = 0,
    erased: dict[str, str] | None = None,
    removed: Collection[str] = (),
) -> None:
    """Every sealed object is there with its size and hash, every other object is named; `since` is the last
    block whose objects are not hashed again. `erased` (key -> hash) and `removed` are what erasures left.
    """
    sizes = objects.sizes()
    entries = _unique(log.entries, seen)
    missing = [k for k in entries if k not in sizes]
    needed = needed_files(objects, sizes, missing)
    for key in missing:
        if needed(key) and key not in removed:
            seen.add("object.missing", key, "it is sealed and gone")
    again = {e.key for b in log.blocks if b.number > since for e in b.entries}
    there = [e for e in entries.values() if e.key in sizes and e.key in again]
    _judge_content(
        objects, [replace(e, sha256=(erased or {}).get(e.key, e.sha256)) for e in there], sizes, seen
    )
    unsealed = [k for k in sizes if is_sealed(k) and k not in entries]
    for key in unsealed:
        seen.add("object.unsealed", key, "nobody has answered for it yet; seal it when its writer is known")
    if unsealed:
        what = f"{len(unsealed)} objects came after the last seal, or later seals are gone"
        seen.add("seal.tail", "seals/", what, "compare with a checkpoint that was kept outside")
    for key in sizes:
        seen.looked_at[f"objects {key.split('/')[0]}"] += 1


def _unique(entries: Iterable[Entry], seen: Examination) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        if found.setdefault(entry.key, entry) != entry:
            seen.add("seal.twice", entry.key, "it is sealed twice with different content")
    return found


def _judge_content(objects: Objects, entries: list[Entry], sizes: dict[str, int], seen: Examination) -> None:
    for entry, (_, sha256) in zip(entries, hashes(objects, [e.key for e in entries]), strict=True):
        seen.looked_at["objects hashed"] += 1
        if sha256 is None:
            seen.add("object.unreadable", entry.key, "it is listed and cannot be read")
        elif sha256 != entry.sha256:
            sizes_told = f"{entry.size} bytes sealed, {sizes[entry.key]} now"
            seen.add("object.changed", entry.key, f"its bytes are not those that were sealed ({sizes_told})")


def consistent(log: Log, note: str, public: str, seen: Examination) -> None:
    """Whether the log continues what an older checkpoint stands for; else where it first differs."""
    try:
        said = read_checkpoint(note, public)
    except LakeError as error:
        seen.add(error.rule, "checkpoint", error.what)
        return
    entries = log.entries
    seen.looked_at["entries under the checkpoint"] += said.size
    if said.size > len(entries):
        last = entries[-1].key if entries else "nothing"
        seen.add("seal.cut", "seals/", f"{len(entries)} entries of {said.size} are left", f"after {last}")
    elif tree_hash([e.leaf for e in entries[: said.size]]) != said.root:
        block = _block_of(log, said.size)
        seen.add("seal.rewritten", block, f"the first {said.size} entries are not those of the checkpoint")


def _block_of(log: Log, size: int) -> str:
    count = 0
    for block in log.blocks:
        count += len(block.entries)
        if count >= size:
            return seal_key(block.number)
    return "seals/"
