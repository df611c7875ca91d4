"""What the values of a column look like, and what its semantic type takes; plain Python over the facts that
the type states.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from citylake.contract.model import Column, SemanticType
from citylake.core.codes import load_codes

BLANK = frozenset({"", "无", "不详", "－", "-", "—", "/", "NULL", "null", "暂无", "未知", "N/A"})
_SEX = str.maketrans("男女MF", "1212")
_RUN = re.compile(r"[0-9A-Za-z]+|[\u3400-\u9fff]+|\s+")
_YEAR, _TIME = (
    r"(?:1[89]|20|21)[0-9]{2}",
    r"(?:[ T]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:\+08:00|Z)?)?",
)
# Formats by name; a moment is a day with a time behind it. The first that fits names the value.
_FORMATS = (
    ("yyyy-MM-dd", rf"{_YEAR}-[0-9]{{1,2}}-[0-9]{{1,2}}{_TIME}"),
    ("yyyy/MM/dd", rf"{_YEAR}/[0-9]{{1,2}}/[0-9]{{1,2}}{_TIME}"),
    ("yyyy.MM.dd", rf"{_YEAR}\.[0-9]{{1,2}}\.[0-9]{{1,2}}{_TIME}"),
    ("yyyy年M月d日", rf"{_YEAR}年[0-9]{{1,2}}月[0-9]{{1,2}}日{_TIME}"),
    ("yyyyMMdd", rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"),
    ("yyyyMMddHHmmss", rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{{6}}"),
    ("dd/MM/yyyy", rf"[0-9]{{1,2}}/[0-9]{{1,2}}/{_YEAR}{_TIME}"),
    ("dd-MM-yyyy", rf"[0-9]{{1,2}}-[0-9]{{1,2}}-{_YEAR}{_TIME}"),
    ("dd.MM.yyyy", rf"[0-9]{{1,2}}\.[0-9]{{1,2}}\.{_YEAR}{_TIME}"),
    ("ddMMyyyy", rf"[0-9]{{4}}{_YEAR}"),
    ("dd-MMM-yy", rf"[0-9]{{1,2}}[- ][A-Za-z]{{3}}[- ]?[0-9]{{2,4}}{_TIME}"),
    ("spreadsheet serial", r"[0-9]{5}(?:\.[0-9]+)?"),
    ("epoch", r"1[0-9]{9}(?:[0-9]{3})?"),
)
_NAMED = tuple((name, re.compile(pattern)) for name, pattern in _FORMATS)
READ_DAYS = frozenset({"yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "yyyy年M月d日", "yyyyMMdd"})
READ_MOMENTS = frozenset({"yyyy-MM-dd", "yyyy/MM/dd"})
Accepts = Callable[[str], bool]


def clean(value: str) -> str:
    """A value nearly as its type normalises it: half width, no quote before it, blank words empty."""
    text = unicodedata.normalize("NFKC", value).strip(" \t\r\n'‘’“”\u200b")
    return "" if text in BLANK else text


def date_format(value: str) -> str:
    """The name of the format of a date or moment; "" for what is none."""
    return next((name for name, pattern in _NAMED if pattern.fullmatch(value)), "")


def is_day(text: str) -> bool:
    """Whether eight digits are a day."""
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return False
    return True


def code_list(kind: SemanticType, root: Path) -> frozenset[str]:
    """The codes that a type takes, of its list or of its own check; empty for a type without codes."""
    if kind.codes:
        return frozenset(row["code"] for row in load_codes(root, kind.codes))
    inside = next((c.sql for c in kind.checks if c.reason == "unknown_code"), "")
    return frozenset(re.findall(r"'([^']*)'", inside))


def code_of(value: str, kind: SemanticType) -> str:
    """A value as it is looked up in its code list."""
    text = clean(value)
    return text.translate(_SEX) if kind.codes == "sex" else text


def pattern_of(kind: SemanticType) -> re.Pattern[str] | None:
    """The form that values of a type must have, where the type states one."""
    if kind.personal == "resident_id":
        return re.compile(r"[0-9]{17}[0-9Xx]|[0-9]{15}")
    for rule in kind.expectations:
        if rule["type"] == "expect_column_values_to_match_regex":
            return re.compile(rule["kwargs"]["regex"])
    found = next(
        (re.match(r"\{v\} RLIKE '(\^[^']*\$)'", c.sql) for c in kind.checks if c.reason == "format"), None
    )
    return re.compile(found.group(1)) if found else None


def bounds_of(kind: SemanticType, what: str) -> tuple[float, float] | None:
    """The bounds of values (`values_to_be_between`) or lengths (`value_lengths_to_be_between`) that a type
    states.
    """
    for rule in kind.expectations:
        limits = rule["kwargs"]
        if rule["type"] == f"expect_column_{what}" and isinstance(limits.get("max_value"), (int, float)):
            return float(limits["min_value"]), float(limits["max_value"])
    return None


def accepts(column: Column, root: Path) -> Accepts:
    """Whether a value that is not blank can be one of this column."""
    kind = column.type
    codes, pattern = code_list(kind, root), pattern_of(kind)
    if codes:
        return lambda v: code_of(v, kind) in codes
    if kind.logical in ("date", "timestamp"):
        read = READ_DAYS if kind.logical == "date" else READ_MOMENTS
        return lambda v: date_format(clean(v)) in read
    if kind.logical in ("number", "integer"):
        limits = bounds_of(kind, "values_to_be_between")
        return lambda v: (
            (n := number(v)) is not None and (limits is None or limits[0] <= n <= limits[1] or n >= 9999)
        )
    if pattern:
        return lambda v: bool(pattern.fullmatch(clean(v).upper()))
    return (lambda v: number(v) is not None) if kind.name == "digits" else (lambda v: True)


def is_strict(column: Column, root: Path) -> bool:
    """Whether the type of a column says more about a value than that it is text."""
    kind = column.type
    return (
        bool(code_list(kind, root) or pattern_of(kind)) or kind.logical != "string" or kind.name == "digits"
    )


def number(value: str) -> float | None:
    """A number as offices write it; None for what is none."""
    text = (
        re.sub(r"(?<=[0-9]),(?=[0-9]{3})", "", clean(value))
        .removesuffix("%")
        .removesuffix("元")
        .removesuffix("万")
    )
    return float(text) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", text) else None


def share(values: Iterable[str], test: Accepts) -> float:
    """The share of values that pass; 1 where there is none."""
    seen = [test(v) for v in values]
    return sum(seen) / len(seen) if seen else 1.0


def shape(value: str) -> str:
    """The form of a value: runs of digits and letters with their length, Chinese as one, signs as they
    are.
    """
    return _RUN.sub(lambda m: _run(m.group()), value)[:60]


def _run(text: str) -> str:
    if text[0].isspace():
        return " "
    if not text.isascii():
        return "字"
    return f"<{'9' if text.isdigit() else 'A'}{len(text)}>"


def likeness(values: list[str], reference: list[str]) -> float:
    """How alike two columns are, 0 to 1: the larger of shared values and shared shapes; two blank ones are
    alike.
    """
    if not values or not reference:
        return 1.0 if not values and not reference else 0.3
    known = set(reference)
    same = sum(1 for v in values if v in known) / len(values)
    new, old = Counter(map(shape, values)), Counter(map(shape, reference))
    forms = sum(min(new[s] / len(values), old[s] / len(reference)) for s in new)
    return max(same, forms)
