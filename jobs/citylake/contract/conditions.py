"""The Spark SQL that a contract writes over its own columns: row rules, days of validity, views."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from citylake.core.errors import did_you_mean

_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'")
LINEAGE = ("_sent_at", "_known_at", "_period", "_layout", "_coverage")
"""Columns beside the contract's own that a condition may name."""


def condition_faults(sql: str, columns: Collection[str]) -> list[str]:
    """What is wrong with a condition over the columns of a table: it is no expression of Spark SQL, or it
    names a column that is none, with the nearest one that is.
    """
    try:
        named = _columns_of(" ".join(sql.split()))
    except ValueError as error:
        return [str(error)]
    known = {c.lower() for c in (*columns, *LINEAGE)}
    return [
        f"there is no column '{name}'{did_you_mean(name, columns)}"
        for name in named
        if name.lower() not in known
    ]


@lru_cache(maxsize=512)
def _columns_of(sql: str) -> tuple[str, ...]:
    """The columns that an expression names, without the variables of lambdas; ValueError for what is none."""
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    plain = _LITERAL.sub("", sql)
    if plain.count("(") != plain.count(")"):  # sqlglot closes what the text leaves open
        raise ValueError("no SQL expression: not every parenthesis is closed")
    try:
        (whole,) = parse(sql, read="spark")
    except SqlglotError as error:
        raise ValueError(f"no SQL expression: {str(error).splitlines()[0]}") from None
    except ValueError:
        raise ValueError("no SQL expression: several statements") from None
    if not isinstance(whole, exp.Condition):
        raise ValueError("no SQL expression: a statement is none")
    if whole.find(exp.Query):
        raise ValueError("no SQL expression over one row: it holds a query of its own")
    if whole.find(exp.AggFunc, exp.Window):
        raise ValueError("no SQL expression over one row: it adds up rows")
    bound = {v.name for one in whole.find_all(exp.Lambda) for v in one.expressions}
    roots = (c.parts[0].name for c in whole.find_all(exp.Column))
    return tuple(dict.fromkeys(r for r in roots if r not in bound))
