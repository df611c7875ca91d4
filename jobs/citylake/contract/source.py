"""Reads YAML strictly and remembers on which line everything stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from citylake.core.errors import ContractError

Place = tuple[str | int, ...]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Source:
    """A YAML file as plain data beside the line of every path in it."""

    path: str
    data: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of a path, or of its nearest known ancestor."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_yaml(path: Path, root: Path) -> Source:
    """Read one document; whatever is wrong with its bytes, syntax, keys or values is a ContractError with its
    line.
    """
    name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise _broken(name, error.object[: error.start].count(b"\n") + 1, "the file is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _broken(name, (mark.line + 1) if mark else 1, str(getattr(error, "problem", error))) from None
    lines: dict[Place, int] = {}
    try:
        return Source(name, _value(node, (), lines, name), lines)
    except RecursionError:
        raise _broken(name, 1, "nested too deeply, or an alias that holds itself") from None


def _broken(name: str, line: int, problem: str) -> ContractError:
    return ContractError(
        "contract.yaml", f"{name}:{line}: {problem}", where=f"{name}:{line}", now="mend the YAML"
    )


def _value(node: Any, place: Place, lines: dict[Place, int], name: str) -> Any:
    lines[place] = node.start_mark.line + 1 if node is not None else 1
    if node is not None and (not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag):
        raise _broken(name, node.start_mark.line + 1, f"the tag {node.tag} is not allowed")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, name)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, i), lines, name) for i, item in enumerate(node.value)]
    return None if node is None else _scalar(node, name)


def _mapping(node: yaml.MappingNode, place: Place, lines: dict[Place, int], name: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in out:
            raise _broken(name, key_node.start_mark.line + 1, f"the key '{key}' stands twice")
        out[key] = _value(value_node, (*place, key), lines, name)
        lines[(*place, key)] = key_node.start_mark.line + 1
    return out


def _scalar(node: yaml.ScalarNode, name: str) -> Any:
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, yaml.YAMLError):
        kind = node.tag.rsplit(":", 1)[-1]
        raise _broken(
            name, node.start_mark.line + 1, f"'{node.value}' is no {kind}; quote it if it is meant as text"
        ) from None
