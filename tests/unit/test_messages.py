"""Every message id that the code can raise stands in the table of messages, and every id of the table can be
raised.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

MESSAGES = "docs/engineers/messages.md"
RAISED_BY = re.compile(
    r"(_?[A-Z][A-Za-z]*(Error|Failed|Missing|Moved|Refused)|_?[Ff]inding|_Damage|_problem|Problem)$"
)
ID = re.compile(r"[a-z_]+\.[a-z_0-9]+")


def _raised(root: Path) -> Iterator[str]:
    for path in (root / "jobs").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and RAISED_BY.search(
                getattr(node.func, "id", getattr(node.func, "attr", ""))
            ):
                texts = [
                    a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
                ]
                yield from (t for t in texts[:1] if ID.fullmatch(t))


def test_every_message_has_a_row_and_every_row_a_message(root: Path) -> None:
    table = "\n".join(
        line.split("|")[1]
        for line in (root / MESSAGES).read_text("utf-8").splitlines()
        if line.startswith("| `")
    )
    told, families = set(ID.findall(table)), set(re.findall(r"`([a-z_]+)\.\*`", table))
    raised = set(_raised(root))
    assert {r for r in raised if r not in told and r.split(".")[0] not in families} == set()
    code = "\n".join(p.read_text("utf-8") for p in (root / "jobs").rglob("*.py"))
    assert {t for t in told if t not in code} == set()
