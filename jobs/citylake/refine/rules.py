"""The rules that judged a batch, kept for good: a stored rule id leads to its text, whatever the contract
says today.
"""

from __future__ import annotations

import json
from dataclasses import replace

from citylake.compile.select import Compiled
from citylake.core.names import rules_key
from citylake.storage.store import Store


def keep(store: Store, compiled: Compiled) -> None:
    """Write down the rules of a contract under their fingerprint, once."""
    store.create(rules_key(compiled.contract.id, compiled.fingerprint), compiled.rules_json())


def as_judged(store: Store, compiled: Compiled, fingerprint: str | None) -> Compiled:
    """A contract whose SELECT judges as it did under that fingerprint; None stands for today's rules."""
    if fingerprint in (None, compiled.fingerprint):
        return compiled
    held = json.loads(store.get_created(rules_key(compiled.contract.id, fingerprint)))
    return replace(compiled, select=held["select"], keys=tuple(held["keys"]))
