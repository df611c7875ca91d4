"""The letter that goes with every receipt: what came, what was decided, why, who does what by when; zh and
en, for people and machines.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from citylake.contract.model import Contract
from citylake.core.calendar import BEIJING, working_days_after
from citylake.core.names import inbox_prefix, letter_key
from citylake.ledger.receipts import Finding, Receipt, dataset_receipts
from citylake.messages.advice import advice
from citylake.storage.store import Store

WORKING_DAYS = 5  # to send a refused delivery again, or to amend quarantined rows
LANGUAGES = ("zh", "en")


def letter(receipt: Receipt, contract: Contract, root: Path) -> dict[str, Any]:
    """The letter as plain data; the same receipt always gives the same letter."""
    return {
        "number": receipt.label,
        "outcome": receipt.outcome,
        "department": contract.department,
        "dataset": contract.id,
        "delivery": receipt.delivery,
        "title": asdict(contract.title),
        "owner": asdict(contract.owner),
        "contract": receipt.contract,
        "period": receipt.period,
        "coverage": receipt.coverage,
        "sent_at": receipt.sent_at,
        "records": receipt.records,
        "repeats": receipt.repeats,
        "corrects": receipt.corrects,
        "replaces": receipt.replaces,
        "attested": receipt.attested,
        "files": [asdict(f) for f in receipt.files],
        "findings": [_finding(f) for f in receipt.findings],
        "deadline": deadline(receipt, root) if receipt.outcome == "refused" else None,
        "working_days": WORKING_DAYS,
        "resend_to": f"{inbox_prefix(contract.id)}<delivery>/",
    }


def _finding(found: Finding) -> dict[str, Any]:
    do = advice(found.rule)
    return {**asdict(found), "do_zh": do.zh, "do_en": do.en}


def deadline(receipt: Receipt, root: Path) -> str | None:
    """The last day to mend: working days after the sending; None when the manifest did not say when that
    was.
    """
    if not receipt.sent_at:
        return None
    sent = datetime.fromisoformat(receipt.sent_at).astimezone(BEIJING).date()
    return working_days_after(root, sent, WORKING_DAYS).isoformat()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("citylake.messages", "letters"),
        autoescape=lambda name: bool(name and ".html" in name),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(content: dict[str, Any], language: str, form: str, kind: str = "letter") -> str:
    """A letter or a `notice` as `html` (printable, offline) or `txt`."""
    zh = language == "zh"
    return (
        _environment()
        .get_template(f"{kind}.{form}.j2")
        .render(l=content, lang=language, t=lambda a, b: a if zh else b)
    )


def write_letters(store: Store, contract: Contract, root: Path) -> None:
    """Write the letters that a dataset's receipts still lack; each is created once and never changed."""
    held = set(store.list(f"letters/{contract.department}/"))
    for receipt in dataset_receipts(store, contract.id):
        if letter_key(contract.department, receipt.number, "en.html") not in held:
            _write(store, contract, receipt, root)


def _write(store: Store, contract: Contract, receipt: Receipt, root: Path) -> None:
    content = letter(receipt, contract, root)
    body = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    forms = {"json": body, **{f"{lang}.html": render(content, lang, "html") for lang in LANGUAGES}}
    for form, text in forms.items():  # en.html is last: it stands for all
        store.create(letter_key(contract.department, receipt.number, form), text.encode())
