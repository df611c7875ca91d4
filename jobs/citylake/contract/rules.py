"""The conditions on rows that a contract writes under `quality`: what they say, which columns they name."""

from __future__ import annotations

import re
from typing import Any

from citylake.contract.model import Column, RowRule
from citylake.contract.texts import both

FACTS = {
    "form": "short_text",
    "birth_date": "birth_date",
    "sex_code": "short_text",
    "division_code": "short_text",
}
"""What the decoder states about a resident identifier -> its semantic type."""
_LITERAL, _WORD = re.compile(r"'[^']*'"), re.compile(r"\w+")


def row_rule(table: str, raw: dict[str, Any], columns: tuple[Column, ...]) -> RowRule:
    """One condition of a table with these columns."""
    sql = " ".join(raw["implementation"].split())
    return RowRule(
        f"{table}.{raw['id']}",
        sql,
        raw["severity"],
        raw["dimension"],
        both(raw.get("description", raw["id"].replace("_", " "))),
        _spoken_of(sql, columns),
    )


def _spoken_of(sql: str, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """The columns that a condition names, in its order; what an identifier states stands for it."""
    names = {c.name: c.name for c in columns}
    names |= {
        f"{c.name}_{fact}": c.name for c in columns if c.type.personal == "resident_id" for fact in FACTS
    }
    words = _WORD.findall(_LITERAL.sub("", sql))
    return tuple(dict.fromkeys(names[w] for w in words if w in names))
