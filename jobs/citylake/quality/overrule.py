"""A steward overrules a gate: a batch that was held is admitted after all, by name and reason, as long as nothing was built on its absence."""

from __future__ import annotations

from citylake.contract.model import Contract
from citylake.lake.errors import LakeError
from citylake.lake.store import Store
from citylake.ledger.evidence import Event, append, events, failed_rules, find, is_held


def overrule(store: Store, contract: Contract, number: int, by: str, reason: str) -> Event:
    """Enter the decision; the rules that said no are named in it.

    Silver is built delivery by delivery: once a later batch was admitted this one would be judged against what it never saw, so the
    department sends it again as a correction.
    """
    known = events(store, contract.id)
    gate, where = find(known, "gate", number), f"{contract.id} receipt {number}"
    if gate is None or not is_held(known, number):
        raise LakeError("gate.not_held", f"{where} is not held by its gate", now="citylake status")
    later = [e.batch for e in known if e.event == "admitted" and e.batch is not None and e.batch > number]
    if later:
        told = f"{where}: receipt {later[-1]} was admitted since"
        raise LakeError("gate.overtaken", told, owner=contract.owner.name, now="let the department send it again as a correction")
    return append(store, contract.id, "overruled", number, {"by": by, "reason": reason, "rules": failed_rules(gate)})
