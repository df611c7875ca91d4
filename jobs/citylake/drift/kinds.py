"""The twelve kinds of drift: each is told with evidence in two languages and, where one can be, with a patch
of the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from citylake.contract.model import Column, Contract
from citylake.core.settings import ROOT
from citylake.drift.patch import ContractEdit, Impossible, code_patch
from citylake.drift.sample import SUPPORTED, Sample, read_sample
from citylake.drift.structure import Alignment, align
from citylake.drift.values import Seen, Values, finding
from citylake.drift.widths import Shift, cut, find_shift
from citylake.ingest.content import read_content
from citylake.ingest.formats.containers import plain_file
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import name_findings
from citylake.ledger.receipts import Finding

Kind = Literal[
    "renamed",
    "reordered",
    "added",
    "dropped",
    "split",
    "widened",
    "unit_change",
    "new_code",
    "date_format",
    "charset",
    "delimiter",
    "header_moved",
    "refused",
]
_JSON = ("json", "jsonl")
_SIGNS = {"\t": "TAB", ",": "逗号", ";": "分号", "|": "竖线"}
_HEADER = frozenset(
    {"renamed", "reordered", "added", "dropped", "split", "header_moved", "delimiter", "charset"}
)
# Drifts that say more than the refusal of the file.
_EXPLAINS = {
    "delivery.header": _HEADER,
    "delivery.header_order": _HEADER,
    "delivery.delimiter": frozenset({"delimiter"}),
    "delivery.charset": frozenset({"charset"}),
    "delivery.structure": _HEADER | {"widened"},
    "file.record_length": frozenset({"widened", "charset"}),
}
_MIXED = 0.85  # a record form below this score is told with doubt


@dataclass(frozen=True)
class Drift:
    """One difference between a delivery and its contract; `patch` is a unified diff of `schemas/` for a
    person to judge, "" where there is none.
    """

    kind: Kind
    column: str  # contract column, or the header text of a new one; "" for the whole file
    evidence_zh: str
    evidence_en: str
    confidence: float
    patch: str = ""


def diagnose(contract: Contract, path: Path, reference: Path | None, root: Path = ROOT) -> list[Drift]:
    """Every difference of a file from its contract, the likeliest first; `reference` is an earlier accepted
    file of the dataset.

    A file that the lake would refuse never comes out without a difference: where nothing else is one, its
    refusal is. All drifts that one contract patch answers carry the same patch.
    """
    refusals = (*name_findings(path.name), *read_content(path.name, path, contract).findings)
    found = list(_drifts(contract, path, reference, root)) if contract.format in SUPPORTED else []
    explained = {d.kind for d in found}
    found += [_refused(f) for f in refusals if not _EXPLAINS.get(f.rule, frozenset()) & explained]
    return sorted(found, key=lambda d: -d.confidence)


def _drifts(contract: Contract, path: Path, reference: Path | None, root: Path) -> Iterator[Drift]:
    """What a lenient reader finds; nothing for a file that even it cannot read."""
    with suppress(Unreadable):
        old = _sample(reference, contract) if reference else None
        case = _Case(contract, _sample(path, contract), old, root)
        yield from _form(case)
        yield from _fixed(case) if contract.format == "fixed_width" else _table(case)


def _sample(path: Path, contract: Contract) -> Sample:
    with plain_file(path, contract) as plain:
        return read_sample(plain, contract)


def _refused(finding: Finding) -> Drift:
    line = "" if finding.line is None else f" ({finding.line})"
    return Drift(
        "refused", finding.column, f"{finding.zh}{line}", f"{finding.en}{line} [{finding.rule}]", 1.0
    )


@dataclass(frozen=True)
class _Case:
    contract: Contract
    sample: Sample
    reference: Sample | None
    root: Path

    @property
    def new_form(self) -> dict[str, str]:
        """Keys of the server that differ."""
        found = {
            "encoding": (self.sample.encoding, self.contract.encoding),
            "delimiter": (self.sample.delimiter, self.contract.delimiter),
        }
        return {k: new for k, (new, old) in found.items() if new and new != old}

    @property
    def header_moved(self) -> bool:
        return self.contract.format == "csv" and self.sample.skipped != self.contract.preamble

    def edit(self) -> ContractEdit:
        """An edit that already holds what changed in the form of the file."""
        edit = ContractEdit(self.contract, self.root)
        for key, value in self.new_form.items():
            edit.server(key, value)
        if self.header_moved:
            if not self.sample.skipped:
                raise Impossible("a contract without preamble is written by removing the line")
            edit.table_property("preamble", self.sample.skipped)
        return edit

    def finish(self, edit: ContractEdit, *, major: bool) -> str:
        """The diff with the version that it needs."""
        edit.bump(major=major or bool(self.new_form) or self.header_moved)
        return edit.diff()


def _form(case: _Case) -> Iterator[Drift]:
    """Charset, delimiter and place of the header; their patch is the one of the whole file."""
    new, old, sample = case.new_form, case.contract, case.sample
    patch = _form_patch(case) if new or case.header_moved else ""
    if "encoding" in new:
        zh, en = (
            f"字符集为{sample.encoding},合约为{old.encoding}",
            f"the charset is {sample.encoding}, the contract says {old.encoding}",
        )
        yield Drift("charset", "", zh, en, 0.98, patch)
    if "delimiter" in new:
        signs = [_SIGNS.get(s, s) for s in (sample.delimiter, old.delimiter)]
        yield Drift(
            "delimiter",
            "",
            f"分隔符为{signs[0]},合约为{signs[1]}",
            f"the delimiter is {sample.delimiter!r}, not {old.delimiter!r}",
            0.97,
            patch,
        )
    if case.header_moved:
        zh, en = (
            f"表头前有{sample.skipped}行,合约为{old.preamble}行",
            f"{sample.skipped} records stand before the header, the contract says {old.preamble}",
        )
        yield Drift("header_moved", "", zh, en, 0.96, patch)


def _form_patch(case: _Case) -> str:
    if case.contract.format == "fixed_width":
        lengths = {len(line) for line in case.sample.lines}
        if lengths != {case.contract.record_bytes}:
            return ""
    try:
        if case.contract.format == "csv":
            found = align(case.sample, case.contract, case.reference, case.root)
            return _header_patch(case, found)
        return case.finish(case.edit(), major=True)
    except Impossible:
        return ""


def _table(case: _Case) -> Iterator[Drift]:
    found = align(case.sample, case.contract, case.reference, case.root)
    yield from _header(case, found)
    for values in _columns(case, found):
        seen = finding(values, case.root)
        if seen is not None:
            yield _told(seen, case)


def _told(seen: Seen, case: _Case) -> Drift:
    kind, codes = seen.column.type, list(seen.codes)
    patch = code_patch(case.root, kind.codes, codes) if kind.codes and codes else ""
    name: Kind = seen.kind  # pyright: ignore[reportAssignmentType]
    return Drift(name, seen.column.name, seen.zh, seen.en, seen.confidence, patch)


def _header(case: _Case, found: Alignment) -> Iterator[Drift]:
    """The columns that came, went, moved, split or changed their name."""
    if not (found.missing or found.unknown or found.renamed or found.split or found.moved):
        return
    patch, header = _safe_patch(case, found), case.sample.header
    layout = found.layout
    for r in found.renamed:
        old, new = r.column.header(layout), header[r.position]
        yield Drift(
            "renamed",
            r.column.name,
            f"列“{old}”现名“{new}”",
            f"the column '{old}' is now '{new}'",
            round(min(0.95, 0.5 + r.score / 2), 3),
            patch,
        )
    for s in found.split:
        a, b = (header[p] for p in s.positions)
        old = s.column.header(layout)
        zh, en = (
            f"列“{old}”分为“{a}”与“{b}”,合约不能按版式合并",
            f"the column '{old}' came as '{a}' and '{b}'; no layout can join them",
        )
        yield Drift("split", s.column.name, zh, en, round(0.6 + 0.3 * s.score, 3), "")
    yield from _gone(found.missing, layout, patch)
    for p in found.unknown:
        zh, en = (
            f"多出列“{header[p]}”;建议先只留原件,由人定其类型",
            f"a new column '{header[p]}'; kept in the original until a person names its type",
        )
        yield Drift("added", header[p], zh, en, 0.85, patch)
    if found.moved:
        names = "、".join(found.moved)
        yield Drift(
            "reordered",
            found.moved[0],
            f"列次序已变:{names}",
            f"columns in another order: {', '.join(found.moved)}",
            0.84,
            patch,
        )


def _gone(missing: list[Column], layout: str, patch: str) -> Iterator[Drift]:
    for column in missing:
        old = column.header(layout)
        must = ",为必填项,不建议接收" if column.required else ""
        zh, en = (
            f"缺少列“{old}”{must}",
            f"the column '{old}' is gone{'; it is required' if column.required else ''}",
        )
        yield Drift("dropped", column.name, zh, en, 0.86, patch)


def _safe_patch(case: _Case, found: Alignment) -> str:
    try:
        return _header_patch(case, found)
    except Impossible:
        return ""


def _header_patch(case: _Case, found: Alignment) -> str:
    """One patch for the whole header; none where a column is split or one that rows cannot do without is
    gone.
    """
    sources = {n for c in case.contract.columns for n in c.derived_from}
    if found.split or any(c.required or c.name in sources for c in found.missing):
        return ""
    if case.contract.format == "csv":
        return _layout_patch(case, found)
    return _key_patch(case, found) if case.contract.format in _JSON else ""


def _layout_patch(case: _Case, found: Alignment) -> str:
    edit = case.edit()
    if not (found.missing or found.unknown or found.renamed or found.moved):
        return case.finish(edit, major=False)
    if case.contract.unpivot:
        raise Impossible("a wide file has no layouts")
    header = case.sample.header
    at = {p: n for n, p in found.positions.items()} | {p: edit.column(header[p]) for p in found.unknown}
    edit.layout([at[p] for p in sorted(at)], {n: header[p] for p, n in at.items()})
    return case.finish(edit, major=False)


def _key_patch(case: _Case, found: Alignment) -> str:
    """JSON has one key for a column: a new key is one more column, a renamed one needs a new major
    version.
    """
    edit = case.edit()
    for p in found.unknown:
        edit.column(case.sample.header[p])
    for r in found.renamed:
        edit.synonym(r.column.name, case.sample.header[r.position], "")
    return case.finish(edit, major=bool(found.renamed)) if found.unknown or found.renamed else ""


def _columns(case: _Case, found: Alignment) -> Iterator[Values]:
    """The values of every matched column beside those of the reference."""
    old = align(case.reference, case.contract, None, case.root) if case.reference is not None else None
    now_keys = _by_key(case.sample, found.positions, case.contract)
    old_keys = (
        _by_key(case.reference, old.positions, case.contract)
        if case.reference is not None and old is not None
        else {}
    )
    for name, position in found.positions.items():
        before = (
            case.reference.values(old.positions[name])
            if case.reference is not None and old is not None and name in old.positions
            else None
        )
        place = old.positions[name] if before is not None and old is not None else -1
        numeric = case.contract.column(name).type.logical in ("number", "integer") and place >= 0
        pairs = (
            [(row[position], old_keys[k][place]) for k, row in now_keys.items() if k in old_keys]
            if numeric
            else []
        )
        yield Values(case.contract.column(name), case.sample.values(position), before, tuple(pairs))


def _by_key(
    sample: Sample, positions: dict[str, int], contract: Contract
) -> dict[tuple[str, ...], list[str]]:
    """Whole rows by the key of the contract; {} where a part of the key does not stand in the file."""
    places = [positions.get(k, -1) for k in contract.keys]
    if not places or min(places) < 0:
        return {}
    return {tuple(r[p] for p in places): r for r in sample.rows if len(r) == len(sample.header)}


def _fixed(case: _Case) -> Iterator[Drift]:
    """Places of fields first; values are judged where the fields stand."""
    shift = find_shift(case.sample, case.contract, case.reference, case.root)
    if shift.kind:
        yield _moved_fields(case, shift)
    for name, span in shift.spans.items():
        before = (
            cut(case.reference.lines, _old_span(case, name), case.reference.encoding)
            if case.reference is not None
            else None
        )
        seen = finding(
            Values(case.contract.column(name), cut(case.sample.lines, span, case.sample.encoding), before),
            case.root,
        )
        if seen is not None:
            yield _told(seen, case)


def _old_span(case: _Case, name: str) -> tuple[int, int]:
    column = case.contract.column(name)
    return column.start or 0, column.end or 0


def _moved_fields(case: _Case, shift: Shift) -> Drift:
    kind: Kind = shift.kind  # pyright: ignore[reportAssignmentType]
    names, old = "、".join(shift.columns), case.contract.record_bytes
    zh = f"记录长{shift.record_bytes}字节(合约{old})" + (f",字段{names}" if names else ",末尾多出字段")
    en = f"records of {shift.record_bytes} bytes, contracted {old}; " + (
        f"field {', '.join(shift.columns)}" if names else "a field at the end"
    )
    sure = 0.92 if shift.score >= _MIXED else 0.7
    return Drift(kind, shift.columns[0] if shift.columns else "", zh, en, sure, _span_patch(case, shift))


def _span_patch(case: _Case, shift: Shift) -> str:
    """New places under a new major version; none for a field that is gone."""
    if shift.kind == "dropped":
        return ""
    try:
        edit = case.edit()
        if shift.record_bytes != case.contract.record_bytes:
            edit.table_property("recordBytes", shift.record_bytes)
        for name, (start, end) in shift.spans.items():
            if (start, end) != _old_span(case, name):
                edit.span(name, start + 1, end)
        if shift.added:
            edit.column(
                f"新增字段{shift.added[0] + 1}-{shift.added[1]}", f"{shift.added[0] + 1}-{shift.added[1]}"
            )
        return case.finish(edit, major=True)
    except Impossible:
        return ""
