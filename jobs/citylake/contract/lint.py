"""Says what is wrong with a contract: file, line, path and the nearest valid key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema_rs import Draft201909Validator

from citylake.contract.derived import faults
from citylake.contract.fit import misfits
from citylake.contract.meaning import header_key
from citylake.contract.model import SemanticType
from citylake.contract.redlines import broken, table_of
from citylake.contract.source import Place, Source
from citylake.core.errors import did_you_mean

SLA = {"frequency", "latency"}


@dataclass(frozen=True)
class Problem:
    """One fault of a contract."""

    file: str
    line: int
    path: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.text}   [{self.rule}]"


@lru_cache(maxsize=1)
def _standards_schema() -> Any:
    return json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text("utf-8"))


@lru_cache(maxsize=1)
def _odcs() -> Draft201909Validator:
    return Draft201909Validator(_standards_schema())


@lru_cache(maxsize=1)
def _our_schema() -> Any:
    """The schemas of our own properties of a `table` and a `column`; see docs/engineers/contracts.md."""
    return json.loads((resources.files("citylake.contract") / "properties.schema.json").read_text("utf-8"))[
        "$defs"
    ]


@lru_cache(maxsize=2)
def _ours(node: str) -> Draft201909Validator:
    return Draft201909Validator({**_our_schema()[node], "$defs": _our_schema()})


def problems(source: Source, types: Mapping[str, SemanticType]) -> list[Problem]:
    """Every fault of one contract file, the standard's first, then ours; empty when it is sound."""
    found = list(_standard(source))
    if not found:
        found = list(_own(source, types))
    return sorted(set(found), key=lambda p: (p.line, p.path))


def _standard(source: Source) -> Iterator[Problem]:
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
        yield problem(source, place, "contract.standard", _told(error))


def _told(error: Any) -> str:
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
    stack: list[Any] = [_standards_schema()]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found.update(node.get("properties", {}))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return sorted(found)


def problem(source: Source, place: Place, rule: str, text: str) -> Problem:
    """A fault of a contract at a place of its file."""
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    return Problem(source.path, source.line(place), path or "(top)", rule, text)


def _own(source: Source, types: Mapping[str, SemanticType]) -> Iterator[Problem]:
    yield from _identity(source)
    for i, table in enumerate(source.data.get("schema", [])):
        yield from _table(source, ("schema", i), table)
        for j, column in enumerate(table.get("properties", [])):
            yield from _column(source, ("schema", i, "properties", j), column, types)
        for place, rule, text in broken(table_of(source.data, i, types)):
            yield problem(source, place, rule, text)
    yield from _promises(source)


def _identity(source: Source) -> Iterator[Problem]:
    identity = str(source.data.get("id", ""))
    if not source.path.endswith(f"{identity}.odcs.yaml"):
        yield problem(source, ("id",), "contract.path", f"the id '{identity}' is not the path of the file")
    if not source.data.get("team", {}).get("members"):
        yield problem(source, ("team",), "contract.owner", "no owner with a username")


def _table(source: Source, place: Place, table: dict[str, Any]) -> Iterator[Problem]:
    yield from _properties(source, place, table, "table")
    if not any(c.get("primaryKey") for c in table.get("properties", [])):
        yield problem(source, place, "contract.key", "no primary key")
    if not any(q.get("metric") == "rowCount" for q in table.get("quality", [])):
        yield problem(source, place, "contract.bounds", "no bound on rowCount")
    for i, rule in enumerate(table.get("quality", [])):
        if rule.get("metric") == "rowCount" and rule.get("mustBeGreaterOrEqualTo", 1) == 0:
            yield problem(
                source, (*place, "quality", i), "contract.vacuous", "a minimum of 0 rows can never fail"
            )
    yield from _former_names(source, place, table.get("properties", []))
    yield from _ignored(source, place, table)
    names = {c.get("name") for c in table.get("properties", [])}
    chart = custom(table).get("chart") or {}
    for column in {chart[k] for k in ("x", "y", "by", "line") if k in chart} - names:
        yield problem(
            source,
            (*place, "customProperties"),
            "contract.chart",
            f"the chart names '{column}', which is no column",
        )


def _ignored(source: Source, place: Place, table: dict[str, Any]) -> Iterator[Problem]:
    """A column cannot be read and left alone."""
    read = {header_key(t) for c in table.get("properties", []) for t in _header_texts(c)}
    for text in custom(table).get("ignored") or ():
        if header_key(text) in read:
            told = f"ignored: '{text}' is the header of a column"
            yield problem(source, (*place, "customProperties"), "contract.ignored", told)


def _header_texts(column: dict[str, Any]) -> list[str]:
    if "transformLogic" in column:
        return []
    given = [str(s.get("synonym")) for s in column.get("synonyms", [])]
    return given or [str(column.get("businessName", column.get("name")))]


def _former_names(source: Source, place: Place, columns: list[dict[str, Any]]) -> Iterator[Problem]:
    """A former name belongs to one column and to none of today's: two would hold the same history."""
    owners = {str(c.get("name")): f"column '{c.get('name')}' bears it today" for c in columns}
    for j, column in enumerate(columns):
        for name in custom(column).get("formerly") or ():
            where = (*place, "properties", j, "customProperties")
            if name in owners:
                yield problem(source, where, "contract.formerly", f"formerly: '{name}': {owners[name]}")
            owners[name] = f"column '{column.get('name')}' had it"


def _column(
    source: Source, place: Place, column: dict[str, Any], types: Mapping[str, SemanticType]
) -> Iterator[Problem]:
    yield from _properties(source, place, column, "column")
    name, kind = str(column.get("name", "")), custom(column).get("type")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        yield problem(
            source, (*place, "name"), "contract.name", f"'{name}' is no column name ([a-z][a-z0-9_]*)"
        )
    if kind not in types:
        yield problem(
            source,
            (*place, "customProperties"),
            "contract.type",
            f"unknown semantic type '{kind}'{did_you_mean(str(kind), types)}",
        )
    else:
        for fault in misfits(types[str(kind)], custom(column)):
            yield problem(source, (*place, "customProperties"), "contract.fit", fault)
    if "transformLogic" in column:
        for fault in faults(str(column["transformLogic"])):
            yield problem(source, (*place, "transformLogic"), "contract.transform", fault)


def _properties(source: Source, place: Place, holder: dict[str, Any], node: str) -> Iterator[Problem]:
    values, at = (
        custom(holder),
        {str(item.get("property")): i for i, item in enumerate(holder.get("customProperties", []))},
    )
    known = _our_schema()[node]["properties"]
    unknown = values.keys() - known
    for key in unknown:
        told = f"unknown property '{key}'{did_you_mean(key, known)}"
        yield problem(source, (*place, "customProperties", at[key]), "contract.unknown_key", told)
    for error in _ours(node).iter_errors({k: v for k, v in values.items() if k in known}):
        if did_you_mean(str(getattr(error.kind, "property", "")), unknown):
            continue  # it is there, and was named above, but misspelt
        key = str(error.instance_path[0]) if error.instance_path else ""
        where = (*place, "customProperties", at[key]) if key else place
        yield problem(source, where, "contract.property", f"{key}: {_told(error)}" if key else _told(error))


def _promises(source: Source) -> Iterator[Problem]:
    stated = {str(item.get("property")) for item in source.data.get("slaProperties", [])}
    missing = SLA - stated
    if missing:
        yield problem(
            source, ("slaProperties",), "contract.freshness", f"no {' and no '.join(sorted(missing))} stated"
        )


def custom(holder: dict[str, Any]) -> dict[str, Any]:
    """The customProperties of a node as a dictionary."""
    return {str(item["property"]): item.get("value") for item in holder.get("customProperties", [])}
