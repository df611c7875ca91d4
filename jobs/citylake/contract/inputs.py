"""What a mart reads, and the code that builds it, without importing it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

MARTS = "marts/"  # an input with this prefix is another mart table, else a dataset or a code list


def mart_inputs(root: Path, mart: str) -> tuple[str, ...]:
    """The literal INPUTS of a mart's module."""
    for node in _tree(_module(root, f"citylake.marts.{mart.replace('/', '.')}")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "INPUTS" for t in node.targets
        ):
            return tuple(ast.literal_eval(node.value))
    raise ValueError(f"marts/{mart}.py states no INPUTS")


def mart_code(root: Path, mart: str) -> str:
    """A hash of the mart's module and of all that it imports from `marts` and `identity`: other code, another
    build.
    """
    seen: set[Path] = set()
    _reach(root, _module(root, f"citylake.marts.{mart.replace('/', '.')}"), seen)
    return hashlib.sha256(
        b"".join(hashlib.sha256(p.read_bytes()).digest() for p in sorted(seen))
    ).hexdigest()[:16]


def _module(root: Path, name: str) -> Path:
    return root.joinpath("jobs", *name.split(".")).with_suffix(".py")


def _reach(root: Path, path: Path, seen: set[Path]) -> None:
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for name in _imports(_tree(path)):
        if name.startswith(("citylake.marts", "citylake.identity")):
            _reach(root, _module(root, name), seen)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))
