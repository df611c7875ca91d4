"""Steps 4 to 6 of a dataset's batches, one after the other; a batch that can never get through ends alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from citylake.casework.telling import tell
from citylake.compile.select import compile_contract
from citylake.contract.model import Contract
from citylake.core.attempts import Impossible, attempt
from citylake.ingest.bronze import decode
from citylake.ingest.formats.records import Unreadable
from citylake.ledger.batches import ADMITTED, FAILED, REACHED, admitted_receipts, batch_state
from citylake.ledger.evidence import Event, append, events, find
from citylake.ledger.receipts import Receipt, dataset_receipts, replacement
from citylake.pipeline.lake import Lake

if TYPE_CHECKING:
    from citylake.refine.judging import Judged

T = TypeVar("T")
DECODED = REACHED[1]


def decode_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Step 4: append every landed batch to bronze."""
    waiting = _waiting(lake, dataset, REACHED[:1])
    done = [_guarded(lake, lake.contracts[dataset], r, _decode_one) for r in waiting]
    return {"dataset": dataset, "batches": done}


def refine_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Steps 5-6: judge the decoded batches, then refine, gate and admit one after the other, since each
    builds on the last; then tell the department what it is owed.
    """
    contract, waiting = lake.contracts[dataset], _waiting(lake, dataset, REACHED[1:])
    work = partial(_refine_one, _judged_together(lake, contract))
    done = [_guarded(lake, contract, r, work) for r in waiting]
    tell(lake.settings, lake.store, contract, lambda: lake.spark)
    return {"dataset": dataset, "batches": done}


def _waiting(lake: Lake, dataset: str, states: tuple[str, ...]) -> list[Receipt]:
    known = events(lake.store, dataset)
    return [r for r in dataset_receipts(lake.store, dataset) if batch_state(r, known) in states]


class _Hop:
    """Runs the parts of a batch's way and knows at which of them it broke off."""

    def __init__(self, lake: Lake) -> None:
        self._answers, self.name = lake.answers, ""

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        self.name = name
        return attempt(work, self._answers)


def _guarded(
    lake: Lake,
    contract: Contract,
    receipt: Receipt,
    work: Callable[[_Hop, Lake, Contract, Receipt], dict[str, Any]],
) -> dict[str, Any]:
    """Work on one batch. What will never succeed becomes the state of the batch, and the next ones go on;
    what an operator can mend is raised: later batches must not overtake.
    """
    hop = _Hop(lake)
    try:
        return {"receipt": receipt.number, **work(hop, lake, contract, receipt)}
    except Impossible as error:
        facts = {"hop": hop.name, "kind": error.kind, "where": error.where, "findings": _findings(error)}
        append(lake.store, contract.id, FAILED, receipt.number, facts)
        return {"receipt": receipt.number, "passed": False, "failed": hop.name, "why": str(error)}


def _findings(error: Impossible) -> list[dict[str, Any]]:
    """What the readers of formats say themselves; their texts hold no personal value."""
    return [asdict(f) for f in error.error.findings] if isinstance(error.error, Unreadable) else []


def _decode_one(hop: _Hop, lake: Lake, contract: Contract, receipt: Receipt) -> dict[str, Any]:
    return hop("decode", lambda: decode(lake.settings, lake.store, contract, receipt))


def _judged_together(lake: Lake, contract: Contract) -> dict[int, Judged]:
    """The batches that wait, judged in as few passes as their rows allow; where one of them breaks that, each
    is judged alone in its own turn.
    """
    from citylake.refine.judging import judge_batches

    waiting = _waiting(lake, contract.id, (DECODED,))
    if len(waiting) < 2:
        return {}
    compiled = compile_contract(contract, lake.settings.root)
    try:
        found = judge_batches(lake.spark, lake.settings, lake.store, compiled, waiting)
        return {j.receipt.number: j for j in found}
    except Exception:  # whose fault it is shows when each is judged alone
        return {}


def _refine_one(
    judged: dict[int, Judged], hop: _Hop, lake: Lake, contract: Contract, receipt: Receipt
) -> dict[str, Any]:
    from citylake.refine.admit import admit
    from citylake.refine.staged import stage_of

    refined = hop("refine", lambda: _refined(lake, contract, receipt, judged.get(receipt.number)))
    counts = refined.facts["counts"]
    hop("gate", lambda: _gated(lake, contract, receipt, refined))
    passed = batch_state(receipt, events(lake.store, contract.id)) in ("gate", "overruled")
    if passed:
        stage = stage_of(lake.settings, lake.store, contract, receipt, refined)
        hop("admit", lambda: admit(lake.spark, stage, counts))
        append(lake.store, contract.id, ADMITTED, receipt.number, {})
    return {"passed": passed, **{k: v for k, v in counts.items() if not k.startswith("rule:")}}


def _refined(lake: Lake, contract: Contract, receipt: Receipt, judged: Judged | None) -> Event:
    """The refined event; a batch whose gate has spoken is not refined again, silver may already hold it."""
    from citylake.refine.judging import judge_batches
    from citylake.refine.refine import refine
    from citylake.refine.rules import keep

    known = events(lake.store, contract.id)
    held = find(known, "refined", receipt.number)
    if held is not None and find(known, "gate", receipt.number) is not None:
        return held
    admitted = admitted_receipts(lake.store, contract.id)
    compiled = compile_contract(contract, lake.settings.root)
    keep(lake.store, compiled)
    judged = judged or next(judge_batches(lake.spark, lake.settings, lake.store, compiled, [receipt]))
    refined = refine(lake.spark, lake.settings, judged, replacement(receipt, admitted))
    return append(lake.store, contract.id, "refined", receipt.number, asdict(refined))


def _gated(lake: Lake, contract: Contract, receipt: Receipt, refined: Event) -> Event:
    from citylake.quality.batch import judge_batch

    known = events(lake.store, contract.id)
    held = find(known, "gate", receipt.number)
    if held is not None:
        return held
    decoded = find(known, "decoded", receipt.number)
    rows = decoded.facts["rows"] if decoded else None
    return append(
        lake.store,
        contract.id,
        "gate",
        receipt.number,
        judge_batch(lake.settings.root, contract, rows, refined.facts),
    )
