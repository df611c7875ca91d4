"""A contract that changes between deliveries, and what silver must say by a fold of the deliveries in plain
Python. Random steps; no part of the lake is used here but the files that it reads.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

DATASET = "court/evolving"
WIDER = {"small": "whole", "whole": "money"}  # a type and the next wider one
PHYSICAL = {"small": "INT", "whole": "BIGINT", "money": "DECIMAL(22,2)"}
_TYPE = """like: text
meaning: {{zh: 数, en: a number}}
logical: number
physical: {sql}
cast: "try_cast({{v}} AS {sql})"
"""
_COLUMN = (
    "  - {{name: {name}, logicalType: {logical}, businessName: {label}, {key}"
    "customProperties: [{{property: type, value: {type}}}{formerly}]}}\n"
)
_HEAD = """apiVersion: v3.2.0
kind: DataContract
id: court/evolving
version: "1.{step}.0"
status: active
domain: court
description: {{purpose: "变更演练 (a contract that changes)"}}
team: {{name: 演练, members: [{{username: drill, role: owner}}]}}
servers:
- {{server: inbox, type: custom, format: csv, delimiter: ",", encoding: utf-8,
  customProperties: [{{property: path, value: inbox/court/evolving}}]}}
schema:
- name: evolving
  businessName: 变更
  dataGranularityDescription: one row per key
  customProperties:
  - {{property: kind, value: {kind}}}
  - {{property: quarantineMax, value: 1}}
  - {{property: endedMax, value: 1}}
  properties:
"""
_RULE = (
    '  - {{id: {id}, type: custom, engine: citylake, implementation: "coalesce({column} < {bound}, true)",'
    " severity: {severity}, dimension: conformity}}\n"
)
_BOUND = (
    "  - {id: rows_max, metric: rowCount, mustBeLessOrEqualTo: 1000, severity: warning,"
    " dimension: coverage}\n"
)
_END = "slaProperties: [{property: frequency, value: 1, unit: m}, {property: latency, value: 72, unit: h}]\n"


@dataclass(frozen=True)
class Field:
    """A column: `origin` is the name that it had first and stands for it for good."""

    origin: str
    name: str
    type: str
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A value below the bound is sound."""

    id: str
    origin: str
    bound: int
    severity: str


@dataclass(frozen=True)
class Edition:
    """One version of the contract."""

    kind: str
    step: int
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]

    def yaml(self) -> str:
        """The contract file."""
        names = {f.origin: f.name for f in self.fields}
        key = _column(Field("k", "k", "short_text"), "primaryKey: true, primaryKeyPosition: 1, ")
        rules = [
            _RULE.format(id=r.id, column=names[r.origin], bound=r.bound, severity=r.severity)
            for r in self.rules
        ]
        quality = ["  quality:\n", _BOUND, *rules]
        head = _HEAD.format(step=self.step, kind=self.kind)
        return "".join([head, key, *(_column(f, "") for f in self.fields), *quality, _END])

    def changed(self, rng: random.Random, what: str) -> Edition:
        """The next edition; a change that finds nothing to change leaves all but the version."""
        later = replace(self, step=self.step + 1)
        return getattr(later, f"_{what}")(rng)

    def _nothing(self, rng: random.Random) -> Edition:
        return self

    def _add(self, rng: random.Random) -> Edition:
        new = Field(f"c{self.step}", f"c{self.step}", rng.choice(list(PHYSICAL)))
        return replace(self, fields=_inserted(rng, self.fields, new))

    def _rename(self, rng: random.Random) -> Edition:
        return self._with(rng, lambda f: replace(f, name=f"r{self.step}", formerly=(*f.formerly, f.name)))

    def _widen(self, rng: random.Random) -> Edition:
        return self._with(rng, lambda f: replace(f, type=WIDER.get(f.type, f.type)))

    def _with(self, rng: random.Random, change: Any) -> Edition:
        at = rng.randrange(len(self.fields))
        return replace(self, fields=tuple(change(f) if i == at else f for i, f in enumerate(self.fields)))

    def _retire(self, rng: random.Random) -> Edition:
        if len(self.fields) == 1:
            return self
        gone = rng.choice(self.fields)
        return replace(
            self,
            fields=tuple(f for f in self.fields if f != gone),
            rules=tuple(r for r in self.rules if r.origin != gone.origin),
        )

    def _add_rule(self, rng: random.Random) -> Edition:
        new = Rule(
            f"rule_{self.step}",
            rng.choice(self.fields).origin,
            rng.randrange(20, 90),
            rng.choice(("error", "warning", "warning")),
        )
        return replace(self, rules=_inserted(rng, self.rules, new))

    def _remove_rule(self, rng: random.Random) -> Edition:
        return replace(self, rules=tuple(rng.sample(self.rules, max(0, len(self.rules) - 1))))

    def _reorder(self, rng: random.Random) -> Edition:
        fields, rules = list(self.fields), list(self.rules)
        rng.shuffle(fields)
        rng.shuffle(rules)
        return replace(self, fields=tuple(fields), rules=tuple(rules))

    def _tighten(self, rng: random.Random) -> Edition:
        return replace(self, rules=tuple(replace(r, bound=r.bound - 15) for r in self.rules))


CHANGES = ("add", "rename", "widen", "retire", "add_rule", "remove_rule", "reorder", "tighten", "nothing")


def _inserted(rng: random.Random, present: tuple[Any, ...], new: Any) -> tuple[Any, ...]:
    at = rng.randrange(len(present) + 1)
    return (*present[:at], new, *present[at:])


def _column(column: Field, key: str) -> str:
    formerly = f", {{property: formerly, value: [{', '.join(column.formerly)}]}}" if column.formerly else ""
    logical = "string" if column.type == "short_text" else "number"
    return _COLUMN.format(
        name=column.name,
        label=f"栏{column.origin}",
        logical=logical,
        key=key,
        type=column.type,
        formerly=formerly,
    )


def project(root: Path, to: Path) -> Path:
    """A project of types and code lists whose only contract will be written by `write`."""
    for part in ("types", "codes"):
        shutil.copytree(root / "schemas" / part, to / "schemas" / part)
    for name, sql in PHYSICAL.items():
        (to / "schemas" / "types" / f"{name}.yaml").write_text(_TYPE.format(sql=sql), "utf-8")
    (to / "schemas" / "court").mkdir()
    (to / "jobs").mkdir()
    return to


def write(to: Path, edition: Edition) -> None:
    """Put an edition into force."""
    (to / "schemas" / f"{DATASET}.odcs.yaml").write_text(edition.yaml(), "utf-8")


Row = dict[str, str]  # origin -> value as delivered; "k" is the key


def delivered(rng: random.Random, edition: Edition, before: list[Row]) -> list[Row]:
    """Rows of a delivery: some as an earlier one brought them, some new, some with values left out."""
    again = {r["k"]: r for r in rng.sample(before, min(len(before), 6))}
    rows = list(again.values())
    for key in rng.sample([f"K{n:02d}" for n in range(24)], 8):
        values = {f.origin: str(rng.randrange(100)) for f in edition.fields if rng.random() < 0.8}
        rows += [] if key in again else [{"k": key, **values}]
    return [{o: v for o, v in r.items() if o == "k" or o in _origins(edition)} for r in rows]


def _origins(edition: Edition) -> set[str]:
    return {f.origin for f in edition.fields}


def csv(edition: Edition, rows: list[Row]) -> bytes:
    """The file, under the headers of the edition."""
    origins = ["k", *(f.origin for f in edition.fields)]
    lines = [",".join(f"栏{o}" for o in origins), *(",".join(r.get(o, "") for o in origins) for r in rows)]
    return ("\r\n".join(lines) + "\r\n").encode()


@dataclass
class Truth:
    """What silver must hold as known now, and every refusal so far."""

    known: dict[str, tuple[Row, frozenset[str]]] = field(default_factory=dict)
    refused: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    def take(self, edition: Edition, rows: list[Row]) -> None:
        """Fold one delivery in, by the rules of its edition."""
        named: set[str] = set()
        claims: list[Row] = []  # what refused records say: the key may be the damaged part
        for row in rows:
            broken = {
                severity: frozenset(f"evolving.{r.id}" for r in edition.rules if _breaks(r, row, severity))
                for severity in ("error", "warning")
            }
            named.add(row["k"])
            if broken["error"]:
                self.refused.append((row["k"], broken["error"]))
                claims.append(_said(edition, {**row, "k": ""}))
            elif _said(edition, self.known.get(row["k"], ({}, None))[0]) != _said(edition, row):
                self.known[row["k"]] = (row, broken["warning"])
        if edition.kind == "register":
            self.known = {
                k: v
                for k, v in self.known.items()
                if k in named or _said(edition, {**v[0], "k": ""}) in claims
            }


def _breaks(rule: Rule, row: Row, severity: str) -> bool:
    return rule.severity == severity and rule.origin in row and int(row[rule.origin]) >= rule.bound


def _said(edition: Edition, row: Row) -> Row:
    return {o: v for o, v in row.items() if o == "k" or o in _origins(edition)}
