"""Columns that a contract computes from others: they read the cleaned text of cells, and a reader inside that
finds nothing in a text that is there is told apart from a text that is missing. No Spark import.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from citylake.contract.model import Column

if TYPE_CHECKING:
    from sqlglot.expressions.core import Expr

STEP = re.compile(r"\{(\w+)\(([^{}]*)\)\}")
_LITERAL, _WORD = re.compile(r"'(?:[^'\\]|\\.)*'"), re.compile(r"[A-Za-z_]\w*")
# Functions that answer NULL for a text that they cannot read, beside all `try_…`.
_READERS = frozenset({"from_json", "from_csv", "from_xml"})
# Functions that answer an empty text where their pattern is not found.
_PICKERS = frozenset({"regexp_extract", "regexp_substr"})
# Functions whose NULL or error is no unread text: the element or the divisor is not there.
_LOOKUPS = frozenset({"try_element_at", "try_divide", "try_mod"})
_RAISING = re.compile(
    r"(?<!as\s)\b(to_date|to_timestamp|to_timestamp_ntz|to_timestamp_ltz|to_number|make_date|make_timestamp|date|timestamp"
    r"|int|bigint|double|float|decimal|boolean|unix_timestamp|to_unix_timestamp|parse_json|cast)\s*\(",
    re.IGNORECASE,
)


def is_copy(column: Column) -> bool:
    """Whether a derived column takes over one cell as delivered; its own type cleans it."""
    return bool(column.derived and _WORD.fullmatch(column.derived))


def sources(computed: tuple[Column, ...], columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The delivered columns that computed columns name."""
    named = {w for c in computed for w in words(c.derived or "")}
    return tuple(c for c in columns if c.delivered and c.type.personal == "none" and c.name in named)


def words(sql: str) -> set[str]:
    """Everything in an expression that may be a column's name."""
    return set(_WORD.findall(_LITERAL.sub("''", sql)))


def faults(logic: str) -> Iterator[str]:
    """What is wrong with an expression as a contract writes it, its steps unfilled."""
    sql = _without_steps(logic)
    found = _RAISING.search(_LITERAL.sub("''", sql))
    if found:
        yield f"{found[1]}() ends the batch for one text that it cannot read: write its try_ form"
    try:
        unread(sql)
    except ValueError as error:
        yield str(error)


def _without_steps(logic: str) -> str:
    """A step changes no structure: its place is taken by what it is given."""
    found = STEP.sub(r"(\2)", logic.replace("{{", "").replace("}}", ""))
    return found if found == logic.replace("{{", "").replace("}}", "") else _without_steps(found)


@lru_cache(maxsize=512)
def unread(sql: str) -> str:
    """SQL boolean: the expression is NULL because a reader on the way that was taken could not read a text
    that is there; "" when it has no reader. ValueError for what cannot be parsed or told.
    """
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError

    try:
        failed = _failed(parse_one(sql, read="spark"))
    except SqlglotError as error:
        raise ValueError(f"no SQL expression: {str(error).splitlines()[0]}") from None
    return f"(({sql}) IS NULL AND coalesce({failed}, false))" if failed else ""


def _failed(node: Expr | None) -> str:
    from sqlglot import exp

    if node is None:
        return ""
    match node:
        case exp.Lambda():
            if _any(_failed(child) for child in node.iter_expressions()):
                raise ValueError("a reader inside a lambda cannot say what it could not read")
            return ""
        case exp.Case():
            return _case(node)
        case exp.If():
            told = [_failed(node.args.get(k)) for k in ("this", "true", "false")]
            ways = f"CASE WHEN {_sql(node.this)} THEN {told[1] or 'false'} ELSE {told[2] or 'false'} END"
            return _any([told[0], ways if told[1] or told[2] else ""])
        case exp.Coalesce():
            inner = _any(_failed(child) for child in node.iter_expressions())
            return f"({_sql(node)} IS NULL AND {inner})" if inner else ""
        case _:
            return _any([_reader(node), *(_failed(child) for child in node.iter_expressions())])


def _case(node: Expr) -> str:
    """The branch that was taken; a value that none of the listed ones equals was not read either."""
    of, default = node.this, node.args.get("default")
    parts = [(_sql(w.this), _failed(w.args.get("true"))) for w in node.args["ifs"]]
    last = _failed(default) if default is not None else (f"{_sql(of)} IS NOT NULL" if of else "")
    asked = [_failed(w.this) for w in node.args["ifs"]] + [_failed(of)]
    whens = " ".join(f"WHEN {condition} THEN {told or 'false'}" for condition, told in parts)
    ways = f"CASE {_sql(of) + ' ' if of else ''}{whens} ELSE {last or 'false'} END"
    return _any([*asked, ways if last or any(told for _, told in parts) else ""])


def _reader(node: Expr) -> str:
    from sqlglot import exp

    first = next(node.iter_expressions(), None)
    if first is None or not isinstance(node, (exp.Func, exp.Cast)):
        return ""
    whole, name = _sql(node), _name(node)
    if name in _PICKERS:
        return f"({_sql(first)} IS NOT NULL AND coalesce({whole}, '') = '')"
    reads = name in _READERS or (name.startswith("try_") and name not in _LOOKUPS)
    return f"({_sql(first)} IS NOT NULL AND {whole} IS NULL)" if reads else ""


def _name(node: Expr) -> str:
    return _sql(node).partition("(")[0].strip().lower()


def _sql(node: Expr) -> str:
    return node.sql(dialect="spark")


def _any(conditions: list[str] | Iterator[str]) -> str:
    told = [c for c in conditions if c]
    return f"({' OR '.join(told)})" if told else ""
