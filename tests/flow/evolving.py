"""A contract that changes between deliveries, and what the lake must say by a fold of the deliveries in plain
Python. No part of the lake is used here.

A table holds many lanes. A lane is one random sequence of changes: it has columns, rules, code list and keys
of its own, so hundreds of sequences cost as many Spark jobs as one, and what a change of one lane does to a
table shows in the rows of all others.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

DEPARTMENT = "court"
WIDER = {"small": "whole", "whole": "money", "money": "label"}  # a type and the next wider one
PHYSICAL = {"small": "INT", "whole": "BIGINT", "money": "DECIMAL(22,2)", "label": "STRING"}
_TYPE = """like: text
meaning: {{zh: 数, en: a number}}
logical: {logical}
physical: {sql}
cast: "try_cast({{v}} AS {sql})"
"""
_LIST_TYPE = "like: code_text\nmeaning: {zh: 代码, en: a code}\ncodes: %s\nnormalise: []\n"
_COLUMN = (
    "  - {{name: {name}, logicalType: {logical}, businessName: {label}, {key}"
    "customProperties: [{{property: type, value: {type}}}{formerly}]}}\n"
)
_HEAD = """apiVersion: v3.2.0
kind: DataContract
id: {dataset}
version: "1.{step}.0"
status: active
domain: court
description: {{purpose: "变更演练 (a contract that changes)"}}
team: {{name: 演练, members: [{{username: drill, role: owner}}]}}
servers:
- {{server: inbox, type: custom, format: csv, delimiter: ",", encoding: utf-8,
  customProperties: [{{property: path, value: inbox/{dataset}}}]}}
schema:
- name: {name}
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
    "  - {id: rows_max, metric: rowCount, mustBeLessOrEqualTo: 100000, severity: warning,"
    " dimension: coverage}\n"
)
_END = "slaProperties: [{property: frequency, value: 1, unit: m}, {property: latency, value: 72, unit: h}]\n"
ALL_CODES = tuple(f"K{n}" for n in range(9))


@dataclass(frozen=True)
class Field:
    """A column: `origin` is the name that it had first and stands for it for good; it begins with its
    lane.
    """

    origin: str
    name: str
    type: str
    formerly: tuple[str, ...] = ()

    @property
    def lane(self) -> str:
        """The sequence that the column belongs to."""
        return self.origin.split("_")[0]

    @property
    def number(self) -> bool:
        """Whether its values can be compared with a bound."""
        return self.type in ("small", "whole", "money")

    def named(self, name: str) -> Field:
        """The column under another name; a name that it had before is no former one any more."""
        return replace(self, name=name, formerly=tuple(n for n in (*self.formerly, self.name) if n != name))

    def value(self, text: str) -> Any:
        """What silver holds of a delivered text."""
        return Decimal(text) if self.number else text

    def widened(self, value: Any, to: Field) -> Any:
        """What silver holds of a value of this column after it became one of a wider type."""
        if not self.number or to.number or value is None:
            return value
        return f"{value:.2f}" if self.type == "money" else f"{value:.0f}"


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

    dataset: str
    kind: str
    step: int
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    codes: tuple[tuple[str, tuple[str, ...]], ...] = ()  # code list -> what it holds
    key: Field = field(default=Field("k", "k", "short_text"))
    further_keys: tuple[str, ...] = ()
    retired: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        """The table's name, with which the ids of its rules begin."""
        return self.dataset.split("/")[1]

    @property
    def lanes(self) -> list[str]:
        """The sequences that it has columns of."""
        return sorted({f.lane for f in self.fields})

    def yaml(self) -> str:
        """The contract file."""
        names = {f.origin: f.name for f in self.fields}
        rules = [
            _RULE.format(id=r.id, column=names[r.origin], bound=r.bound, severity=r.severity)
            for r in self.rules
        ]
        head = _HEAD.format(dataset=self.dataset, name=self.name, step=self.step, kind=self.kind)
        columns = [_column(f, self._place(f)) for f in (self.key, *self.fields)]
        return "".join([head, *columns, "  quality:\n", _BOUND, *rules, _END])

    def _place(self, column: Field) -> str:
        keys = ("k", *self.further_keys)
        if column.origin not in keys:
            return ""
        return f"primaryKey: true, primaryKeyPosition: {keys.index(column.origin) + 1}, "

    def changed(self, rng: random.Random, what: str, lane: str) -> Edition:
        """The edition with one change in a lane; what finds nothing to change changes nothing."""
        return CHANGES[what](self, rng, lane)

    def of_lane(self, lane: str, wanted: Callable[[Field], bool] = lambda f: True) -> list[Field]:
        """The columns of a lane."""
        return [f for f in self.fields if f.lane == lane and wanted(f)]

    def with_field(self, old: Field, new: Field) -> Edition:
        """The edition with one column in the place of another."""
        return replace(self, fields=tuple(new if f == old else f for f in self.fields))

    def inserted(self, rng: random.Random, new: Field) -> Edition:
        """The edition with one more column, at any place."""
        return replace(self, fields=_inserted(rng, self.fields, new))


def _add(e: Edition, rng: random.Random, lane: str) -> Edition:
    name = f"{lane}_c{e.step}_{len(e.fields) + len(e.retired)}"
    return e.inserted(rng, Field(name, name, rng.choice(list(PHYSICAL))))


def _add_coded(e: Edition, rng: random.Random, lane: str) -> Edition:
    name = f"{lane}_d{e.step}_{len(e.fields) + len(e.retired)}"
    return e.inserted(rng, Field(name, name, f"list_{lane}"))


def _rename(e: Edition, rng: random.Random, lane: str) -> Edition:
    old = rng.choice(e.of_lane(lane))
    return e.with_field(old, old.named(f"{old.origin}_r{e.step}"))


def _rename_back(e: Edition, rng: random.Random, lane: str) -> Edition:
    found = e.of_lane(lane, lambda f: bool(f.formerly))
    return e.with_field(found[0], found[0].named(rng.choice(found[0].formerly))) if found else e


def _widen(e: Edition, rng: random.Random, lane: str) -> Edition:
    ruled = {r.origin for r in e.rules}
    able = e.of_lane(lane, lambda f: f.type in WIDER and not (f.type == "money" and f.origin in ruled))
    if not able:
        return e
    old = rng.choice(able)
    return e.with_field(old, replace(old, type=WIDER[old.type]))


def _retire(e: Edition, rng: random.Random, lane: str) -> Edition:
    able = e.of_lane(lane)
    if len(able) == 1:
        return e
    gone = rng.choice(able)
    fields = tuple(f for f in e.fields if f != gone)
    rules = tuple(r for r in e.rules if r.origin != gone.origin)
    return replace(e, fields=fields, rules=rules, retired=(*e.retired, gone))


def _back(e: Edition, rng: random.Random, lane: str) -> Edition:
    able = [f for f in e.retired if f.lane == lane]
    if not able:
        return e
    back = rng.choice(able)
    return replace(e.inserted(rng, back), retired=tuple(f for f in e.retired if f != back))


def _add_rule(e: Edition, rng: random.Random, lane: str) -> Edition:
    able = e.of_lane(lane, lambda f: f.number)
    if not able:
        return e
    severity = rng.choice(("error", "warning", "warning"))
    id = f"{lane}_rule_{e.step}_{len(e.rules)}"
    return replace(
        e, rules=_inserted(rng, e.rules, Rule(id, rng.choice(able).origin, rng.randrange(20, 90), severity))
    )


def _remove_rule(e: Edition, rng: random.Random, lane: str) -> Edition:
    able = [r for r in e.rules if r.id.startswith(f"{lane}_")]
    gone = rng.choice(able) if able else None
    return replace(e, rules=tuple(r for r in e.rules if r != gone))


def _tighten(e: Edition, rng: random.Random, lane: str) -> Edition:
    other = {"warning": "error", "error": "warning"} if rng.random() < 0.3 else {}
    return replace(
        e,
        rules=tuple(
            replace(r, bound=r.bound - 15, severity=other.get(r.severity, r.severity))
            if r.id.startswith(f"{lane}_")
            else r
            for r in e.rules
        ),
    )


def _reorder(e: Edition, rng: random.Random, lane: str) -> Edition:
    fields, rules = list(e.fields), list(e.rules)
    rng.shuffle(fields)
    rng.shuffle(rules)
    return replace(e, fields=tuple(fields), rules=tuple(rules))


def _new_codes(e: Edition, rng: random.Random, lane: str) -> Edition:
    holds = tuple(sorted(rng.sample(ALL_CODES, rng.randrange(3, 8))))
    return replace(e, codes=tuple((name, holds if name == f"list_{lane}" else old) for name, old in e.codes))


def _rename_key(e: Edition, rng: random.Random, lane: str) -> Edition:
    return replace(e, key=e.key.named(f"k_r{e.step}"))


def _nothing(e: Edition, rng: random.Random, lane: str) -> Edition:
    return e


Change = Callable[[Edition, random.Random, str], Edition]
RULES: dict[str, Change] = {
    "add_rule": _add_rule,
    "remove_rule": _remove_rule,
    "tighten": _tighten,
    "reorder": _reorder,
    "new_codes": _new_codes,
    "nothing": _nothing,
}
ADDITIONS: dict[str, Change] = {"add": _add, "add_coded": _add_coded}
MOVES: dict[str, Change] = {
    "rename": _rename,
    "rename_back": _rename_back,
    "widen": _widen,
    "retire": _retire,
    "back": _back,
    "rename_key": _rename_key,
}
CHANGES = {**RULES, **ADDITIONS, **MOVES}
# What may change between two deliveries: nothing of the table, columns that are added, anything.
MOODS = (tuple(RULES), (*RULES, *ADDITIONS), tuple(CHANGES), (*ADDITIONS, *MOVES))


def first_edition(dataset: str, kind: str, lanes: int) -> Edition:
    """The contract that all sequences begin with: two numbers with a rule each and a code in every lane."""
    names = [f"s{n:03d}" for n in range(lanes)]
    fields = [
        Field(f"{lane}_{name}", f"{lane}_{name}", kind_of)
        for lane in names
        for name, kind_of in (("a", "small"), ("b", "whole"), ("c", f"list_{lane}"))
    ]
    rules = [
        Rule(f"{lane}_rule_0_{n}", f"{lane}_{column}", bound, severity)
        for lane in names
        for n, (column, bound, severity) in enumerate((("a", 75, "warning"), ("b", 85, "error")))
    ]
    codes = tuple((f"list_{lane}", ALL_CODES[:6]) for lane in names)
    return Edition(dataset, kind, 0, tuple(fields), tuple(rules), codes)


def next_edition(rng: random.Random, edition: Edition, mood: tuple[str, ...]) -> tuple[Edition, list[str]]:
    """The next version, with one or two changes in every lane, and what they were; the key changes rarely."""
    later, done = replace(edition, step=edition.step + 1), list[str]()
    for lane in edition.lanes:
        for what in rng.choices([w for w in mood if w != "rename_key"], k=rng.choice((1, 1, 2))):
            changed = later.changed(rng, what, lane)
            done += [what] if changed != later or what == "nothing" else []
            later = changed
    if "rename_key" in mood and rng.random() < 0.5:
        later, done = later.changed(rng, "rename_key", ""), [*done, "rename_key"]
    return later, done


def refused_editions(edition: Edition) -> list[tuple[str, Edition]]:
    """Versions that no table with rows of this edition can follow, with the rule that refuses them."""
    wide = next((f for f in edition.fields if f.type in ("whole", "money")), None)
    kind = "event" if edition.kind == "register" else "register"
    found = [
        ("contract.identity_changed", replace(edition, kind=kind)),
        ("contract.identity_changed", replace(edition, further_keys=(edition.fields[0].origin,))),
    ]
    if wide is not None:
        found.append(("contract.column_narrowed", edition.with_field(wide, replace(wide, type="small"))))
    return found


def _inserted(rng: random.Random, present: tuple[Any, ...], new: Any) -> tuple[Any, ...]:
    at = rng.randrange(len(present) + 1)
    return (*present[:at], new, *present[at:])


def _column(column: Field, key: str) -> str:
    formerly = f", {{property: formerly, value: [{', '.join(column.formerly)}]}}" if column.formerly else ""
    return _COLUMN.format(
        name=column.name,
        label=_header(column.origin),
        logical="number" if column.number else "string",
        key=key,
        type=column.type,
        formerly=formerly,
    )


def _header(origin: str) -> str:
    return f"栏{origin}"


def project(root: Path, to: Path) -> Path:
    """A project of types and code lists whose only contracts will be written by `write`."""
    for part in ("types", "codes"):
        shutil.copytree(root / "schemas" / part, to / "schemas" / part)
    for name, sql in PHYSICAL.items():
        logical = "string" if sql == "STRING" else "number"
        (to / "schemas" / "types" / f"{name}.yaml").write_text(
            _TYPE.format(sql=sql, logical=logical), "utf-8"
        )
    (to / "schemas" / DEPARTMENT).mkdir()
    (to / "jobs").mkdir()
    return to


def write(to: Path, edition: Edition) -> None:
    """Put an edition into force."""
    for name, codes in edition.codes:
        (to / "schemas" / "types" / f"{name}.yaml").write_text(_LIST_TYPE % name, "utf-8")
        rows = "".join(f"{c},{c},{c},,,\n" for c in codes)
        (to / "schemas" / "codes" / f"{name}.csv").write_text(
            f"code,label_zh,label_en,valid_from,valid_to,note\n{rows}", "utf-8"
        )
    (to / "schemas" / f"{edition.dataset}.odcs.yaml").write_text(edition.yaml(), "utf-8")


Row = dict[str, str]  # origin -> text as delivered; "k" is the key


def delivered(rng: random.Random, edition: Edition, before: list[Row]) -> list[Row]:
    """Rows of a delivery: in every lane some as an earlier one brought them, some new, some with values left
    out.
    """
    rows: list[Row] = []
    for lane in edition.lanes:
        earlier = [r for r in before if r["k"].startswith(lane)]
        again = {r["k"]: r for r in rng.sample(earlier, min(len(earlier), 3))}
        rows += again.values()
        for key in rng.sample([f"{lane}K{n}" for n in range(9)], 3):
            values = {f.origin: _text(rng, f) for f in edition.of_lane(lane) if rng.random() < 0.8}
            rows += [] if key in again else [{"k": key, **values}]
    origins = {"k", *(f.origin for f in edition.fields)}
    return [{o: v for o, v in r.items() if o in origins} for r in rows]


def _text(rng: random.Random, column: Field) -> str:
    return rng.choice(ALL_CODES) if column.type.startswith("list_") else str(rng.randrange(100))


def csv(edition: Edition, rows: list[Row]) -> bytes:
    """The file, under the headers of the edition."""
    origins = ["k", *(f.origin for f in edition.fields)]
    lines = [",".join(_header(o) for o in origins), *(",".join(r.get(o, "") for o in origins) for r in rows)]
    return ("\r\n".join(lines) + "\r\n").encode()


def rows_of(body: bytes) -> list[Row]:
    """The rows of a landed file, by the origins in its header."""
    head, *lines = (line.split(",") for line in body.decode().splitlines())
    origins = [h.removeprefix("栏") for h in head]
    return [{o: v for o, v in zip(origins, line, strict=True) if v} for line in lines]


def kept_edition(contract: dict[str, Any], rules: dict[str, Any]) -> Edition:
    """The edition that the lake itself kept of a batch: the columns of the judging contract's text, and the
    rules by which it was judged, read out of their SQL.
    """
    kept, codes = list[Rule](), dict[str, tuple[str, ...]]()
    columns = [
        Field(c["label"]["zh"].removeprefix("栏"), c["name"], c["type"]["name"], tuple(c["formerly"]))
        for c in contract["columns"]
    ]
    origins = {c.name: c.origin for c in columns}
    for rule in rules["rules"]:
        name = rule["id"].split(".")[1]
        if bound := re.search(r"coalesce\((\w+) < (-?\d+), true\)", rule["broken"]):
            kept.append(Rule(name, origins[bound[1]], int(bound[2]), rule["severity"]))
        if rule["id"].endswith(".unknown_code"):
            held = re.search(r"NOT IN \(([^)]*)\)", rule["broken"])
            assert held is not None
            of = next(c.type for c in columns if c.name == rule["column"])
            codes[of] = tuple(c.strip("' ") for c in held[1].split(","))
    step = int(rules["version"].split(".")[1])
    key = next(c for c in columns if c.origin == "k")
    fields = tuple(c for c in columns if c.origin != "k")
    return Edition(
        contract["id"], contract["kind"], step, fields, tuple(kept), tuple(sorted(codes.items())), key
    )


Known = dict[str, tuple[dict[str, Any], frozenset[str]]]  # key -> values by origin, flags


@dataclass
class Truth:
    """What silver must hold as known now and as known after every delivery, and every refusal so far."""

    edition: Edition | None = field(default=None, compare=False)
    known: Known = field(default_factory=dict)
    history: list[tuple[int, Known]] = field(default_factory=list)  # by receipt
    refused: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    refusals: dict[tuple[int, str], int] = field(default_factory=dict)  # receipt, rule -> records

    def take(self, receipt: int, edition: Edition, rows: list[Row]) -> None:
        """Fold one delivery in, by the rules of its edition."""
        self._follow(edition)
        named: set[str] = set()
        claims: list[dict[str, Any]] = []  # what refused records say: the key may be the damaged part
        fields = {f.origin: f for f in edition.fields}
        for row in rows:
            errors, warnings = broken(edition, row)
            values = {o: fields[o].value(v) for o, v in row.items() if o in fields}
            key = row["k"]
            named.add(key)
            if errors:
                self._refuse(receipt, key, errors)
                claims.append(values)
            elif key not in self.known or _said(self.known[key][0], fields) != values:
                self.known[key] = (values, warnings)
        if edition.kind == "register":
            self.known = {k: v for k, v in self.known.items() if k in named or _said(v[0], fields) in claims}
        self.history.append((receipt, dict(self.known)))

    def _refuse(self, receipt: int, key: str, errors: frozenset[str]) -> None:
        self.refused.append((key, errors))
        for rule in errors:
            self.refusals[receipt, rule] = self.refusals.get((receipt, rule), 0) + 1

    def _follow(self, edition: Edition) -> None:
        """Values that are held become those of a wider type."""
        before = {f.origin: f for f in self.edition.fields} if self.edition else {}
        wider = [(before[f.origin], f) for f in edition.fields if f.origin in before]
        for old, new in ((o, n) for o, n in wider if o.number and not n.number):
            self.known = _converted(self.known, old, new)
            self.history = [(receipt, _converted(known, old, new)) for receipt, known in self.history]
        self.edition = edition


def _converted(known: Known, old: Field, new: Field) -> Known:
    return {
        k: ({o: old.widened(v, new) if o == old.origin else v for o, v in values.items()}, flags)
        for k, (values, flags) in known.items()
    }


def broken(edition: Edition, row: Row) -> tuple[frozenset[str], frozenset[str]]:
    """The errors and the warnings of a row, by the ids of the rules."""
    found: dict[str, list[str]] = {"error": [], "warning": []}
    for rule in edition.rules:
        if rule.origin in row and Decimal(row[rule.origin]) >= rule.bound:
            found[rule.severity].append(f"{edition.name}.{rule.id}")
    lists = dict(edition.codes)
    for column in edition.fields:
        if column.type in lists and row.get(column.origin, lists[column.type][0]) not in lists[column.type]:
            found["error"].append(f"{column.name}.unknown_code")
    return frozenset(found["error"]), frozenset(found["warning"])


def _said(values: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    return {o: v for o, v in values.items() if o in fields}
