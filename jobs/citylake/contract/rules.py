"""The conditions on rows that a contract writes under `quality`: what they say, which columns they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
        spoken_of(sql, columns),
    )


def spoken_of(
    sql: str, columns: tuple[Column, ...], other_names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The columns that a condition names, in its order; what an identifier states stands for it.

    `other_names`: a name that the condition may use -> the column.
    """
    names = {**(other_names or {}), **{c.name: c.name for c in columns}}
    names |= {
        f"{c.name}_{fact}": c.name for c in columns if c.type.personal == "resident_id" for fact in FACTS
    }
    words = _WORD.findall(_LITERAL.sub("", sql))
    return tuple(dict.fromkeys(names[w] for w in words if w in names))
