"""How a column bends its type: what stands for no value, the range, the decimals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from citylake.contract.meaning import literal
from citylake.contract.model import Bilingual, Check, SemanticType

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NUMBERS = ("DECIMAL", "BIGINT", "INT")
_BETWEEN = "expect_column_values_to_be_between"
_OUTSIDE = Bilingual("超出可能范围", "outside the possible range")


def absence(texts: list[str], steps: dict[str, Any]) -> str:
    """SQL over {v}: the cell shows one of these texts, or as a number one of these with `.0`; "" for none."""
    if not texts:
        return ""
    shown = "{v}"
    for step in ("narrow", "tidy", "unquote", "tidy"):
        shown = steps[step].replace("{x}", shown)
    listed = "|".join(re.escape(t) for t in dict.fromkeys(texts))
    return (
        f"({shown} RLIKE '^(?:{literal(listed)})$' OR {shown} RLIKE '^(?:{literal(_numbers(texts))})[.]0+$')"
    )


def _numbers(texts: list[str]) -> str:
    return "|".join(re.escape(t) for t in texts if re.fullmatch("[+-]?[0-9]+", t)) or "(?!)"


def fitted(kind: SemanticType, props: dict[str, Any]) -> SemanticType:
    """The type with the range and the decimals that a column states."""
    if "scale" in props:
        kind = _scaled(kind, int(props["scale"]))
    return _bounded(kind, *props["range"]) if "range" in props else kind


def _scaled(kind: SemanticType, scale: int) -> SemanticType:
    """As many digits before the point as the type has, and other decimals."""
    digits, old = (int(n) for n in _DECIMAL.findall(kind.physical)[0])
    physical = f"DECIMAL({digits - old + scale},{scale})"
    return replace(kind, physical=physical, cast=kind.cast.replace(kind.physical, physical))


def _bounded(kind: SemanticType, least: float, most: float) -> SemanticType:
    """Outside the range a value is what it was outside that of the type; an error where the type has none."""
    own = next((c for c in kind.checks if c.reason == "range"), Check("range", "", _OUTSIDE))
    check = replace(own, sql=f"{{t}} BETWEEN {least} AND {most}")
    checks = (*(c for c in kind.checks if c.reason != "range"), check)
    expected = {"type": _BETWEEN, "kwargs": {"min_value": least, "max_value": most}}
    others = (e for e in kind.expectations if e["type"] != _BETWEEN)
    return replace(kind, checks=checks, expectations=(*others, expected))


def misfits(kind: SemanticType, props: dict[str, Any]) -> Iterator[str]:
    """Why a column's range or decimals fit its type in no way."""
    if "scale" in props and not _DECIMAL.fullmatch(kind.physical):
        yield f"scale: the type '{kind.name}' has no decimals"
    if "scale" in props and _DECIMAL.fullmatch(kind.physical):
        digits = fitted(kind, {"scale": props["scale"]}).physical
        if int(_DECIMAL.findall(digits)[0][0]) > 38:
            yield f"scale: {digits} has more than 38 digits"
    bounds = props.get("range")
    if bounds and not kind.physical.startswith(_NUMBERS):
        yield f"range: the type '{kind.name}' is no number"
    if isinstance(bounds, list) and len(bounds) == 2 and bounds[0] >= bounds[1]:
        yield "range: the first bound is not below the second"
