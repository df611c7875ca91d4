"""What a change of a contract breaks: for its senders, and for the marts and views that read it."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from citylake.contract.inputs import MARTS, mart_inputs
from citylake.contract.load import load_contract, load_contracts, load_types
from citylake.contract.model import Contract
from citylake.contract.source import read_yaml
from citylake.core.errors import ContractError, LakeError


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
    old, new = _at(root, revision), load_contracts(root)
    found: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        found += _changes(root, old.get(name), new.get(name))
    return found


def _at(root: Path, revision: str) -> dict[str, Contract]:
    names = _git(root, "ls-tree", "-r", "--name-only", revision, "--", "schemas").splitlines()
    types = load_types(root)
    found: dict[str, Contract] = {}
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        for name in (n for n in names if n.endswith(".odcs.yaml")):
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_git(root, "show", f"{revision}:{name}"), "utf-8")
            try:
                contract = load_contract(read_yaml(path, Path(folder)), types)
            except ContractError:
                continue  # a contract that did not load promised nothing
            found[contract.id] = contract
    return found


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LakeError(
            "contract.revision",
            f"git knows no such revision: {arguments[-1]}",
            now="name a commit, a branch or a tag",
        )
    return done.stdout


def _changes(root: Path, old: Contract | None, new: Contract | None) -> list[Change]:
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
    found = [(text, True) for text in _breaking(old, new)] + [(text, False) for text in _additive(old, new)]
    needed = _version(old.version, any(b for _, b in found)) if found else old.version
    short = needed if _parts(new.version) < _parts(needed) else ""
    return [Change(new.path, new.id, text, b, _readers(root, new) if b else (), short) for text, b in found]


def _breaking(old: Contract, new: Contract) -> list[str]:
    before, after = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    found = [f"column {n} removed" for n in before.keys() - after.keys()]
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
    found = [f"column {c.name} added" for c in new.columns if c.name not in names]
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
