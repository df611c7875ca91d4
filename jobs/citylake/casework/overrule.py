"""A steward overrules a gate: a batch that was held is admitted after all, by name and reason, as long as
nothing was built on its absence.
"""

from __future__ import annotations

from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.ledger.batches import failed_rules, is_held
from citylake.ledger.evidence import Event, append, events, find
from citylake.storage.store import Store


def overrule(store: Store, contract: Contract, number: int, by: str, reason: str) -> Event:
    """Enter the decision; the rules that said no are named in it.

    The batch was compared with silver as it was before its gate: once another one was admitted since, its
    operations are no longer those
    that silver needs, so the department sends it again as a correction.
    """
    known = events(store, contract.id)
    gate, where = find(known, "gate", number), f"{contract.id} receipt {number}"
    if not by.strip() or not reason.strip():
        raise LakeError(
            "gate.overrule", "to overrule a gate takes a name and a reason", where=where, now="give both"
        )
    if gate is None or not is_held(known, number):
        raise LakeError("gate.not_held", f"{where} is not held by its gate", now="citylake status")
    since = [e.batch for e in known if e.event == "admitted" and e.number > gate.number]
    if since:
        told = f"{where}: receipt {since[-1]} was admitted since"
        raise LakeError(
            "gate.overtaken",
            told,
            owner=contract.owner.name,
            now="let the department send it again as a correction",
        )
    return append(
        store, contract.id, "overruled", number, {"by": by, "reason": reason, "rules": failed_rules(gate)}
    )
