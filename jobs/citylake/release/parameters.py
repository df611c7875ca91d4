"""Parameters of a query, `:name`: the values stand in its text as literals, since Spark Connect leaves named
arguments unbound when a query is asked for its first rows (4.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Texts, quoted names and comments, in which a colon means nothing; then a cast, then a parameter.
_TOKENS = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|::|(?<!\w):(?P<name>[a-zA-Z_]\w*)",
    re.DOTALL,
)


def named(query: str) -> set[str]:
    """The names that a query leaves open."""
    return {m["name"] for m in _TOKENS.finditer(query) if m["name"]}


def bound(query: str, given: Mapping[str, str]) -> str:
    """The query with the text that was given in the place of each name; other names stay open."""

    def literal(found: re.Match[str]) -> str:
        name = found["name"]
        return _literal(given[name]) if name in given else found[0]

    return _TOKENS.sub(literal, query)


def _literal(text: str) -> str:
    """A text as a literal of Spark SQL, which can end neither itself nor the line."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\r", "\\r").replace("\n", "\\n")
    return f"'{escaped}'"
