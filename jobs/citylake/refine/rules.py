"""The rules that judged a batch, kept for good: a stored rule id leads to its text, whatever the contract
says today.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from citylake.compile.rules import Rule
from citylake.compile.select import Compiled
from citylake.contract.model import Bilingual
from citylake.core import formats
from citylake.core.names import rules_key
from citylake.ledger.evidence import Event
from citylake.storage.store import Store


def keep(store: Store, compiled: Compiled) -> None:
    """Write down the rules of a contract under their fingerprint, once."""
    store.create(rules_key(compiled.contract.id, compiled.fingerprint), compiled.rules_json())


def as_judged(store: Store, compiled: Compiled, fingerprint: str | None) -> Compiled:
    """A contract whose SELECT judges as it did under that fingerprint; None stands for today's rules."""
    if fingerprint in (None, compiled.fingerprint):
        return compiled
    held = formats.read("rules", store.get_created(rules_key(compiled.contract.id, fingerprint)))
    return replace(compiled, select=held["select"], keys=tuple(held["keys"]))


def judged_by(store: Store, today: Compiled, refined: Event) -> dict[str, Rule]:
    """The rules that judged a batch, by id: a rule that the contract dropped or gave to another column since
    says what it said then. Today's where older code kept none.

    `refined` is the batch's event of that name.
    """
    fingerprint = refined.facts.get("rules")
    if fingerprint in (None, today.fingerprint):
        return {r.id: r for r in (*today.verdicts, *today.flags)}
    return _read(store.get_created(rules_key(today.contract.id, fingerprint)))


@lru_cache(maxsize=256)
def _read(body: bytes) -> dict[str, Rule]:
    held: list[dict[str, Any]] = formats.read("rules", body)["rules"]
    return {r["id"]: _rule(r) for r in held}


def _rule(held: dict[str, Any]) -> Rule:
    told = {name: value for name, value in held.items() if name != "fingerprint"}
    return Rule(**{**told, "meaning": Bilingual(**told["meaning"])})
