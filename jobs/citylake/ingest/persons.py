"""Takes persons out of the records of a file while they are decoded: behind landing no text holds an
identifier, a telephone number, a bank card or the name of a natural person in clear, in whatever column
it came.

In prose a label stands in its place. Elsewhere, and in keys, it is a keyed token, the same for the same
person, so that records stay apart and columns that name the same thing still meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from citylake.contract.meaning import shown, tidy
from citylake.contract.model import Column, Contract
from citylake.privacy.names import is_body, is_name, is_name_alone
from citylake.privacy.numbers import kind_of
from citylake.privacy.scrub import PATTERN, Hide, label, scrub, scrub_json, spelled_out
from citylake.privacy.tokens import TOKEN, Tokens, is_organisation_code

PROSE = frozenset({"text", "long_text", "short_text", "address", "json_text", "raw_text"})
"""Types of what is written for people: a label says there what was taken out."""
ORGANISATION_CODES = frozenset({"uscc", "taxpayer_no", "registration_no", "org_code"})
_ORGANISATIONS = ("organisation_name", "authority_name")
_SHORTEST = 9  # bytes of a text in which anything can be found: three Chinese characters
_ALONE = 24  # bytes of the longest value that is looked at as a name alone
_ELEVEN_DIGITS = 10**10
_OLD = 15  # digits of an identifier before 1999
_FORM = re.compile(r"\{v\} RLIKE '([^']*)'")  # how a type writes down the form of its codes
_NATURAL = "自然人"  # how the layouts of dual publicity begin the kind of a counterpart that is a person


class Persons:
    """What is known of the columns of one file; `clean` goes over its records."""

    def __init__(self, contract: Contract, names: Iterable[str], tokens: Tokens) -> None:
        """`names`: the columns in the decoder's order."""
        self._contract, self._tokens = contract, tokens
        self._columns = [contract.column(n) for n in names]

    def clean(self, texts: list[pa.Array]) -> tuple[list[pa.Array], list[str | None]]:
        """The columns without persons, and of every record the columns that held one, with commas (NULL for
        none). Columns of a personal type are left to their own rule.
        """
        masked: dict[int, list[str]] = {}
        natural = {i: self._natural(texts, i) for i, c in enumerate(self._columns) if _names_organisation(c)}
        known = self._known(texts, natural)
        out: list[pa.Array] = []
        for i, column in enumerate(self._columns):
            rows = [] if column.type.personal != "none" else self._rows(column, texts, i, natural, known)
            new = {
                r: self._cleaned(column, texts[i][r].as_py(), known.get(r, ()), r in natural.get(i, ()))
                for r in rows
            }
            changed = {r: v for r, v in new.items() if v is not None}
            for row in changed:
                masked.setdefault(row, []).append(column.name)
            out.append(_with(texts[i], changed))
        n = len(texts[0]) if texts else 0
        return out, [",".join(masked[r]) if r in masked else None for r in range(n)]

    def _rows(
        self,
        column: Column,
        texts: list[pa.Array],
        at: int,
        natural: dict[int, set[int]],
        known: dict[int, tuple[str, ...]],
    ) -> list[int]:
        """The records whose value in a column has to be looked at."""
        found = set(natural.get(at, ())) | (set(known) if _prose(column) else set())
        sizes = pc.binary_length(texts[at])  # pyright: ignore[reportAttributeAccessIssue]
        if (pc.max(sizes).as_py() or 0) >= _SHORTEST:  # pyright: ignore[reportAttributeAccessIssue]
            found |= _true(pc.match_substring_regex(texts[at], PATTERN))  # pyright: ignore[reportAttributeAccessIssue]
            if _prose(column):
                found |= _true(pc.less_equal(sizes, _ALONE))  # pyright: ignore[reportAttributeAccessIssue]
        return sorted(found)

    def _cleaned(self, column: Column, text: str | None, known: tuple[str, ...], natural: bool) -> str | None:
        """The value as it may be kept; NULL when nothing is taken out of it."""
        if not text:
            return None
        if natural:
            return self._token("name", text)
        if column.type.name in ORGANISATION_CODES and self._is_code(text):
            return None
        hide = self._hide(column)
        plain = shown(spelled_out(text))
        if _prose(column) and is_name_alone(plain):
            return hide("name", text)
        if _is_of_its_type(column, plain):
            return None
        if _names_organisation(column) and is_body(plain):
            clean = scrub(text, hide, names=False)
            return None if clean == text else clean
        whole = scrub_json if column.type.name == "json_text" or text.lstrip()[:1] in ("{", "[") else scrub
        clean = whole(text, hide, known if _prose(column) else ())
        return None if clean == text else clean

    def _is_code(self, text: str) -> bool:
        """Whether it is an organisation's code, or one with a person's identifier: that has a rule."""
        return is_organisation_code(_bare(text)) or self._tokens.organisation_code(text) != text

    def _hide(self, column: Column) -> Hide:
        return label if _prose(column) and column.name not in self._contract.keys else self._token

    def _token(self, kind: str, text: str) -> str:
        """The token of a person's number or name, in capitals as codes are normalised."""
        if kind == "identifier":
            whole, shop = _bare(text)[:18], _bare(text)[18:]
            return f"{TOKEN}{(self._tokens.resident(whole).token or '').upper()}{shop}"
        told = _bare(text)[-11:] if kind == "telephone" else _bare(text)
        return TOKEN + self._tokens.token(told).upper()

    def _natural(self, texts: list[pa.Array], at: int) -> set[int]:
        """Records whose organisation is a natural person: its kind says so, an identifier of a person and no
        code of an organisation is given, or its name has the form of a person's.
        """
        short = _true(pc.less_equal(pc.binary_length(texts[at]), _ALONE))  # pyright: ignore[reportAttributeAccessIssue]
        found = {r for r in short if is_name(tidy(texts[at][r].as_py()))}
        stem = self._columns[at].name.rpartition("_")[0]
        mine = {c.name: i for i, c in enumerate(self._columns) if stem and c.name.startswith(f"{stem}_")}
        person = next((i for n, i in mine.items() if self._columns[i].type.personal == "resident_id"), None)
        if (kind := mine.get(f"{stem}_kind")) is not None:
            found |= _true(pc.starts_with(pc.utf8_trim_whitespace(texts[kind]), _NATURAL))  # pyright: ignore[reportAttributeAccessIssue]
        if person is not None:
            codes = [i for i in mine.values() if self._columns[i].type.name in ORGANISATION_CODES]
            found |= _given(texts[person]) - {r for i in codes for r in _given(texts[i])}
        return found

    def _known(self, texts: list[pa.Array], natural: dict[int, set[int]]) -> dict[int, tuple[str, ...]]:
        """Record -> the names of persons that it gives in columns of their own and that its prose repeats."""
        prose = [texts[i] for i, c in enumerate(self._columns) if _prose(c)]
        if not prose:
            return {}
        said = [(i, _given(texts[i])) for i in self._named_persons] + [
            (i, rows) for i, rows in natural.items()
        ]
        if not any(rows for _, rows in said):
            return {}
        filled = [pc.fill_null(p, "") for p in prose]  # pyright: ignore[reportAttributeAccessIssue]
        joined = pc.binary_join_element_wise(*filled, "\n").to_pylist()  # pyright: ignore[reportAttributeAccessIssue]
        found: dict[int, tuple[str, ...]] = {}
        for i, rows in said:
            names = texts[i].to_pylist()
            for row in rows:
                name = "".join((names[row] or "").split())
                if len(name) > 1 and name in joined[row]:
                    found[row] = (*found.get(row, ()), name)
        return found

    @cached_property
    def _named_persons(self) -> list[int]:
        return [i for i, c in enumerate(self._columns) if c.type.personal in ("drop", "token")]


def _prose(column: Column) -> bool:
    return column.type.personal == "none" and column.type.name in PROSE


def _names_organisation(column: Column) -> bool:
    return column.type.name in _ORGANISATIONS


def _is_of_its_type(column: Column, text: str) -> bool:
    """Whether a number that might be a person's is what the column is for: one of eleven digits in a column
    that counts so high, one of fifteen, which has no check character, in one whose codes have that form.
    """
    given = [e["kwargs"] for e in column.type.expectations]
    if kind_of(text) == "telephone":
        most = [k.get("max_value") for k in given]
        return any(isinstance(m, int | float) and m >= _ELEVEN_DIGITS for m in most)
    forms = [f[1] for c in column.type.checks if (f := _FORM.fullmatch(c.sql))]
    return len(text) == _OLD and text.isdigit() and any(re.fullmatch(f, text) for f in forms)


def _bare(text: str) -> str:
    return "".join(c for c in spelled_out(text).upper() if c.isalnum() or c == "·")


def _true(mask: pa.Array) -> set[int]:
    return set(pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist())  # pyright: ignore[reportAttributeAccessIssue]


def _given(texts: pa.Array) -> set[int]:
    """Records that have a value in a column."""
    return _true(pc.greater(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0))  # pyright: ignore[reportAttributeAccessIssue]


def _with(texts: pa.Array, changed: dict[int, str]) -> pa.Array:
    if not changed:
        return texts
    values = texts.to_pylist()
    for row, value in changed.items():
        values[row] = value
    return pa.array(values, pa.string())
