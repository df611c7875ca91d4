"""A contract against the JSON Schema of the standard (ODCS): unknown keys with the nearest valid one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema_rs import Draft201909Validator

from citylake.contract.problems import Problem, problem
from citylake.contract.source import Place, Source
from citylake.core.errors import did_you_mean


@lru_cache(maxsize=1)
def standards_schema() -> Any:
    return json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text("utf-8"))


@lru_cache(maxsize=1)
def _odcs() -> Draft201909Validator:
    return Draft201909Validator(standards_schema())


def standard_problems(source: Source) -> Iterator[Problem]:
    """A node with unknown keys is told of these alone: what else seems to be missing there may be what is
    misspelt.
    """
    errors = [e for e in _odcs().iter_errors(source.data) if not _follows(e, source.data)]
    misspelt = {tuple(e.instance_path) for e in errors if _unexpected(e)}
    for error in errors:
        if _unexpected(error) or tuple(error.instance_path) not in misspelt:
            yield from _explain(source, error)


def _follows(error: Any, data: Any) -> bool:
    """Whether keys are called unknown only because a value beside them has a wrong type: the standard's
    schema then takes none of the node for known.
    """
    unexpected = _unexpected(error)
    if not unexpected or not set(unexpected) <= set(_known_keys()):
        return False
    place = tuple(error.instance_path)
    return any(
        tuple(e.instance_path)[: len(place)] == place and not _unexpected(e)
        for e in _odcs().iter_errors(data)
    )


def _unexpected(error: Any) -> list[str]:
    return getattr(error.kind, "unexpected", [])


def _explain(source: Source, error: Any) -> Iterator[Problem]:
    place: Place = tuple(error.instance_path)
    for key in _unexpected(error):
        yield problem(
            source,
            (*place, key),
            "contract.unknown_key",
            f"unknown key '{key}'{did_you_mean(key, _known_keys())}",
        )
    if not _unexpected(error):
        yield problem(source, place, "contract.standard", reason(error))


def reason(error: Any) -> str:
    """The validator's text; it names two values of a list, an author needs them all."""
    allowed = ", ".join(json.dumps(v, ensure_ascii=False) for v in getattr(error.kind, "options", []))
    if allowed:
        return f"{json.dumps(error.instance, ensure_ascii=False)} is not one of {allowed}"[:200]
    text = error.message[:200]
    untold = isinstance(error.instance, bool | int | float) and text.endswith('is not of type "string"')
    return f"{text}: YAML reads No, Yes, On and numbers so, put it in quotation marks" if untold else text


@lru_cache(maxsize=1)
def _known_keys() -> list[str]:
    """All property names of the standard."""
    found: set[str] = set()
    stack: list[Any] = [standards_schema()]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found.update(node.get("properties", {}))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return sorted(found)
