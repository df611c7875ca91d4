"""The notice to a department after its batch was judged: which records were refused, by rule, and how they
come back.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from citylake.casework.cases import Case, cases
from citylake.casework.samples import Sample, columns_of_rules, samples
from citylake.contract.model import Column, Contract
from citylake.core.names import case_chain, inbox_prefix, notice_key
from citylake.core.settings import Settings
from citylake.ledger.evidence import append, events, find
from citylake.ledger.receipts import Receipt
from citylake.messages.letter import LANGUAGES, render
from citylake.storage.store import Store


def notify(settings: Settings, store: Store, contract: Contract, receipt: Receipt) -> None:
    """Write the notice of a batch with refused records once, and say so in the evidence of its cases."""
    root = settings.root
    mine = [c for c in cases(store, contract, root, date.min) if c.receipt == receipt.number]
    late = _overtaken(store, contract, receipt)
    if not mine and not late:
        return
    content = notice(
        contract,
        receipt,
        mine,
        samples(settings, contract, receipt, root),
        columns_of_rules(contract, root),
        late,
    )
    forms = {"json": json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)}
    forms |= {f"{language}.html": render(content, language, "html", "notice") for language in LANGUAGES}
    for form, text in forms.items():
        store.create(notice_key(contract.department, receipt.number, form), text.encode())
    if mine:
        append(store, case_chain(contract.id), "notified", receipt.number, {"cases": [c.id for c in mine]})


def _overtaken(store: Store, contract: Contract, receipt: Receipt) -> int:
    """Accepted records that changed nothing, since silver holds a later word on their keys."""
    refined = find(events(store, contract.id), "refined", receipt.number)
    return int(refined.facts["counts"].get("stale", 0)) if refined else 0


def notice(
    contract: Contract,
    receipt: Receipt,
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
        "overtaken": late,
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
            for c in mine
        ],
    }
