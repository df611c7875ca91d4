"""Numbers of persons in texts: identifiers (GB 11643-1999, of 18 and 15 digits, right or mistyped), telephone
numbers, bank cards (ISO/IEC 7812), however they are spelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Literal

from citylake.privacy.tokens import check_character

Kind = Literal["identifier", "telephone", "card"]
Found = tuple[Kind, int, int]

_PROVINCES = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
_GAP = "[ \\t\\n\\-_‐‑‒–—−]{0,3}"
_RUN = re.compile(rf"\d(?:{_GAP}\d)*(?:{_GAP}[Xx](?![A-Za-z]))?")
_GROUPS = re.compile(r"\d+[Xx]?|[Xx]")
_DOTTED = re.compile(r"(?<![\d.])(?:1[3-9]\d[./·]\d{4}[./·]\d{4}|\d{6}[./·]\d{8}[./·]\d{3}[\dXx])(?![\d.])")
_LANDLINE = re.compile(r"(?<!\d)(?:\(0\d{2,3}\)|0\d{2,3}[ \-‐–—])\s?\d{7,8}(?!\d)")
_MOBILE = re.compile(r"(?:0086|086|86|0|17951|12593)?1[3-9]\d{9}")
_MONTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])")
_OLD, _NEW = (
    re.compile(rf"{_PROVINCES}\d{{4}}(\d{{6}})\d{{3}}"),
    re.compile(rf"{_PROVINCES}\d{{4}}(\d{{8}})\d{{3}}[\dXx]"),
)
_LONGEST = 24  # digits that are read together

_MONTH_DAY = rf"(?:0{_GAP}[1-9]|1{_GAP}[0-2]){_GAP}(?:0{_GAP}[1-9]|[12]{_GAP}\d|3{_GAP}[01])"
_PLACE = rf"[1-8](?:{_GAP}\d){{5}}{_GAP}"
SUSPECT = (
    rf"(?:^|\D)(?:86|17951|12593|0)*{_GAP}1{_GAP}[3-9](?:{_GAP}\d){{9}}(?:$|\D)"
    rf"|{_PLACE}(?:1{_GAP}[89]|2{_GAP}0)(?:{_GAP}\d){{2}}{_GAP}{_MONTH_DAY}(?:{_GAP}\d){{3}}{_GAP}[\dXx]"
    rf"|(?:^|\D){_PLACE}\d{_GAP}\d{_GAP}{_MONTH_DAY}(?:{_GAP}\d){{3}}(?:$|\D)"
    rf"|(?:^|\D)[3-6](?:{_GAP}\d){{15}}"
    r"|\(0\d\d|0\d{2,3}[ \-‐–—]\s?\d{7}|\d{3}[./·]\d{4}[./·]\d{4}|\d{6}[./·]\d{8}[./·]\d{3}"
)
"""RE2: texts of ASCII digits that may hold a number of a person."""


def numbers_in(text: str) -> Iterator[Found]:
    """Every number of a person in a text of ASCII digits."""
    for found in _RUN.finditer(text):
        yield from _in_run(text, found.start(), found.end())
    for found in _DOTTED.finditer(text):
        yield ("telephone" if len(found[0]) == 13 else "identifier", *found.span())
    for found in _LANDLINE.finditer(text):
        yield ("telephone", *found.span())


def _in_run(text: str, start: int, end: int) -> Iterator[Found]:
    """Numbers made of whole groups of digits; a long group may hold identifiers side by side."""
    groups = [m.span() for m in _GROUPS.finditer(text, start, end)]
    at = 0
    while at < len(groups):
        step = _from_group(text, groups[at:])
        if step:
            yield step[0], groups[at][0], groups[at + step[1] - 1][1]
            at += step[1]
            continue
        yield from _inside(text, *groups[at])
        at += 1


def _from_group(text: str, groups: list[tuple[int, int]]) -> tuple[Kind, int] | None:
    """What the first groups are when they are read together, and how many they are; the most digits win.

    A group that is a month (`station-201601`) is the end of no telephone number.
    """
    best, digits = None, ""
    for n, (start, end) in enumerate(groups, start=1):
        digits += text[start:end]
        if len(digits) > _LONGEST:
            break
        kind = kind_of(digits, grouped=n > 1)
        if kind == "telephone" and n > 1 and _MONTH.fullmatch(text, start, end):
            continue
        best = (kind, n) if kind else best
    return best


def kind_of(digits: str, *, grouped: bool = False) -> Kind | None:
    """What a number is by itself; None for any other number."""
    if _MOBILE.fullmatch(digits):
        return "telephone"
    if is_identifier(digits) or (len(digits) == 20 and is_identifier(digits[:18])):
        return "identifier"
    if re.fullmatch(r"62\d{14,17}|[345]\d{15}", digits) and (luhn(digits) or (grouped and len(digits) == 16)):
        return "card"
    return None


def is_identifier(digits: str) -> bool:
    """Whether a province and a day of birth stand where an identifier has them; the check character may be
    mistyped.
    """
    new, old = _NEW.fullmatch(digits), _OLD.fullmatch(digits)
    return bool((new and _birth(new[1])) or (old and _birth(f"19{old[1]}")))


def _birth(day: str) -> bool:
    try:
        return 1880 <= date(int(day[:4]), int(day[4:6]), int(day[6:])).year <= 2099
    except ValueError:
        return False


def _inside(text: str, start: int, end: int) -> Iterator[Found]:
    """Identifiers with a right check character inside a longer group."""
    at = start
    while at + 18 <= end:
        part = text[at : at + 18]
        if end - start > 18 and is_identifier(part) and check_character(part) == part[17].upper():
            yield "identifier", at, at + 18
            at += 18
        else:
            at += 1


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = [int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
