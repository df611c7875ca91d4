"""The notice to a department after its batch was judged: which records were refused, by rule, what keeps the
whole batch out, and how they come back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from citylake.casework.cases import Case, cases
from citylake.casework.samples import Sample, columns_of_rules, samples
from citylake.casework.whole_batch import concerns_whole_batch
from citylake.compile.select import compile_contract
from citylake.contract.model import Column, Contract
from citylake.core.names import case_chain, inbox_prefix, notice_key
from citylake.core.settings import Settings
from citylake.ledger import contracts
from citylake.ledger.batches import batch_state
from citylake.ledger.evidence import append, events, find
from citylake.ledger.receipts import Receipt
from citylake.messages.letter import LANGUAGES, render
from citylake.refine.rules import judged_by
from citylake.storage.store import Store


def notify(
    settings: Settings,
    store: Store,
    contract: Contract,
    receipt: Receipt,
    refused: Callable[[], list[dict[str, Any]]],
) -> None:
    """Write the notice of a batch that has cases once, and say so in the evidence of its cases. `refused`
    reads
    the batch's refused rows, where they stand.
    """
    root = settings.root
    mine = [c for c in cases(store, contract, root, date.min) if c.receipt == receipt.number]
    late = _overtaken(store, contract, receipt)
    if not mine and not late:
        return
    state = batch_state(receipt, events(store, contract.id))
    received = contracts.of_receipt(store, contract, events(store, contract.id), receipt)
    spoken = _spoken(store, received, contract, receipt, root)
    shown = samples(settings, received, receipt, spoken, refused() if _of_rows(mine) else [])
    content = notice(contract, receipt, state, mine, shown, spoken, late)
    forms = {"json": json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)}
    forms |= {f"{language}.html": render(content, language, "html", "notice") for language in LANGUAGES}
    for form, text in forms.items():  # en.html is last: it stands for all
        store.create(notice_key(contract.department, receipt.number, form), text.encode())
    if mine:
        append(store, case_chain(contract.id), "notified", receipt.number, {"cases": [c.id for c in mine]})


def _spoken(
    store: Store, received: Contract, today: Contract, receipt: Receipt, root: Path
) -> dict[str, tuple[Column, ...]]:
    refined = find(events(store, today.id), "refined", receipt.number)
    rules = judged_by(store, compile_contract(today, root), refined) if refined else {}
    return columns_of_rules(received, today, rules.values())


def _of_rows(mine: list[Case]) -> list[Case]:
    return [c for c in mine if not concerns_whole_batch(c.rule)]


def _overtaken(store: Store, contract: Contract, receipt: Receipt) -> int:
    """Accepted records that changed nothing, since silver holds a later word on their keys."""
    refined = find(events(store, contract.id), "refined", receipt.number)
    return int(refined.facts["counts"].get("stale", 0)) if refined else 0


def notice(
    contract: Contract,
    receipt: Receipt,
    state: str,
    mine: list[Case],
    shown: dict[str, tuple[Sample, ...]],
    spoken: dict[str, tuple[Column, ...]],
    late: int = 0,
) -> dict[str, Any]:
    """The notice as plain data: of every rule the count, the columns, up to three masked samples and the way
    back.
    """
    return {
        "number": receipt.label,
        "owner": asdict(contract.owner),
        "dataset": contract.id,
        "title": asdict(contract.title),
        "delivery": receipt.delivery,
        "period": receipt.period,
        "records": receipt.records,
        "state": state,
        "overtaken": late,
        "whole": [
            {"id": c.id, "rule": c.rule, "zh": c.meaning.zh, "en": c.meaning.en}
            for c in mine
            if concerns_whole_batch(c.rule)
        ],
        "deadline": mine[0].deadline if mine else None,
        "resend_to": f"{inbox_prefix(contract.id)}<delivery>/",
        "cases": [
            {
                "id": c.id,
                "rule": c.rule,
                "zh": c.meaning.zh,
                "en": c.meaning.en,
                "rows": c.rows,
                "columns": [x.header(receipt.layout) for x in spoken.get(c.rule, ())],
                "samples": [asdict(x) for x in shown.get(c.rule, ())],
            }
            for c in _of_rows(mine)
        ],
    }
