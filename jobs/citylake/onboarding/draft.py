"""A contract and a golden case written from what was found in a file; the author reads, answers and edits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from string import Template

from citylake.contract.model import Contract, Owner, SemanticType
from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError
from citylake.ingest.manifest import MANIFEST
from citylake.ingest.manifest_writer import Extract, Order, count_records, make_manifest
from citylake.onboarding.form import Form
from citylake.onboarding.proposal import Proposal, Proposed

_CONTRACT = Template("""\
# Draft from a sample. Above each column: what speaks for it. Answer the questions, then say status: active.
$questions
apiVersion: v3.2.0
kind: DataContract
id: $dataset
version: "1.0.0"
status: draft
domain: $department
description: {purpose: "待填写 (to be written)", limitations: "待填写 (to be written)"}
team: $team
servers: [$server]
schema:
- name: $name
  businessName: $name
  dataGranularityDescription: "待填写 (to be written)"
  customProperties:
$table
  properties:
$columns
  quality:
  - {id: rows_min, metric: rowCount, mustBeGreaterOrEqualTo: 1, severity: error, dimension: completeness}
slaProperties: [{property: frequency, value: 1, unit: m}, {property: latency, value: 72, unit: h}]
""")
_FIRST = 12
"""Records of a sample that become the golden case."""
_CASE_BYTES = 256 << 10
CASE = "first_records"
_DATASET = re.compile("[a-z][a-z0-9_]{0,62}/[a-z][a-z0-9_]{0,62}")


def contract_path(dataset: str, root: Path) -> Path:
    """Where a new contract goes; LakeError `sample.dataset` for a name that is none, or that is taken."""
    if not _DATASET.fullmatch(dataset) or dataset.startswith("marts/"):
        raise LakeError("sample.dataset", f"'{dataset[:80]}' is no department/dataset", now="a-z, 0-9 and _")
    path = root / "schemas" / f"{dataset}.odcs.yaml"
    if path.exists():
        raise LakeError(
            "sample.dataset",
            f"there is a contract for {dataset}",
            where=str(path.relative_to(root)),
            now="edit it",
        )
    return path


def contract_text(
    dataset: str, form: Form, proposal: Proposal, owner: Owner | None, header: SemanticType
) -> str:
    """The YAML of a contract that loads; what nobody knows yet says so."""
    department, _, name = dataset.partition("/")
    return _CONTRACT.substitute(
        questions="\n".join(f"# ? {_line(q)}" for q in proposal.questions),
        dataset=dataset,
        department=department,
        name=name,
        team=_team(owner),
        server=_server(dataset, form),
        table="\n".join(f"  - {{property: {k}, value: {v}}}" for k, v in _table(form, proposal).items()),
        columns="\n".join(_columns(proposal, header)),
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _text(value: str) -> str:
    """A YAML scalar in quotation marks."""
    return json.dumps(value, ensure_ascii=False)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _team(owner: Owner | None) -> str:
    owner = owner or Owner("", "待填写", "to-be-named", "to be named")
    members = f"[{{username: {owner.contact}, role: owner}}]"
    return f"{{name: {_text(owner.name)}, description: {_text(owner.name_en)}, members: {members}}}"


def _server(dataset: str, form: Form) -> str:
    delimiter = f", delimiter: {_text(form.delimiter)}" if form.format == "csv" else ""
    path = f"[{{property: path, value: inbox/{dataset}}}]"
    form_of = f"format: {form.format}{delimiter}, encoding: {form.encoding}"
    return f"{{server: inbox, type: custom, {form_of}, customProperties: {path}}}"


def _table(form: Form, proposal: Proposal) -> dict[str, str]:
    props = {"kind": proposal.kind}
    props |= {"container": form.container} if form.container else {}
    props |= {"preamble": str(form.preamble)} if form.preamble else {}
    props |= {"records": _text(form.records)} if form.records else {}
    props |= {"missing": _list(proposal.missing)} if proposal.missing else {}
    props |= {"ignored": _list(proposal.ignored)} if proposal.ignored else {}
    if proposal.wide:
        props["unpivot"] = f"{{header: {_text('^' + proposal.wide + '$')}, name: cell, value: value}}"
    return props


def _columns(proposal: Proposal, header: SemanticType) -> list[str]:
    """A line for each column; where nothing names a row, all columns that are always there do. `header`: the
    type of the headers of a wide file.
    """
    cells = [c for c in proposal.columns if proposal.is_cell(c)]
    plain = [c for c in proposal.columns if c not in cells]
    key = [*(proposal.key or (c.name for c in plain if c.complete)), *(("cell",) if cells else ())]
    lines = [_column(c, key) for c in plain]
    if cells:
        told = f"{len(cells)} columns, from {cells[0].header} to {cells[-1].header}"
        lines.append(_yaml("cell", "cell", header, {}, key, f"the header of {told}"))
        lines.append(_yaml("value", "value", cells[0].type, _fitted(cells), key, f"the cells of {told}"))
    return lines


def _column(column: Proposed, key: list[str]) -> str:
    told = "; ".join(t for t in (column.evidence, column.seen and f"seen: {column.seen}") if t)
    return _yaml(column.name, column.header, column.type, _fitted([column]), key, told)


def _fitted(columns: list[Proposed]) -> dict[str, str]:
    """What columns say beside their type."""
    missing = dict.fromkeys(m for c in columns for m in c.missing)
    scale = max((c.scale or 0 for c in columns), default=0)
    return ({"missing": _list(missing)} if missing else {}) | ({"scale": str(scale)} if scale else {})


def _yaml(name: str, header: str, kind: SemanticType, more: dict[str, str], key: list[str], told: str) -> str:
    custom = ", ".join(f"{{property: {k}, value: {v}}}" for k, v in {"type": kind.name, **more}.items())
    first = f", primaryKey: true, primaryKeyPosition: {key.index(name) + 1}" if name in key else ""
    column = f"name: {name}, logicalType: {kind.logical}, businessName: {_text(header)}{first}"
    return f"  # {_line(told)}\n  - {{{column}, customProperties: [{custom}]}}"


def write_case(dataset: str, sample: Path, contract: Contract, period: str, root: Path) -> str:
    """The first records of a sample as a golden case; "" where a part of it cannot be cut off and it is
    large.
    """
    body = sample.read_bytes()
    if (
        contract.format in ("csv", "jsonl", "spaced")
        and not contract.container
        and contract.encoding != "utf-16"
    ):
        lines = body.splitlines(keepends=True)
        body = b"".join(lines[: _FIRST + contract.preamble + 1])
    if len(body) > _CASE_BYTES:
        return ""
    folder = root / "tests" / "cases" / dataset / CASE / f"{period}-001"
    folder.mkdir(parents=True)
    file = folder / sample.name
    file.write_bytes(body)
    order = Order(contract, period, "full" if contract.kind == "register" else "changes")
    extract = Extract(file.name, file, count_records(file, contract))
    (folder / MANIFEST).write_bytes(
        make_manifest(order, folder.name, datetime.now(BEIJING), [extract], attested=True)
    )
    return str(folder.parent.relative_to(root))
