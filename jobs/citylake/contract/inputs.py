"""What a mart reads, without importing it."""

from __future__ import annotations

import ast
from pathlib import Path


def mart_inputs(root: Path, mart: str) -> tuple[str, ...]:
    """The literal INPUTS of a mart's module."""
    tree = ast.parse((root / "jobs" / "citylake" / "marts" / f"{mart}.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "INPUTS" for t in node.targets):
            return tuple(ast.literal_eval(node.value))
    raise ValueError(f"marts/{mart}.py states no INPUTS")
