"""What a mart reads, and the code that builds it, without importing it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from citylake.core.project import PACKAGE, mart_module

# An input without one of these prefixes is a dataset: the rows of its silver table.
MARTS, CODES, QUARANTINE, LEDGER = "marts/", "codes/", "quarantine/", "ledger/"
REFERENCE_DAY = f"{LEDGER}reference_day"  # the day for which a mart tells what is so, see `referenceDay`
DELIVERIES = f"{LEDGER}deliveries"  # what was accepted of every dataset behind a mart, with its period
COVERAGE = f"{LEDGER}coverage"  # the same of every mart and each dataset behind it


def mart_inputs(root: Path, mart: str) -> tuple[str, ...]:
    """The literal INPUTS of a mart's module."""
    for node in _tree(mart_module(root, mart)[1]).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "INPUTS" for t in node.targets
        ):
            return tuple(ast.literal_eval(node.value))
    raise ValueError(f"marts/{mart}.py states no INPUTS")


def is_dataset(name: str) -> bool:
    """Whether an input is a dataset, not another mart, a code list, a quarantine, the ledger, or the mart's
    own contract or code.
    """
    return "/" in name and not name.startswith((MARTS, CODES, QUARANTINE, LEDGER))


def mart_datasets(root: Path, mart: str) -> tuple[str, ...]:
    """The datasets that a mart reads, directly or through other marts, sorted."""
    found: set[str] = set()
    for name in mart_inputs(root, mart):
        if name.startswith(MARTS):
            found.update(mart_datasets(root, name.removeprefix(MARTS)))
        elif is_dataset(name):
            found.add(name)
    return tuple(sorted(found))


def mart_code(root: Path, mart: str) -> str:
    """A hash of the mart's module and of all that it imports from `marts` and `identity`: other code, another
    build.
    """
    seen: set[Path] = set()
    _reach(root, mart_module(root, mart)[1], seen)
    return hashlib.sha256(
        b"".join(hashlib.sha256(p.read_bytes()).digest() for p in sorted(seen))
    ).hexdigest()[:16]


def _module(root: Path, name: str) -> Path | None:
    """The file of a module whose code a mart may share; None for any other."""
    if name.startswith(("citylake.marts.", "citylake.identity.")):
        return PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
    return root.joinpath("jobs", *name.split(".")).with_suffix(".py") if name.startswith("marts.") else None


def _reach(root: Path, path: Path | None, seen: set[Path]) -> None:
    if path is None or path in seen or not path.is_file():
        return
    seen.add(path)
    for name in _imports(_tree(path)):
        _reach(root, _module(root, name), seen)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))
