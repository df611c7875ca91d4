"""The semantic types of `schemas/types/`: what every column that names one inherits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from citylake.contract.derived import STEP
from citylake.contract.meaning import step_constants
from citylake.contract.model import Bilingual, Check, SemanticType
from citylake.contract.source import read_yaml

# A code that a spreadsheet took for a number: its reason is this one before any other.
_SCIENTIFIC = Check(
    "scientific",
    "{v} NOT RLIKE '^[0-9]([.][0-9]+)?E[+][0-9]{1,2}$'",
    Bilingual("科学计数法，末位已失", "scientific notation has lost digits"),
)
_BETWEEN = re.compile(r"\{t\} BETWEEN (-?[0-9.]+) AND (-?[0-9.]+)")


class Types(dict[str, SemanticType]):
    """The semantic types by name, and the steps that they and derived columns are made of."""

    steps: dict[str, Any]


def load_types(root: Path) -> Types:
    """Every semantic type of `schemas/types/`; a type says only what differs from the one it is `like`."""
    folder = root / "schemas" / "types"
    steps: dict[str, Any] = filled(read_yaml(folder / "steps.yaml", root).data)
    raw = {
        p.stem: filled(read_yaml(p, root).data) for p in sorted(folder.glob("*.yaml")) if p.stem != "steps"
    }
    types = Types((name, _type(name, _inherit(name, raw), steps)) for name in raw)
    types.steps = steps
    return types


def filled(node: Any) -> Any:
    """The lists of `contract.meaning` in the place of `{{name}}`, wherever a text names one."""
    if isinstance(node, str):
        return re.sub(r"\{\{(\w+)\}\}", lambda m: step_constants()[m[1]], node)
    if isinstance(node, dict):
        return {key: filled(value) for key, value in node.items()}
    return [filled(value) for value in node] if isinstance(node, list) else node


def _inherit(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = raw[name]
    parent = own.get("like")
    if not parent:
        return own
    inherited = _inherit(str(parent), raw)
    if "checks" in own and "expectations" not in own:
        inherited = {**inherited, "expectations": _expected(own["checks"])}
    return {**inherited, **own}


def _expected(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What checks of a type's own let its gate expect: bounds that the parent had are not inherited beside
    them.
    """
    bounds = [m for c in checks if (m := _BETWEEN.fullmatch(c["sql"].strip()))]
    return [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"min_value": _number(m[1]), "max_value": _number(m[2])},
        }
        for m in bounds
    ]


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _type(name: str, raw: dict[str, Any], steps: dict[str, Any]) -> SemanticType:
    physical = str(raw.get("physical", "STRING"))
    base, cast = _reader(physical, steps)
    code = physical == "STRING" and ("codes" in raw or raw.get("reader") == "code")
    base = steps["base_code"] if code else base
    sql = _chain(base, steps)
    if base == steps["base_moment"]:
        sql = f"CASE WHEN {{v}} RLIKE '{steps['plain_moment']}' THEN {{v}} ELSE {sql} END"
    shown = sql
    for step in (s for s in raw.get("normalise", []) if s not in base):
        sql = steps[step].replace("{x}", sql)
    return SemanticType(
        name=name,
        meaning=_bilingual(raw["meaning"]),
        logical=raw.get("logical", "string"),
        physical=physical,
        normalise=sql,
        shown=shown if physical != "STRING" else sql,
        cast=raw.get("cast", "{cast}").replace("{cast}", cast),
        rounds="cast" not in raw and physical.startswith("DECIMAL"),
        checks=_checks(raw, code=code and "codes" not in raw),
        repairs=tuple(_check({"severity": "info", **c}) for c in raw.get("repairs", [])),
        expectations=tuple(raw.get("expectations", [])),
        classification=raw.get("classification", "internal"),
        personal=raw.get("personal", "none"),
        source=raw.get("source", ""),
        codes=raw.get("codes"),
    )


def _checks(raw: dict[str, Any], *, code: bool) -> tuple[Check, ...]:
    """The checks of a type; every code is told when a spreadsheet took it for a number."""
    own = tuple(_check(c) for c in raw.get("checks", []))
    told = any(c.reason == _SCIENTIFIC.reason for c in own)
    return (*own, _SCIENTIFIC) if code and not told else own


def _chain(names: list[str], steps: dict[str, Any]) -> str:
    sql = "{v}"
    for name in names:
        sql = steps[name].replace("{x}", sql)
    return sql


def derived(sql: str, steps: dict[str, Any]) -> str:
    """A derived text with the steps that it names as `{step(text)}`, the innermost first."""
    found = STEP.sub(lambda m: steps[m[1]].replace("{x}", m[2]), sql)
    return found if found == sql else derived(found, steps)


def _reader(physical: str, steps: dict[str, Any]) -> tuple[list[str], str]:
    """The steps and the cast that every type of a physical type shares: numbers, days and moments have one
    reader.
    """
    match physical.split("(")[0]:
        case "DECIMAL":
            return steps["base_number"], steps["cast_decimal"].replace("{physical}", physical)
        case "BIGINT" | "INT":
            return steps["base_number"], steps["cast_whole"].replace("{physical}", physical)
        case "DATE":
            return steps["base_moment"], f"CAST({steps['cast_moment']} AS DATE)"
        case "TIMESTAMP":
            return steps["base_moment"], steps["cast_moment"]
        case _:
            return [], "{v}"


def _check(raw: dict[str, Any]) -> Check:
    return Check(
        raw["reason"], " ".join(raw["sql"].split()), _bilingual(raw["meaning"]), raw.get("severity", "error")
    )


def _bilingual(raw: dict[str, str]) -> Bilingual:
    return Bilingual(raw["zh"], raw["en"])
