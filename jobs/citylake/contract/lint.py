"""Says what is wrong with a contract: file, line, path and the nearest valid key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema_rs import Draft201909Validator

from citylake.contract.conditions import condition_faults
from citylake.contract.derived import faults
from citylake.contract.fit import misfits
from citylake.contract.meaning import header_key
from citylake.contract.model import SemanticType
from citylake.contract.problems import Problem, custom, problem
from citylake.contract.redlines import broken, table_of
from citylake.contract.rules import FACTS
from citylake.contract.source import Place, Source
from citylake.contract.standard import reason, standard_problems
from citylake.core.errors import did_you_mean

SLA = {"frequency", "latency"}


@lru_cache(maxsize=1)
def our_schema() -> Any:
    """The schemas of our own properties of a `table` and a `column`; see docs/engineers/contracts.md."""
    return json.loads((resources.files("citylake.contract") / "properties.schema.json").read_text("utf-8"))[
        "$defs"
    ]


@lru_cache(maxsize=2)
def _ours(node: str) -> Draft201909Validator:
    return Draft201909Validator({**our_schema()[node], "$defs": our_schema()})


def problems(source: Source, types: Mapping[str, SemanticType]) -> list[Problem]:
    """Every fault of one contract file, the standard's first, then ours; empty when it is sound."""
    found = list(standard_problems(source))
    if not found:
        found = list(_own(source, types))
    return sorted(set(found), key=lambda p: (p.line, p.path))


def _own(source: Source, types: Mapping[str, SemanticType]) -> Iterator[Problem]:
    yield from _identity(source)
    for i, table in enumerate(source.data.get("schema", [])):
        yield from _table(source, ("schema", i), table, types)
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


def _table(
    source: Source, place: Place, table: dict[str, Any], types: Mapping[str, SemanticType]
) -> Iterator[Problem]:
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
    yield from _conditions(source, place, table, types)
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


def _conditions(
    source: Source, place: Place, table: dict[str, Any], types: Mapping[str, SemanticType]
) -> Iterator[Problem]:
    """Spark SQL that is none, or that names a column which the table lacks."""
    names = _names(table, types)
    written = [
        ((*place, "quality", i), str(rule.get("implementation", "")))
        for i, rule in enumerate(table.get("quality", []))
        if rule.get("engine") == "citylake"
    ]
    views = custom(table).get("views") or {}
    written += [((*place, "customProperties"), str(where)) for where in views.values()]
    written += [
        ((*place, "properties", j, "customProperties"), str(custom(column)["validOn"]))
        for j, column in enumerate(table.get("properties", []))
        if "validOn" in custom(column)
    ]
    for where, sql in written:
        for fault in condition_faults(sql, names):
            yield problem(source, where, "contract.condition", f"{fault}, in: {sql}")


def _names(table: dict[str, Any], types: Mapping[str, SemanticType]) -> list[str]:
    """The columns that a row of the table has while it is judged: also what an identifier states."""
    found: list[str] = []
    for column in table.get("properties", []):
        name, kind = str(column.get("name", "")), types.get(str(custom(column).get("type")))
        stated = FACTS if kind is not None and kind.personal == "resident_id" else ()
        found += [name, *(f"{name}_{fact}" for fact in stated)]
    return found


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
    known = our_schema()[node]["properties"]
    unknown = values.keys() - known
    for key in unknown:
        told = f"unknown property '{key}'{did_you_mean(key, known)}"
        yield problem(source, (*place, "customProperties", at[key]), "contract.unknown_key", told)
    for error in _ours(node).iter_errors({k: v for k, v in values.items() if k in known}):
        if did_you_mean(str(getattr(error.kind, "property", "")), unknown):
            continue  # it is there, and was named above, but misspelt
        key = str(error.instance_path[0]) if error.instance_path else ""
        where = (*place, "customProperties", at[key]) if key else place
        yield problem(source, where, "contract.property", f"{key}: {reason(error)}" if key else reason(error))


def _promises(source: Source) -> Iterator[Problem]:
    stated = {str(item.get("property")) for item in source.data.get("slaProperties", [])}
    missing = SLA - stated
    if missing:
        yield problem(
            source, ("slaProperties",), "contract.freshness", f"no {' and no '.join(sorted(missing))} stated"
        )
