"""A source is bound to departments: what it offers for another one is never brought, and is told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass

from citylake.core.errors import LakeError
from citylake.ingest.sources.address import Address
from citylake.ingest.sources.source import Found, Source
from citylake.ledger.evidence import append, events
from citylake.privacy.masking import without_persons
from citylake.storage.store import Store

OPTION, EVERY = "departments", "*"
CHAIN = "sources"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Foreign:
    """A delivery that a source offered for a department that it is not bound to."""

    source: str
    dataset: str
    delivery: str
    manifest: str  # its SHA-256


class Bound:
    """A source and the departments that it may deliver for; `foreign` is what it offered beside."""

    def __init__(self, source: Source, place: str, departments: frozenset[str] | None) -> None:
        """`departments`: None for every department."""
        self._source, self._place, self._departments = source, place, departments
        self.foreign: list[Foreign] = []

    def deliveries(self) -> Generator[Found, None, None]:
        """The deliveries of the bound departments."""
        self.foreign = []
        with closing(self._source.deliveries()) as offered:
            for found in offered:
                if self._is_bound(found):
                    yield found
                else:
                    told = without_persons(found.dataset), without_persons(found.delivery)
                    digest = hashlib.sha256(found.manifest).hexdigest()
                    self.foreign.append(Foreign(self._place, *told, digest))

    def _is_bound(self, found: Found) -> bool:
        department, _, dataset = found.dataset.partition("/")
        plain = _NAME.fullmatch(department) and _NAME.fullmatch(dataset) and found.delivery not in (".", "..")
        return bool(plain) and (self._departments is None or department in self._departments)


def departments_of(address: Address, required: str | None) -> frozenset[str] | None:
    """The departments that an address is bound to: those of its option, and of them the required one.

    LakeError `source.unbound` when it names none, or not the required one.
    """
    declared = frozenset(
        d.strip() for d in address.options.get(OPTION, required or "").split(",") if d.strip()
    )
    if not declared or (required and not declared & {required, EVERY}):
        raise LakeError(
            "source.unbound",
            f"the source is not bound to {required or 'any department'}",
            where=address.place,
            now=f"say whose deliveries it holds: #{OPTION}={required or 'civil_affairs'} behind its address",
        )
    if required:
        return frozenset({required})
    return None if EVERY in declared else declared


def tell_foreign(store: Store, source: Bound) -> list[str]:
    """Write down once what a source offered for others; a line for each of it."""
    known = [e.facts for e in events(store, CHAIN)]
    for foreign in source.foreign:
        if asdict(foreign) not in known:
            append(store, CHAIN, "foreign", None, asdict(foreign))
    return [f"{f.dataset} {f.delivery} at {f.source}" for f in source.foreign]


def refuse_foreign(told: list[str]) -> None:
    """LakeError `source.foreign` when a source offered anything for others; all else was brought."""
    if told:
        raise LakeError(
            "source.foreign",
            "not brought, the source is not bound to this department:\n" + "\n".join(told),
            now="ask who put it there; a source that may deliver for it names it among its departments",
        )
