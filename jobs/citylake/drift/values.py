"""Drift inside columns: new codes, another date format, another unit, longer values."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from citylake.contract.model import Column
from citylake.drift.profile import (
    READ_DAYS,
    READ_MOMENTS,
    bounds_of,
    clean,
    code_list,
    code_of,
    date_format,
    is_day,
    number,
    pattern_of,
    shape,
)

FACTORS = (10.0, 100.0, 1e3, 1e4, 1e6, 1e8)
_NEAR = math.log10(1.35)  # how far quantiles may stray from a factor
_ENOUGH = 8  # numbers from which a magnitude is told
_MANY = 30  # the same without rows of the same key
_LOW = 0.2  # share of values from which a change is one of the column and not of rows


@dataclass(frozen=True)
class Seen:
    """What one test found in one column."""

    kind: str
    column: Column
    zh: str
    en: str
    confidence: float
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Values:
    """The values of one column now and in the reference, in row order; paired are numbers of rows with the
    same key.
    """

    column: Column
    now: list[str]
    before: list[str] | None
    pairs: tuple[tuple[str, str], ...] = ()


def masked(column: Column, value: str) -> str:
    """A sample value, or nothing of it where the column may name persons."""
    hidden = column.type.personal != "none" or column.type.classification in ("restricted", "confidential")
    return "***" if hidden else value[:40]


def finding(values: Values, root: Path) -> Seen | None:
    """What changed in a column; a change of form is told before codes, which it explains."""
    return (
        _date_format(values, root)
        or _widened(values, root)
        or _unit(values, root)
        or _new_codes(values, root)
    )


def _date_format(values: Values, root: Path) -> Seen | None:
    kind = values.column.type
    formats = _formats(values.now)
    if kind.logical not in ("date", "timestamp") or len(values.now) < 3 or not formats:
        return None
    name, count = formats.most_common(1)[0]
    old = _formats(values.before or []).most_common(1)
    readable = name in (READ_DAYS if kind.logical == "date" else READ_MOMENTS)
    before = old[0][0] if old else ""
    if not name or count / len(values.now) < 0.5 or name == before or (readable and not before):
        return None
    still = ("仍可读取", "still read") if readable else ("合约读不出", "not read by the contract")
    zh = f"日期格式为{name}(原为{before or '合约格式'}),{still[0]}"
    return Seen(
        "date_format",
        values.column,
        zh,
        f"dates are {name}, were {before or 'as contracted'}; {still[1]}",
        0.85 if readable else 0.93,
    )


def _formats(values: list[str]) -> Counter[str]:
    """Formats of values; eight digits that are no day from the left are one from the right."""
    out: Counter[str] = Counter()
    for value in map(clean, values):
        name = date_format(value)
        out["ddMMyyyy" if name == "yyyyMMdd" and not is_day(value) else name] += 1
    return out


def _widened(values: Values, root: Path) -> Seen | None:
    """Values longer than their type's form or bound."""
    column, now = values.column, [clean(v) for v in values.now]
    long = [v for v in now if _too_long(v, column, root)]
    if len(long) < 3 or len(long) < len(now) * _LOW:
        return None
    length = max(map(len, long))
    zh = f"{len(long)}个值长于合约类型{column.type.name},最长{length}字符"
    return Seen(
        "widened",
        column,
        zh,
        f"{len(long)} values are longer than the type {column.type.name} takes, up to {length} characters",
        0.9,
    )


def _too_long(value: str, column: Column, root: Path) -> bool:
    limits, pattern = bounds_of(column.type, "value_lengths_to_be_between"), pattern_of(column.type)
    if limits and len(value) > limits[1]:
        return True
    if column.type.personal != "none" or not pattern or pattern.fullmatch(value.upper()):
        codes = code_list(column.type, root) if pattern is None else frozenset[str]()
        return bool(codes) and _longer_code(value, column, codes)
    return any(pattern.fullmatch(p.upper()) for cut in range(1, 9) for p in (value[cut:], value[:-cut]))


def _longer_code(value: str, column: Column, codes: frozenset[str]) -> bool:
    """A known code with zeros before or behind it, in a list whose codes have one length and only digits."""
    lengths = {len(c) for c in codes}
    if (
        code_of(value, column.type) in codes
        or len(lengths) != 1
        or not value.isdigit()
        or not all(c.isdigit() for c in codes)
    ):
        return False
    size = next(iter(lengths))
    return len(value) > size and (value[:size] in codes or value[-size:] in codes) and size > 1


def _unit(values: Values, root: Path) -> Seen | None:
    """Another magnitude than the reference: row by row where keys agree, else by quantiles; without a
    reference by the type's bounds.
    """
    column = values.column
    if column.type.logical not in ("number", "integer"):
        return None
    now = _numbers(values.now)
    factor, confidence, how = (
        _by_rows(values.pairs)
        or _by_quantiles(now, _numbers(values.before or []))
        or _by_bounds(now, column)
        or (0.0, 0.0, "")
    )
    if not factor:
        return None
    told = f"{factor:g}" if factor >= 1 else f"1/{1 / factor:g}"
    zh = f"数值量级为以往的{told}倍,单位疑已改变({how})"
    return Seen(
        "unit_change",
        column,
        zh,
        f"values are {told} times what they were: another unit? ({how})",
        confidence,
    )


def _numbers(values: list[str]) -> list[float]:
    """Magnitudes; zeros and codes for missing values (9999...) say nothing."""
    found = [
        abs(n)
        for v in values
        if not re.fullmatch(r"-?9{3,}[0-9]?9{0,2}[0-9]?(\.0)?", clean(v)) and (n := number(v)) is not None
    ]
    return [n for n in found if n]


def _by_rows(pairs: tuple[tuple[str, str], ...]) -> tuple[float, float, str] | None:
    ratios = [a / b for x, y in pairs if (a := number(x)) and (b := number(y))]
    if len(ratios) < _ENOUGH:
        return None
    ratio = median(ratios)
    factor = next(
        (f for f in (*FACTORS, *(1 / f for f in FACTORS)) if math.isclose(abs(ratio), f, rel_tol=0.02)), 0.0
    )
    return (factor, 0.95, "same keys") if factor else None


def _by_quantiles(now: list[float], before: list[float]) -> tuple[float, float, str] | None:
    if min(len(now), len(before)) < _MANY:
        return None
    steps = [math.log10(_quantile(now, q) / _quantile(before, q)) for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    for factor in (*FACTORS, *(1 / f for f in FACTORS)):
        if all(abs(s - math.log10(factor)) < _NEAR for s in steps):
            return factor, 0.88, "quantiles"
    return None


def _by_bounds(now: list[float], column: Column) -> tuple[float, float, str] | None:
    limits = bounds_of(column.type, "values_to_be_between")
    if limits is None or len(now) < _ENOUGH or sum(n > limits[1] for n in now) < len(now) / 2:
        return None
    middle = median(now)
    factor = next((f for f in FACTORS if limits[0] <= middle / f <= limits[1]), 0.0)
    return (factor, 0.6, "bounds of the type") if factor else None


def _quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[int(q * (len(ordered) - 1))]


def _new_codes(values: Values, root: Path) -> Seen | None:
    """Values outside the list that come more often than slips do."""
    column, codes = values.column, code_list(values.column.type, root)
    unknown = (
        Counter(c for v in values.now if (c := code_of(v, column.type)) and c not in codes)
        if codes
        else Counter[str]()
    )
    often = [c for c, n in unknown.most_common(10) if n >= max(3, len(values.now) * 0.005)]
    if not often:
        return None
    told = "、".join(masked(column, c) for c in often[:3])
    count = sum(unknown[c] for c in often)
    proposed = tuple(often) if column.type.codes and _like_codes(often, codes, column) else ()
    zh = f"{count}行的值不在代码表内:{told}"
    return Seen(
        "new_code",
        column,
        zh,
        f"{count} rows hold values outside the code list: {told}",
        0.87 if len(unknown) <= 10 else 0.6,
        proposed,
    )


def _like_codes(often: list[str], codes: frozenset[str], column: Column) -> bool:
    """Codes of a column about persons are proposed only in the form that its list has, so that no name is
    taken for a code.
    """
    shapes = {shape(c) for c in codes}
    safe = column.type.classification not in ("restricted", "confidential") and column.type.personal == "none"
    return all(shape(c) in shapes and len(c) <= 20 and (safe or c.isdigit()) for c in often)
