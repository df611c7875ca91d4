"""What of a delivered text may stand in a letter or a notice: enough to find the fault, never a personal
value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from citylake.contract.model import Column, Contract

SAMPLES = 3
_SHOWN = 40  # characters of one value
_LINE = 80  # characters of a whole record
# A resident identifier (GB 11643-1999, also of 15 digits) or a mobile number may stand in any column.
_PERSONAL = re.compile(
    r"(?<![0-9A-Z])([1-8]\d{5}(?:19|20)\d{9}[\dX]|[1-8]\d{14}|1[3-9]\d{9})(?![0-9A-Z])", re.IGNORECASE
)


def shape(text: str) -> str:
    """Digits as 9, Latin letters as A, every other letter as 文; signs and blanks stay: the form shows, the
    value does not.
    """
    return "".join(_kind(c) for c in text)


def _kind(character: str) -> str:
    if character.isdecimal():
        return "9"
    if character.isalpha():
        return "A" if character.isascii() else "文"
    return character


def masked(column: Column, text: str | None) -> str:
    """One delivered value as a letter may show it: of a personal column its shape, of others the text,
    shortened.
    """
    if text is None:
        return ""
    return _short(shape(text) if column.type.personal != "none" else _without_identifiers(text), _SHOWN)


def masked_record(contract: Contract, text: str) -> str:
    """A whole record whose values cannot be told apart: its shape when the contract holds anything
    personal.
    """
    return _short(shape(text) if holds_persons(contract) else _without_identifiers(text), _LINE)


def masked_values(
    contract: Contract, columns: Sequence[Column], values: Sequence[str | None], layout: str
) -> str:
    """Several values of one record as `header=value`."""
    return "; ".join(f"{c.header(layout)}={masked(c, v)}" for c, v in zip(columns, values, strict=True))


def holds_persons(contract: Contract) -> bool:
    """Whether any column of the contract is personal."""
    return any(c.type.personal != "none" for c in contract.columns)


def _without_identifiers(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return _PERSONAL.sub(lambda found: shape(found[0]), plain) if _PERSONAL.search(plain) else text


def _short(text: str, most: int) -> str:
    shown = "".join(c if c.isprintable() else "·" for c in text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
