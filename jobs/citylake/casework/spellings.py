"""How a spreadsheet writes a text that it took for a number or a day: what comes back changed in spelling
alone was not corrected by anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from citylake.contract.meaning import tidy, unguard

_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?")
_DAY = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_LONG = 11  # digits before the point from which a spreadsheet shows an exponent
_DIGITS = 15  # IEEE 754 double, as spreadsheets show it
_EPOCH = datetime(1899, 12, 30)
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML 1.0, 2.2: no character of a workbook


def unchanged(original: str, returned: str) -> bool:
    """Whether a cell that came back says what was exported, exactly or as a spreadsheet spells it. Never the
    other way round: that a clerk added zeros, or put a day into order, is a correction.
    """
    came = _flat(returned)
    return any(_flat(text) == came for text in spellings(original)) or _flat(unguard(returned)) == _flat(
        original
    )


def _flat(text: str) -> str:
    return tidy(_UNSHOWN.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def spellings(text: str) -> Iterator[str]:
    """The text, and everything that a spreadsheet may write for it."""
    yield text
    clean = tidy(text)
    if _NUMBER.fullmatch(clean):
        yield from _numbers(Decimal(clean))
    if clean.lower() in ("true", "false"):
        yield from (clean.upper(), clean.title())
    day = _DAY.fullmatch(clean)
    if day:
        yield from _days(day)


def _numbers(value: Decimal) -> Iterator[str]:
    """Fifteen digits at most, zeros at the ends lost, long ones with an exponent of few digits."""
    if value.adjusted() > 300 or value.adjusted() < -300:
        return
    kept = Decimal(f"{value:.{_DIGITS - 1}e}")
    for shown in (abs(value) if value == 0 else value, kept, _cut(value), Decimal(repr(float(value)))):
        plain = f"{shown:f}"
        yield plain
        yield _short(plain)
    if -5 < value.adjusted() < _LONG:
        return
    for digits in range(_DIGITS):
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        sign, power = exponent[0], exponent[1:].lstrip("0") or "0"
        for size in (mantissa, _short(mantissa)):
            yield f"{size}E{sign}{power.zfill(2)}"
            yield f"{size}e{sign}{power.zfill(2)}"


def _cut(value: Decimal) -> Decimal:
    """Digits past the fifteenth as zeros."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):  # an infinite number, which no text of digits gives
        return value
    kept = digits[:_DIGITS] + (0,) * max(0, len(digits) - _DIGITS)
    return Decimal((sign, kept, exponent))


def _short(plain: str) -> str:
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _days(found: re.Match[str]) -> Iterator[str]:
    year, month, day = int(found[1]), int(found[3]), int(found[4])
    hour, minute, second = (int(found[n] or 0) for n in (5, 6, 7))
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return
    heads = [
        f"{year}-{month:02d}-{day:02d}",
        *(f"{year}{s}{month}{s}{day}" for s in "-/."),
        f"{year}/{month:02d}/{day:02d}",
        *(
            f"{a}/{b}/{y}"
            for y in (year, f"{year % 100:02d}")
            for a, b in ((month, day), (f"{month:02d}", f"{day:02d}"))
        ),
        f"{year}年{month}月{day}日",
    ]
    tails = [
        f"{hour}:{minute:02d}",
        f"{hour:02d}:{minute:02d}",
        f"{hour}:{minute:02d}:{second:02d}",
        f"{hour:02d}:{minute:02d}:{second:02d}",
    ]
    if (hour, minute, second) == (0, 0, 0):
        yield from heads
    if second:
        tails = tails[2:]
    yield from (f"{head}{sep}{tail}" for head in heads for tail in tails for sep in " T")
    serial = (moment - _EPOCH) / timedelta(days=1)
    yield from (f"{serial:.{n}f}" for n in ((0,) if serial == int(serial) else range(4, 12)))
