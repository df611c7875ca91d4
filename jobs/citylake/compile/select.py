"""Compiles a contract to one Spark SQL SELECT that normalises, casts and judges a batch of bronze. No Spark
import.

Shape of the result: key and value columns typed, lineage columns, `_verdict` and `_flags` (ids of the rules
that the row breaks, errors and warnings; empty for most), `_row_hash` (SHA-256 over the typed columns).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from citylake.compile.rules import Rule, filled, rules_of, unreadable
from citylake.compile.tables import row_hash, silver_columns
from citylake.contract.derived import is_copy, sources
from citylake.contract.model import Column, Contract
from citylake.core import formats

_WORD = 62  # bits used of a BIGINT; the sign bit stays out of play
LINEAGE = (
    "_batch_id",
    "_receipt",
    "_file_id",
    "_row_no",
    "_line_no",
    "_byte_start",
    "_byte_end",
    "_sent_at",
    "_known_at",
    "_period",
)


@dataclass(frozen=True)
class Compiled:
    """The SELECT of a contract and the rules that it applies."""

    contract: Contract
    select: str  # over the relation {bronze}
    verdicts: tuple[Rule, ...]
    flags: tuple[Rule, ...]
    keys: tuple[str, ...]  # as the SELECT names them

    @property
    def clean(self) -> str:
        """SQL: the row broke no rule."""
        return "size(_verdict) = 0"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of `rules_json`: the rules, the way to the typed values and the version of the contract."""
        return hashlib.sha256(self.rules_json()).hexdigest()

    def rules_json(self) -> bytes:
        """The rules as they stand, for whoever reads a stored rule id years later."""
        rules = [{**asdict(r), "fingerprint": r.fingerprint} for r in (*self.verdicts, *self.flags)]
        told = {"dataset": self.contract.id, "version": self.contract.version, "keys": self.keys}
        told["select"] = self.select
        numbered = formats.numbered("rules", {**told, "rules": rules})
        return json.dumps(numbered, ensure_ascii=False, indent=1).encode()


def _words(mask: str, bits: int) -> tuple[str, ...]:
    n = max(1, -(-bits // _WORD))
    return tuple(mask if i == 0 else f"{mask}_{i + 1}" for i in range(n))


def compile_contract(contract: Contract, root: Path) -> Compiled:
    """The whole way from text to judged row as one SELECT; code lists are read from `schemas/codes/`."""
    columns = silver_columns(contract)
    verdicts, flags = rules_of(contract, columns, root)
    blanks = {c.name: [filled(k, c) for k in c.type.checks if k.severity == "blank"] for c in columns}
    select = _select(contract, verdicts, flags, blanks)
    return Compiled(contract, select, tuple(verdicts), tuple(flags), contract.keys)


def _select(contract: Contract, verdicts: list[Rule], flags: list[Rule], blanks: dict[str, list[str]]) -> str:
    columns = silver_columns(contract)
    clean = ", ".join(f"{c.type.normalise.replace('{v}', f'r_{c.name}')} AS v_{c.name}" for c in columns)
    cast = ", ".join(f"{c.type.cast.replace('{v}', f'v_{c.name}')} AS t_{c.name}" for c in columns)
    final = ", ".join(f"{_blanked(c, blanks[c.name])} AS {c.name}" for c in columns)
    names = ", ".join(c.name for c in columns)
    lineage = ", ".join(LINEAGE)
    masks = ", ".join(_masks("m_verdict", verdicts) + _masks("m_flags", flags))
    broken = f"{_broken('m_verdict', verdicts)} AS _verdict, {_broken('m_flags', flags)} AS _flags"
    return f"""SELECT {names}, {lineage}, {broken}, {row_hash(columns)} AS _row_hash
FROM (SELECT *, {masks}
FROM (SELECT *{_taken_over(columns)}, {final}
FROM (SELECT *, {cast}
FROM (SELECT *, {clean}
FROM ({_texts(contract)})))))"""


def _texts(contract: Contract) -> str:
    """The text `r_` of every column: as delivered, or computed from what the cells of others show."""
    columns = silver_columns(contract)
    computed = tuple(c for c in columns if c.derived and not is_copy(c))
    copies = [(c.name, _delivered(c, contract)) for c in columns if c not in computed]
    as_delivered = "".join(f", {text} AS r_{name}" for name, text in copies)
    if not computed:
        return f"SELECT *{as_delivered} FROM {{bronze}}"
    read = sources(computed, contract.columns)
    shown = "".join(f", {c.type.shown.replace('{v}', _delivered(c, contract))} AS {c.name}" for c in read)
    other = f" EXCEPT ({', '.join(c.name for c in read)})" if read else ""
    texts = "".join(f", CAST({c.derived} AS STRING) AS r_{c.name}" for c in computed)
    unread = "".join(f", {sql} AS u_{c.name}" for c in computed if (sql := unreadable(c)))
    return f"""SELECT *{texts}{unread}
FROM (SELECT *{other}{shown}
FROM (SELECT *{as_delivered} FROM {{bronze}}))"""


def _delivered(column: Column, contract: Contract) -> str:
    """SQL: the text of a cell, or of the cell that a column copies; NULL where it stands for no value."""
    name = column.derived or column.name
    behind = next((c for c in contract.columns if c.name == name and c.delivered), column)
    text = name if behind.delivered else f"CAST({name} AS STRING)"
    absent = [m.replace("{v}", text) for m in dict.fromkeys((behind.missing, column.missing)) if m]
    return f"CASE WHEN {' OR '.join(absent)} THEN NULL ELSE {text} END" if absent else text


def _taken_over(columns: tuple[Column, ...]) -> str:
    """Without the bronze columns whose names the typed columns take over (their text stays as `r_`)."""
    derived_new = [c.name for c in columns if c.derived is None or c.name in c.derived_from]
    return f" EXCEPT ({', '.join(derived_new)})" if derived_new else ""


def _blanked(column: Column, conditions: list[str]) -> str:
    if not conditions:
        return f"t_{column.name}"
    sound = " AND ".join(f"coalesce(({c}), true)" for c in conditions)
    return f"CASE WHEN {sound} THEN t_{column.name} END"


def _masks(mask: str, rules: list[Rule]) -> list[str]:
    words = _words(mask, len(rules))
    out: list[str] = []
    for n, word in enumerate(words):
        part = rules[n * _WORD : (n + 1) * _WORD]
        bits = (
            " | ".join(f"CASE WHEN {_guarded(r)} THEN {1 << i}L ELSE 0L END" for i, r in enumerate(part))
            or "0L"
        )
        out.append(f"({bits}) AS {word}")
    return out


def _broken(mask: str, rules: list[Rule]) -> str:
    """SQL: the ids behind the bits; most rows break nothing and build no array."""
    none = " AND ".join(f"{w} = 0" for w in _words(mask, len(rules)))
    cases = ", ".join(
        f"CASE WHEN ({mask if i < _WORD else f'{mask}_{i // _WORD + 1}'} & {1 << (i % _WORD)}L) <> 0"
        f" THEN '{r.id}' END"
        for i, r in enumerate(rules)
    )
    return f"CASE WHEN {none} THEN CAST(array() AS ARRAY<STRING>) ELSE array_compact(array({cases})) END"


def _guarded(rule: Rule) -> str:
    """A record that could not be read breaks only the rule that says so."""
    return rule.broken if rule.id.startswith("record.") else f"_error IS NULL AND {rule.broken}"
