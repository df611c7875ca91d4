"""What a change of a contract breaks: for its senders, and for the marts and views that read it."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from citylake.compile.select import Compiled, compile_contract
from citylake.compile.tables import silver_shape
from citylake.contract.inputs import MARTS, mart_inputs
from citylake.contract.load import contract_files, load_contract, load_contracts
from citylake.contract.model import Contract
from citylake.contract.source import read_yaml
from citylake.contract.types import load_types
from citylake.core.errors import ContractError, LakeError
from citylake.storage.evolve import delta_type, evolution, stated


@dataclass(frozen=True)
class Change:
    """One difference between two versions of a contract."""

    file: str
    contract: str
    what: str
    breaking: bool
    breaks: tuple[str, ...]  # marts and views that read it
    needs: str  # the version that the change needs; "" when the contract has it


def changes_against(root: Path, revision: str) -> list[Change]:
    """Every change of every contract since a git revision; LakeError `contract.revision` when git does not
    know it.
    """
    new = load_contracts(root)
    found: list[Change] = []
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        before = _at(root, revision, Path(folder))
        old = _loaded(before)
        for name in sorted(old.keys() | new.keys()):
            found += _changes(root, before, old.get(name), new.get(name))
    return found


def _at(root: Path, revision: str, folder: Path) -> Path:
    """The contracts, types and code lists of a revision, as a project in a folder."""
    done = subprocess.run(
        ["git", "-C", str(root), "archive", revision, "--", "schemas"], capture_output=True, check=False
    )
    if done.returncode:
        raise LakeError(
            "contract.revision",
            f"git knows no such revision with contracts: {revision}",
            now="name a commit, a branch or a tag",
        )
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _loaded(root: Path) -> dict[str, Contract]:
    types = load_types(root)
    found: dict[str, Contract] = {}
    for path in contract_files(root):
        try:
            contract = load_contract(read_yaml(path, root), types)
        except ContractError:
            continue  # a contract that did not load promised nothing
        found[contract.id] = contract
    return found


def _changes(root: Path, before: Path, old: Contract | None, new: Contract | None) -> list[Change]:
    if old is None or new is None:
        gone = old or new
        assert gone is not None
        return [
            Change(
                gone.path,
                gone.id,
                "contract removed" if new is None else "contract added",
                new is None,
                _readers(root, gone),
                "",
            )
        ]
    found = [(text, True) for text in (*_refused(old, new), *_breaking(old, new))]
    found += [(text, False) for text in _additive(old, new)]
    needed = _version(old.version, any(b for _, b in found)) if found else old.version
    short = needed if _parts(new.version) < _parts(needed) else ""
    told = [Change(new.path, new.id, text, b, _readers(root, new) if b else (), short) for text, b in found]
    ruled = _rules(compile_contract(old, before), compile_contract(new, root)) if new.kind != "mart" else []
    return told + [Change(new.path, new.id, text, False, (), "") for text in ruled]


def _refused(old: Contract, new: Contract) -> list[str]:
    """What no table that exists can follow: another key or kind, a narrower type."""
    if "mart" in (old.kind, new.kind):
        return []
    before = silver_shape(old)
    try:
        evolution(
            "silver",
            {c.name: delta_type(c.type) for c in before.columns},
            dict(stated(before)),
            silver_shape(new),
        )
    except LakeError as error:
        return [f"REFUSED by every lake that holds rows: {error.what}; {error.now}"]
    return []


def _rules(old: Compiled, new: Compiled) -> list[str]:
    """Rules that came, went or judge otherwise; they hold for batches refined from now on."""
    before, after = ({r.id: r for r in (*c.verdicts, *c.flags)} for c in (old, new))
    found = [f"rule {r.id} added ({r.severity})" for r in after.values() if r.id not in before]
    found += [f"rule {r.id} removed ({r.severity})" for r in before.values() if r.id not in after]
    for one in (after[i] for i in after if i in before):
        was = before[one.id]
        if was.severity != one.severity:
            found.append(f"rule {one.id}: {was.severity} became {one.severity}")
        elif was.fingerprint != one.fingerprint:
            found.append(f"rule {one.id} judges otherwise")
    return found


def _breaking(old: Contract, new: Contract) -> list[str]:
    before, after = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    renamed = {n: c.name for c in new.columns for n in c.formerly if n in before and c.name not in before}
    found = [f"column {n} renamed {renamed[n]}" for n in renamed]
    found += [f"column {n} removed" for n in sorted(before.keys() - after.keys() - renamed.keys())]
    for name in sorted(before.keys() & after.keys()):
        a, b = before[name], after[name]
        if a.type.physical != b.type.physical:
            found.append(f"column {name}: {a.type.physical} became {b.type.physical}")
        elif a.type.name != b.type.name:
            found.append(f"column {name}: type {a.type.name} became {b.type.name}")
        if b.required and not a.required:
            found.append(f"column {name} became required")
        found += [
            f"column {name}: header of layout '{y}' changed"
            for y in a.headers
            if b.headers.get(y, a.headers[y]) != a.headers[y]
        ]
    for what in (
        "kind",
        "keys",
        "grain",
        "format",
        "encoding",
        "delimiter",
        "container",
        "preamble",
        "record_bytes",
        "unpivot",
    ):
        if getattr(old, what) != getattr(new, what):
            found.append(f"{what}: {getattr(old, what)} became {getattr(new, what)}")
    return found + [f"layout {y} removed" for y in old.layouts.keys() - new.layouts.keys()]


def _additive(old: Contract, new: Contract) -> list[str]:
    names = {c.name for c in old.columns}
    found = [f"column {c.name} added" for c in new.columns if not names & {c.name, *c.formerly}]
    return found + [f"layout {y} added" for y in new.layouts.keys() - old.layouts.keys()]


def _readers(root: Path, contract: Contract) -> tuple[str, ...]:
    """The marts that read a dataset (or mart), and the view that shows it."""
    view = (
        contract.id.replace("/", ".")
        if contract.kind == "mart"
        else f"silver.{contract.id.replace('/', '_')}"
    )
    marts = [c for c in load_contracts(root).values() if c.kind == "mart"]
    name = f"{MARTS}{contract.id}" if contract.kind == "mart" else contract.id
    return (*(f"mart {m.id}" for m in marts if name in mart_inputs(root, m.id)), f"view {view}")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(p) for p in version.split("."))


def _version(old: str, major: bool) -> str:
    a, b, _ = _parts(old)
    return f"{a + 1}.0.0" if major else f"{a}.{b + 1}.0"
