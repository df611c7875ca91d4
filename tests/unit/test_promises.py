"""No promise without a reader: every field of a contract, every setting, every parameter of a command is read
somewhere and said somewhere. The lists are taken from the models themselves.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from citylake.cli.app import app
from citylake.cli.reference import commands, pages
from citylake.contract import model
from citylake.core.settings import ROOT, Settings

PACKAGE = ROOT / "jobs" / "citylake"
LOADER = "contract/load.py"  # who writes a field does not read it
FIELDS = sorted(
    f"{name}.{f.name}"
    for name, shape in vars(model).items()
    if inspect.isclass(shape) and is_dataclass(shape)
    for f in fields(shape)
)
COMMANDS = dict(commands(app))
STANDARD = {  # keys of ODCS that its own schema demands, or that a reader of another lake expects
    "apiVersion": "the edition of the standard",
    "logicalType": "the standard's type of a column; ours is the semantic type",
    "role": "of the owner",
}


@cache
def _reads() -> dict[str, set[str]]:
    """Name of an attribute -> modules (and templates) that read it."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        module = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.attr, set()).add(module)
    for path in PACKAGE.rglob("*.j2"):
        for name in re.findall(r"\.(\w+)", path.read_text("utf-8")):
            found.setdefault(name, set()).add(str(path.relative_to(PACKAGE)))
    return found


@cache
def _source() -> str:
    return "".join(p.read_text("utf-8") for p in sorted(PACKAGE.rglob("*.py")))


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_a_contract_is_read(field: str) -> None:
    assert _reads().get(field.split(".")[1], set()) - {LOADER}, f"{field}: nobody reads it"


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"profile"}))
def test_every_setting_is_read(name: str) -> None:
    assert _reads().get(name), f"{name}: nobody reads it"


@pytest.mark.parametrize("node", ["table", "column"])
def test_every_property_of_a_contract_is_read_and_documented(node: str) -> None:
    schema = json.loads((PACKAGE / "contract" / "properties.schema.json").read_text("utf-8"))["$defs"]
    page = (ROOT / "docs" / "engineers" / "contracts.md").read_text("utf-8")
    known = list(schema[node]["properties"])
    assert [n for n in known if f'"{n}"' not in _source()] == []
    assert [n for n in known if not re.search(rf"`{n}\b", page)] == []


def test_every_key_that_a_contract_writes_is_read() -> None:
    written = {key for path in sorted((ROOT / "schemas").rglob("*.odcs.yaml")) for key in _keys(_yaml(path))}
    unread = {key for key in written if f'"{key}"' not in _source()}
    assert unread == set(STANDARD)


def test_every_key_that_a_type_writes_is_read() -> None:
    files = [p for p in sorted((ROOT / "schemas" / "types").glob("*.yaml")) if p.stem != "steps"]
    assert [(p.stem, k) for p in files for k in _yaml(p) if f'"{k}"' not in _source()] == []


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _keys(node: Any) -> Iterator[str]:
    """The keys of a contract; what stands in a property of ours is known by its own schema."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from _keys(value) if not (key == "value" and "property" in node) else ()
    for one in node if isinstance(node, list) else ():
        yield from _keys(one)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_parameter_of_a_command_is_read_and_said(name: str) -> None:
    command = COMMANDS[name]
    assert (command.help or "").strip(), "it says nothing of itself"
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(command.callback))))
    body = tree.body[0]
    assert isinstance(body, ast.FunctionDef)
    read = {n.id for line in body.body for n in ast.walk(line) if isinstance(n, ast.Name)}
    parameters = {p.name: p for p in command.params if p.name != "help"}
    assert sorted(set(parameters) - read) == [], "nobody reads it"
    assert [n for n, p in parameters.items() if not p.help] == [], "it has no words"


def test_the_generated_pages_say_what_is_so() -> None:
    """`python -m citylake.cli.reference` writes them."""
    assert [str(p) for p, text in pages().items() if p.read_text("utf-8") != text] == []
