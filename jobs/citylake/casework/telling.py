"""What a department is still to be told of its batches: found from what is written, so that a run that broke
off leaves nothing untold.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from citylake.casework.cases import settle
from citylake.casework.notice import notify
from citylake.casework.samples import quarantined
from citylake.contract.model import Contract
from citylake.core.names import case_chain, notice_key
from citylake.core.settings import Settings
from citylake.ledger.batches import ADMITTED, FAILED, HELD, batch_state
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event, events, find
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.storage.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def tell(settings: Settings, store: Store, contract: Contract, spark: Callable[[], SparkSession]) -> None:
    """Write down what amendments resolved, and every notice that is owed; what went wrong with one batch
    keeps no other from being told, and is raised after that.
    """
    known = events(store, contract.id)
    wrong: list[Exception] = []
    for receipt, state in _owed(store, contract, known):
        try:
            held = find(known, "refined", receipt.number) if state == HELD else None
            if state == ADMITTED:
                settle(settings, store, contract, receipt)
            notify(
                settings,
                store,
                contract,
                receipt,
                partial(_refused, settings, store, contract, spark, receipt, held),
            )
        except Exception as error:  # told when all others are
            wrong.append(error)
    if wrong:
        raise wrong[0]


def _owed(store: Store, contract: Contract, known: Chain) -> list[tuple[Receipt, str]]:
    """Batches with something to say that is not written yet."""
    states = [
        (r, batch_state(r, known)) for r in dataset_receipts(store, contract.id) if r.outcome == "accepted"
    ]
    due = [(r, s) for r, s in states if s in (HELD, FAILED) or (s == ADMITTED and _has_to_say(r, known))]
    if not due:
        return []
    written = set(store.list(f"notices/{contract.department}/"))
    replayed = {e.batch for e in events(store, case_chain(contract.id)) if e.event == "replayed"}
    return [
        (r, s)
        for r, s in due
        if notice_key(contract.department, r.number, "en.html") not in written
        or (s == ADMITTED and r.corrects and r.number not in replayed)
    ]


def _has_to_say(receipt: Receipt, known: Chain) -> bool:
    refined = find(known, "refined", receipt.number)
    counts = refined.facts["counts"] if refined else {}
    return bool(receipt.corrects or counts.get("quarantined") or counts.get("stale"))


def _refused(
    settings: Settings,
    store: Store,
    contract: Contract,
    spark: Callable[[], SparkSession],
    receipt: Receipt,
    held: Event | None,
) -> list[dict[str, Any]]:
    """The refused rows of a batch: in quarantine, or, while its gate holds it, in the stage that the event
    `held` names.
    """
    from citylake.refine.admit import refused_rows
    from citylake.refine.staged import stage_of

    if held is None:
        return quarantined(settings, contract, receipt)
    return refused_rows(spark(), stage_of(settings, store, contract, receipt, held))
