"""The JSON Schema of a contract for editors: the standard's, with our own properties, their values and the
semantic types of this project in it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from citylake.contract.lint import our_schema
from citylake.contract.standard import standards_schema


def editor_schema(types: Iterable[str]) -> dict[str, Any]:
    """One document that a YAML editor checks a contract by and completes it from (draft 2019-09).

    `types`: the names of the semantic types.
    """
    schema = copy.deepcopy(standards_schema())
    ours = copy.deepcopy(our_schema())
    ours["column"]["properties"]["type"] |= {"enum": sorted(types)}
    schema["$defs"] |= {"names": ours["names"]}
    for node, name in (("SchemaObject", "table"), ("SchemaProperty", "column")):
        told = {"customProperties": {"type": "array", "items": {"anyOf": _pairs(ours[name])}}}
        schema["$defs"][node].setdefault("allOf", []).append({"properties": told})
    return schema


def _pairs(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Our properties as the standard writes them: `{property: NAME, value: …}`."""
    return [
        {
            "type": "object",
            "properties": {"property": {"const": name}, "value": value},
            "required": ["property", "value"],
            "description": value.get("description", name),
        }
        for name, value in node["properties"].items()
    ]
