"""The contract that a delivery was received under, kept for good: its landed bytes are read by it, whatever
the contract says today.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from pydantic import TypeAdapter

from citylake.contract.model import Contract
from citylake.core import formats
from citylake.core.names import contract_key
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import find
from citylake.ledger.receipts import Receipt
from citylake.storage.store import Store


@lru_cache(maxsize=1)
def _form() -> TypeAdapter[Contract]:
    return TypeAdapter(Contract)


def keep(store: Store, contract: Contract) -> str:
    """Write down a contract with the types of its columns, once; the SHA-256 of that text is its name."""
    told = formats.numbered("contract", _form().dump_python(contract, mode="json"))
    body = json.dumps(told, ensure_ascii=False, indent=1).encode()
    sha256 = hashlib.sha256(body).hexdigest()
    store.create(contract_key(contract.id, sha256), body)
    return sha256


def of_receipt(store: Store, today: Contract, known: Chain, receipt: Receipt) -> Contract:
    """The contract that a delivery was received under; today's where older code kept none.

    `known` is the chain of the dataset.
    """
    received = find(known, "received", receipt.number)
    sha256 = received.facts.get("contract") if received else None
    if sha256 is None:
        return today
    kept = formats.read("contract", store.get_created(contract_key(today.id, sha256)))
    return _form().validate_python(kept)
