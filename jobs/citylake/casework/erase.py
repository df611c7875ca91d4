"""Erasure of persons: their records go from inbox, landing, bronze, silver, quarantine and stages, and from
every older version of those tables; the evidence says which bytes and why, and no delivery brings them back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import Table, bronze, landing_key, quarantine, silver, stage
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.ingest.erasure import (
    CHAIN,
    Forgetting,
    Gone,
    Span,
    bare_text,
    clear_inbox,
    demand_blankable,
    gone,
    planned,
)
from citylake.ingest.formats.blocks import pieces
from citylake.ledger import contracts as kept
from citylake.ledger.batches import ADMITTED, WITHDRAWN, batch_state
from citylake.ledger.evidence import append, events
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.privacy.numbers import is_identifier
from citylake.privacy.token_keys import load_tokens
from citylake.privacy.tokens import Tokens
from citylake.storage.delta import open_table
from citylake.storage.spark import connect
from citylake.storage.store import Store

if TYPE_CHECKING:
    from deltalake import DeltaTable


@dataclass(frozen=True)
class Hits:
    """The records of erased persons in the landed files of one dataset."""

    contract: Contract
    files: dict[str, list[Span]]  # by the hash of the file as delivered
    forms: dict[str, Contract]  # the contract that each file is read by

    @property
    def records(self) -> int:
        """How many there are."""
        return sum(map(len, self.files.values()))


def marks_of(identifiers: Iterable[str], tokens: Tokens) -> set[str]:
    """The mark of every identifier; LakeError `erase.identifier` names the line of one that is none."""
    found: set[str] = set()
    for line, text in enumerate(identifiers, start=1):
        bare = bare_text(text)
        if text.strip() and (len(bare) not in (15, 18) or not is_identifier(bare)):
            raise LakeError(
                "erase.identifier",
                f"line {line} is no identifier of a person",
                now="give one identifier of 18 or 15 digits per line",
            )
        found |= {tokens.mark(bare)} if bare else set()
    return found


def find(settings: Settings, store: Store, contracts: Mapping[str, Contract], marks: set[str]) -> list[Hits]:
    """Where persons stand in landed files, by dataset. Errors: `erase.waiting`, `erase.format`."""
    tokens = load_tokens(settings, store)
    sought, sent = Gone(marks=frozenset(marks)), [c for c in contracts.values() if c.kind != "mart"]
    found = [_of_dataset(store, c, sought, tokens) for c in sent]
    return [h for h in found if h.files]


def _of_dataset(store: Store, contract: Contract, sought: Gone, tokens: Tokens) -> Hits:
    known, hits = events(store, contract.id), Hits(contract, {}, {})
    for receipt in (r for r in dataset_receipts(store, contract.id) if r.outcome == "accepted"):
        mine = _of_receipt(store, kept.of_receipt(store, contract, known, receipt), receipt, sought, tokens)
        if mine and batch_state(receipt, known) not in (ADMITTED, WITHDRAWN):
            raise LakeError(
                "erase.waiting",
                f"{contract.id} receipt {receipt.number} is neither in silver nor withdrawn",
                now=f"citylake run, or citylake withdraw {contract.id} {receipt.number}; then erase again",
            )
        for sha256, (spans, form) in mine.items():
            hits.files[sha256], hits.forms[sha256] = spans, form
    return hits


def _of_receipt(
    store: Store, contract: Contract, receipt: Receipt, sought: Gone, tokens: Tokens
) -> dict[str, tuple[list[Span], Contract]]:
    found: dict[str, tuple[list[Span], Contract]] = {}
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        for file in receipt.files:
            path, form = Path(folder) / file.sha256, contract.of_file(file.name, receipt.corrects)
            store.download(landing_key(contract.id, file.sha256), path)
            seeking = Forgetting(sought, tokens)
            with open_file(path, form) as decoder:
                for piece in pieces(decoder):
                    seeking.keep(file.sha256, path, form, piece)
            if seeking.named:
                found[file.sha256] = (seeking.named[file.sha256], form)
                demand_blankable(form, f"receipt {receipt.number}")
    return found


def erase(
    settings: Settings,
    store: Store,
    contracts: Mapping[str, Contract],
    hits: list[Hits],
    marks: set[str],
    by: str,
    reason: str,
) -> dict[str, list[str]]:
    """Erase what `find` found; the removed objects by dataset. After it broke off it may run again: it goes
    through the tables of every dataset that an erasure was ever written down for.
    """
    plans = [planned(store, h.forms[sha], sha, spans) for h in hits for sha, spans in h.files.items()]
    facts = {"by": by, "reason": reason, "subjects": sorted(marks), "files": [f for f, _ in plans]}
    append(store, CHAIN, "erased", None, facts)
    for file, body in plans:
        store.put(file["key"], body)
    keys = [f["key"] for e in events(store, CHAIN) for f in e.facts.get("files", ())]
    datasets = sorted({k.split("/", 1)[1].rsplit("/", 1)[0] for k in keys})
    return {d: _from_tables(settings, store, contracts[d]) for d in datasets}


def _from_tables(settings: Settings, store: Store, contract: Contract) -> list[str]:
    rows, dataset = gone(store).rows, contract.id
    removed = clear_inbox(store, contract, set(rows))
    for key in list(store.list(f"{stage(dataset).key}/")):
        store.delete(key)
    where = " OR ".join(
        f"(_file_id = '{sha256}' AND _row_no IN ({', '.join(map(str, sorted(numbers)))}))"
        for sha256, numbers in sorted(rows.items())
        if store.exists(landing_key(dataset, sha256))
    )
    for table in (bronze(dataset), silver(dataset), quarantine(dataset)):
        opened = open_table(settings, table)
        if opened is not None and where:
            removed += _without(settings, store, table, opened, where)
    return removed


def _without(settings: Settings, store: Store, table: Table, opened: DeltaTable, where: str) -> list[str]:
    """Delete rows, and every file that only older versions have, whoever pins them. Spark deletes: what
    delta-rs writes then has texts as views, which pyarrow cannot filter by.
    """
    connect(settings).sql(f"DELETE FROM {table.sql(settings.lake)} WHERE {where}").collect()
    opened.update_incremental()
    files = opened.vacuum(0, dry_run=True, enforce_retention_duration=False, full=True)
    keys = [f"{table.key}/{name}" for name in files]
    if keys:
        append(store, CHAIN, "removed", None, {"removed": sorted(keys)})
        opened.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    return keys
