"""What a flag meant that older code stored as a bit. The evidence of each batch names the rules that judged
it, so a bit is read by the rules of its own batch, whatever came after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Any

from citylake.compile.select import compile_contract
from citylake.contract.model import Contract
from citylake.core.settings import Settings
from citylake.ledger.evidence import events
from citylake.storage.flag_words import FlagBits, unexplained
from citylake.storage.store import open_store

_COUNT = "rule:"  # how the counts of a batch name a rule


def flag_bits(settings: Settings, contract: Contract) -> FlagBits:
    """Receipt -> rule ids by bit, for the batches that the chain of a dataset tells of."""
    compiled = compile_contract(contract, settings.root)
    today = tuple(r.id for r in compiled.flags)
    known = {r.id for r in (*compiled.verdicts, *compiled.flags)}
    refined = [e for e in events(open_store(settings), contract.id) if e.event == "refined"]
    return {
        e.batch: bits_of(contract.id, e.at, e.facts["counts"], today, known)
        for e in refined
        if e.batch is not None
    }


def bits_of(
    dataset: str, at: str, counts: dict[str, int], today: tuple[str, ...], known: set[str]
) -> tuple[str, ...]:
    """The rule ids by bit of a batch that was judged at that moment (ISO, UTC) with these counts.

    The rules that it was judged by tell which list of flags was in force; none is older than its writing.
    Where two lists fit, a bit means the one rule of the two that was broken; where that is not one, the bit
    keeps its number. A contract of which no list is kept has the flags of `today` that were counted, when
    all counted rules are `known`.
    """
    rules = {n.removeprefix(_COUNT): c for n, c in counts.items() if n.startswith(_COUNT)}
    lists = [
        tuple(e["flags"])
        for e in _editions().get(dataset, ())
        if rules_digest(rules) in e["rules"] and e["since"] <= at
    ]
    if not lists and rules.keys() <= known:
        lists = [tuple(f for f in today if f in rules)]
    length = max((len(flags) for flags in lists), default=0)
    return tuple(
        _meaning(i, {flags[i] for flags in lists if i < len(flags) and rules[flags[i]]})
        for i in range(length)
    )


def _meaning(bit: int, broken: set[str]) -> str:
    return broken.pop() if len(broken) == 1 else unexplained(bit)


def rules_digest(rules: Iterable[str]) -> str:
    """Which set of rules that is, as 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(sorted(rules)).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _editions() -> dict[str, list[dict[str, Any]]]:
    """Dataset -> the lists of flags that it had while they were bits, each with the sets of rules that it
    stood in.
    """
    return json.loads((resources.files("citylake.refine") / "flag_bits.json").read_text("utf-8"))
