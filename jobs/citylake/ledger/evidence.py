"""Evidence: what happened, in chains in which every event holds the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from citylake.core import formats
from citylake.core.names import evidence_key
from citylake.ledger.chain import Chain
from citylake.storage.remembered import Entry
from citylake.storage.store import Store

GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """One link of a chain (a dataset, a mart table or `release`)."""

    chain: str
    number: int
    previous: str  # sha256 of the previous event's bytes
    event: str  # of a batch as `ledger.batches` names them; built, restated, released
    batch: int | None  # receipt number; None for marts and releases
    at: str
    facts: dict[str, Any]
    sha256: str


_CHAINS: WeakKeyDictionary[Store, dict[str, tuple[list[Entry], Chain]]] = WeakKeyDictionary()


def events(store: Store, chain: str) -> Chain:
    """All events of a chain in order; what this process read before is not read again."""
    log, held = store.log(f"evidence/{chain}/"), _CHAINS.setdefault(store, {})
    seen, known = held.get(chain, (log, Chain()))
    known = known if seen is log else Chain()
    if len(log) > len(known):
        known = known.followed_by([_read(entry.body) for entry in log[len(known) :]])
    held[chain] = log, known
    return known


def append(store: Store, chain: str, event: str, batch: int | None, facts: dict[str, Any]) -> Event:
    """Add an event; one that the chain already holds for this batch is returned as it stands."""
    while True:
        known = events(store, chain)
        held = known.last(event, batch) if batch is not None else None
        if held is not None:
            return held
        body = _body(chain, len(known) + 1, known[-1].sha256 if known else GENESIS, event, batch, facts)
        if store.create(evidence_key(chain, len(known) + 1), body):
            return _read(body)


def broken_links(store: Store, chain: str) -> list[str]:
    """What is wrong with a chain: gaps, changed events, wrong order; empty when it is whole. Nothing
    remembered is trusted.
    """
    found: list[str] = []
    previous = GENESIS
    keys = sorted(store.list(f"evidence/{chain}/"))
    for position, event in enumerate((_read(store.get(key)) for key in keys), start=1):
        if event.number != position:
            found.append(f"{chain}: event {position} is missing")
        if event.previous != previous:
            found.append(f"{chain}: event {event.number} does not follow the event before it")
        previous = event.sha256
    return found


def find(known: Chain, event: str, batch: int | None) -> Event | None:
    """The last event of that name for a batch."""
    return known.last(event, batch)


def _body(
    chain: str, number: int, previous: str, event: str, batch: int | None, facts: dict[str, Any]
) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    raw = {
        "chain": chain,
        "number": number,
        "previous": previous,
        "event": event,
        "batch": batch,
        "at": at,
        "facts": facts,
    }
    numbered = formats.numbered("event", raw)
    return json.dumps(numbered, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _read(body: bytes) -> Event:
    return Event(**formats.read("event", body), sha256=hashlib.sha256(body).hexdigest())
