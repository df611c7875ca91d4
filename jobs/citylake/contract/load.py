"""The only reader of `schemas/`: types, code lists and contracts become the frozen model."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from citylake.contract.fit import absence, fitted
from citylake.contract.lint import problems
from citylake.contract.model import Bilingual, Column, Contract, Owner, SafeView, SemanticType
from citylake.contract.problems import Problem, custom
from citylake.contract.remembered import remembered
from citylake.contract.rules import FACTS, row_rule
from citylake.contract.source import Source, read_yaml
from citylake.contract.texts import both, texts, twins
from citylake.contract.types import Types, derived, filled, load_types
from citylake.core.errors import ContractError


def contract_files(root: Path) -> list[Path]:
    """Every contract file below `schemas/`, sorted."""
    return sorted((root / "schemas").rglob("*.odcs.yaml"))


def lint(root: Path) -> list[Problem]:
    """Every fault of every contract."""
    types = load_types(root)
    sources = [read_yaml(path, root) for path in contract_files(root)]
    found = [p for source in sources for p in problems(source, types)]
    return found or [*(p for source in sources for p in texts(source)), *twins(sources)]


def load_contracts(root: Path) -> dict[str, Contract]:
    """All contracts by id; the first fault is raised as a ContractError. Read again when a file of theirs or
    of their types is another one.
    """
    files = [(path, path.stat()) for path in sorted((root / "schemas").rglob("*.yaml"))]
    return dict(
        _contracts(root, tuple((str(path), state.st_mtime_ns, state.st_size) for path, state in files))
    )


@lru_cache(maxsize=4)
def _contracts(root: Path, files: tuple[tuple[str, int, int], ...]) -> dict[str, Contract]:
    return remembered(root, lambda: _read(root))


def _read(root: Path) -> dict[str, Contract]:
    types = load_types(root)
    loaded = [load_contract(read_yaml(path, root), types) for path in contract_files(root)]
    return {c.id: c for c in loaded}


def load_contract(source: Source, types: Types) -> Contract:
    """One contract; refused with all its faults when the lint finds any."""
    faults = problems(source, types)
    if faults:
        raise ContractError(
            faults[0].rule,
            "\n".join(str(f) for f in faults),
            where=f"{source.path}:{faults[0].line}",
            now="edit the contract",
        )
    data, table = source.data, source.data["schema"][0]
    return replace(_head(source.path, data, table, types), **_shape(data, custom(table)))


def _head(path: str, data: dict[str, Any], table: dict[str, Any], types: Types) -> Contract:
    props, quality = custom(table), table.get("quality", [])
    sla = {s["property"]: s for s in data["slaProperties"]}
    columns = tuple(
        c for raw in table["properties"] for c in _columns(raw, types, props.get("missing") or [])
    )
    return Contract(
        id=data["id"],
        version=data["version"],
        title=Bilingual(
            table.get("businessName", table["name"]), props.get("titleEn", table["name"].replace("_", " "))
        ),
        purpose=both(data["description"]["purpose"]),
        limitations=both(data["description"].get("limitations", "")),
        grain=both(table["dataGranularityDescription"]),
        kind=props["kind"],
        owner=_owner(data),
        columns=columns,
        row_rules=tuple(
            row_rule(table["name"], q, columns) for q in quality if q.get("engine") == "citylake"
        ),
        rows_min=_bound(quality, "mustBeGreaterOrEqualTo"),
        rows_max=_bound(quality, "mustBeLessOrEqualTo"),
        frequency_days=_in_days(sla["frequency"]),
        latency_hours=_in_days(sla["latency"]) * 24,
        path=path,
    )


def _shape(data: dict[str, Any], props: dict[str, Any]) -> dict[str, Any]:
    """How the delivery looks, and the limits that the author set."""
    server = (data.get("servers") or [{}])[0]
    names = {
        "layouts": {k: tuple(v) for k, v in (props.get("layouts") or {}).items()},
        "quarantine_max": props.get("quarantineMax"),
        "ended_max": props.get("endedMax"),
        "superseded_max": props.get("supersededMax"),
        "order_by": tuple(props.get("orderBy") or ()),
        "record_bytes": props.get("recordBytes"),
        "unpivot": props.get("unpivot"),
        "table": props.get("table"),
        "records": props.get("records"),
        "container": props.get("container"),
        "preamble": props.get("preamble"),
        "footer": props.get("footer"),
        "unattested": props.get("unattested"),
        "revision": props.get("revision"),
        "ignored": tuple(props.get("ignored") or ()),
        "signed": props.get("signed") and True,
        "empty_allowed": props.get("emptyAllowed"),
        "suppress_below": props.get("suppressBelow"),
        "reference_day": tuple(props.get("referenceDay") or ()),
        "views": tuple(SafeView(name, where) for name, where in (props.get("views") or {}).items()),
        "chart": props.get("chart"),
        "format": server.get("format"),
        "encoding": server.get("encoding"),
        "delimiter": server.get("delimiter"),
    }
    return {k: v for k, v in names.items() if v is not None}


def _bound(quality: list[dict[str, Any]], operator: str) -> int | None:
    found = [q[operator] for q in quality if q.get("metric") == "rowCount" and operator in q]
    return int(found[0]) if found else None


def _in_days(sla: dict[str, Any]) -> float:
    return float(sla["value"]) * {"h": 1, "d": 24, "m": 31 * 24, "y": 366 * 24}[sla["unit"]] / 24


def _owner(data: dict[str, Any]) -> Owner:
    team = data["team"]
    return Owner(data["domain"], team["name"], team["members"][0]["username"], team.get("description", ""))


def _columns(raw: dict[str, Any], types: Types, missing: list[str]) -> list[Column]:
    props = custom(raw)
    kind = fitted(types[props["type"]], props)
    absent = absence([*missing, *props.get("missing", ())], types.steps)
    column = replace(_column(raw, props, kind, types.steps), missing=absent)
    return [column, *(_resident_facts(column, types) if kind.personal == "resident_id" else [])]


def _column(raw: dict[str, Any], props: dict[str, Any], kind: SemanticType, steps: dict[str, Any]) -> Column:
    label = raw.get("businessName", raw["name"])
    first, last = (int(p) for p in props["bytes"].split("-")) if "bytes" in props else (None, None)
    headers = {s.get("source", ""): s["synonym"] for s in raw.get("synonyms", [])}
    return Column(
        name=raw["name"],
        label=Bilingual(label, props.get("en", raw["name"].replace("_", " "))),
        type=kind,
        headers=headers or {"": label},
        key=raw.get("primaryKeyPosition") if raw.get("primaryKey") else None,
        required=bool(raw.get("required") or raw.get("primaryKey")),
        bronze_only=props.get("layer") == "bronze" or kind.personal == "drop",
        derived=derived(filled(raw["transformLogic"]), steps) if "transformLogic" in raw else None,
        derived_from=tuple(raw.get("transformSourceObjects", ())),
        start=first - 1 if first is not None else None,
        end=last,
        valid_on=props.get("validOn"),
        formerly=tuple(props.get("formerly", ())),
        meaning=Bilingual(raw.get("description", label), props.get("en", raw["name"].replace("_", " "))),
    )


def _resident_facts(column: Column, types: Types) -> list[Column]:
    """What the decoder states about an identifier beside its token (design rule 7)."""
    name = column.name
    labels = {
        "form": "证件形式",
        "birth_date": "证件出生日期",
        "sex_code": "证件性别",
        "division_code": "证件地区",
    }
    return [
        Column(
            name=f"{name}_{fact}",
            label=Bilingual(labels[fact], f"{fact.replace('_', ' ')} stated by the identifier"),
            type=types[kind],
            derived=f"{name}_{fact}",
            derived_from=(f"{name}_{fact}",),
            formerly=tuple(f"{n}_{fact}" for n in column.formerly),
        )
        for fact, kind in FACTS.items()
    ]
