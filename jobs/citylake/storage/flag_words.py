"""Flags as an older lake stored them: bits of a BIGINT, by the position of the rule in its contract."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from citylake.storage.columns import FLAGS, RECEIPT

_BITS = 62  # flags in one BIGINT; further ones lay in `_flags_2` and so on
_FLAG_WORD = re.compile(rf"{FLAGS}(_\d+)?")

FlagBits = Mapping[int, tuple[str, ...]]  # receipt -> rule ids by the bit at which an older lake stored them


def flag_words(columns: Iterable[str]) -> list[str]:
    """Those of a table's columns that hold flags."""
    return [n for n in columns if _FLAG_WORD.fullmatch(n)]


def flags_of_bits(words: list[str], bits: FlagBits) -> str:
    """SQL: the rule ids behind the bits of a row, by the rules of the batch that brought it."""
    batches: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for receipt, ids in bits.items():
        batches[ids].append(receipt)
    cases = "".join(
        f" WHEN {RECEIPT} IN ({', '.join(map(str, sorted(receipts)))}) THEN {_ids_of_bits(words, ids)}"
        for ids, receipts in batches.items()
    )
    rest = _ids_of_bits(words, ())
    return f"CASE{cases} ELSE {rest} END" if cases else rest


def unexplained(bit: int) -> str:
    """The name of a flag of which no list tells the rule."""
    return f"legacy.flag_{bit}"


def _ids_of_bits(words: list[str], ids: tuple[str, ...]) -> str:
    cases: list[str] = []
    for n, word in enumerate(sorted(words, key=lambda w: (len(w), w))):
        for i in range(_BITS):
            at = n * _BITS + i
            name = ids[at] if at < len(ids) else unexplained(at)
            cases.append(f"CASE WHEN ({word} & {1 << i}L) <> 0 THEN '{name}' END")
    return f"array_compact(array({', '.join(cases)}))"
