"""Contract patches as unified diffs: lines of the YAML file are changed or added in place, every other line
keeps its bytes.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import json
import re
from pathlib import Path

from citylake.contract.model import Contract
from citylake.contract.redlines import refused_name
from citylake.contract.source import Place, Source, read_yaml

_TABLE: Place = ("schema", 0)
_PLAIN = re.compile(r"[A-Za-z_\u3400-\u9fff][\w()（）./\u3400-\u9fff-]*")
_WORDS = {"yes", "no", "true", "false", "null", "on", "off", "y", "n"}
# Kept in the original only: a column that nobody has described may name persons.
LANDING_ONLY = "person_name"


class Impossible(Exception):
    """The contract's text cannot be edited line by line in this way."""


class ContractEdit:
    """Edits of one contract file, gathered and told as one diff."""

    def __init__(self, contract: Contract, root: Path) -> None:
        """Reads the file; nothing is ever written back to it."""
        self._contract, self._root = contract, root
        self._path = root / contract.path
        self._source: Source = read_yaml(self._path, root)
        self._old = _lines_of(self._path)
        self._lines = dict(enumerate(self._old, start=1))
        self._before: dict[int, list[str]] = {}
        self._layout = ""
        self._names = {c.name for c in contract.columns}

    def diff(self) -> str:
        """The edits as a unified diff relative to the project's root; "" where there is none."""
        new = [text for n, line in self._lines.items() for text in (*self._before.get(n, ()), *_split(line))]
        return _diff(self._contract.path, self._old, new)

    def bump(self, *, major: bool) -> None:
        """The next version: major where old deliveries no longer fit, minor where they do."""
        first, second, *_ = (int(p) for p in self._contract.version.split("."))
        after = f"{first + 1}.0.0" if major else f"{first}.{second + 1}.0"
        self._change(self._line(("version",)), re.escape(self._contract.version), after)

    def server(self, key: str, value: str) -> None:
        """Another `encoding` or `delimiter` of the server."""
        line = self._line(("servers", 0, key))
        self._change(line, rf'(?<=\b{key}: )("(?:[^"\\]|\\.)*"|[^,}}\s]+)', _scalar(value))

    def table_property(self, name: str, value: int) -> None:
        """Another value of a plain custom property of the table, or the property itself."""
        for i, item in enumerate(self._source.data["schema"][0]["customProperties"]):
            if item["property"] == name:
                self._change(self._line((*_TABLE, "customProperties", i)), r"(?<=value: )[0-9]+", str(value))
                return
        self._first_table_property(f"- {{property: {name}, value: {value}}}")

    def layout(self, columns: list[str], headers: dict[str, str]) -> str:
        """A further layout with these columns in order and these header texts; returns its name."""
        layouts = self._contract.layouts
        own = not layouts
        number = len(layouts) + (2 if own else 1)
        while f"layout-{number}" in layouts:
            number += 1
        self._layout = f"layout-{number}"
        if own:
            old = ", ".join(c.name for c in self._contract.layout_columns(""))
            new = ", ".join(columns)
            self._first_table_property(
                "- {property: layouts, value: {",
                f"    layout-1: [{old}],",
                f"    {self._layout}: [{new}]}}}}",
            )
        else:
            self._last_layout(columns)
        for column in self._contract.columns:
            if column.name in headers and column.header(self._layout) != headers[column.name]:
                self.synonym(column.name, headers[column.name], self._layout)
        return self._layout

    def synonym(self, column: str, text: str, layout: str) -> None:
        """One more header text of a column; with layout "" it takes the place of the label."""
        line = self._line(self._place(column))
        entry = f"{{synonym: {_scalar(text)}" + (f", source: {layout}}}" if layout else "}")
        if "synonyms: [" in self._lines[line]:
            self._change(line, r"synonyms: \[", f"synonyms: [{entry}, ")
            return
        label = self._contract.column(column).header("")
        keep = f"{{synonym: {_scalar(label)}}}, " if layout else ""
        self._change(line, ", customProperties: ", f", synonyms: [{keep}{entry}], customProperties: ")

    def column(self, header: str, span: str = "") -> str:
        """A further column that stays in the original until a person names its type; returns its name."""
        name = self._free_name(header)
        place = f"{{property: bytes, value: {json.dumps(span)}}}, " if span else ""
        text = (
            f"{{name: {name}, logicalType: string, businessName: {_scalar(header)}, customProperties:"
            f" [{place}{{property: type, value: {LANDING_ONLY}}}]}}"
        )
        last = self._line((*_TABLE, "properties", len(self._source.data["schema"][0]["properties"]) - 1))
        if not self._lines[last].rstrip().endswith("}"):
            raise Impossible("the last column does not stand on one line")
        self._before.setdefault(last + 1, []).append(f"{_indent(self._lines[last])}- {text}\n")
        return name

    def span(self, column: str, first: int, last: int) -> None:
        """Another place of a column in a fixed-width record, from byte 1."""
        line = self._line(self._place(column))
        self._change(line, r'(?<=property: bytes, value: )"[0-9]+-[0-9]+"', f'"{first}-{last}"')

    def _free_name(self, header: str) -> str:
        name = re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or name in self._names or refused_name(name):
            name = next(n for i in itertools.count(1) if (n := f"added_{i}") not in self._names)
        self._names.add(name)
        return name

    def _first_table_property(self, *texts: str) -> None:
        key, first = self._line((*_TABLE, "customProperties")), self._line((*_TABLE, "customProperties", 0))
        if key == first:
            raise Impossible("customProperties of the table stand on one line")
        self._before.setdefault(first, []).extend(f"{_indent(self._lines[first])}{text}\n" for text in texts)

    def _last_layout(self, columns: list[str]) -> None:
        """Behind the others: a layout with the same header texts in the contract's order stays the first to
        be tried.
        """
        items = self._source.data["schema"][0]["customProperties"]
        i = next(n for n, item in enumerate(items) if item["property"] == "layouts")
        line = self._line((*_TABLE, "customProperties", i, "value", list(items[i]["value"])[-1]))
        indent = (
            _indent(self._lines[line])
            if line != self._line((*_TABLE, "customProperties", i))
            else _indent(self._lines[line]) + "    "
        )
        self._change(line, r"\](?=\s*\}\s*\}\s*$)", f"],\n{indent}{self._layout}: [{', '.join(columns)}]")

    def _place(self, column: str) -> Place:
        raw = self._source.data["schema"][0]["properties"]
        return (*_TABLE, "properties", next(i for i, c in enumerate(raw) if c["name"] == column))

    def _line(self, place: Place) -> int:
        if place not in self._source.lines:
            raise Impossible(f"{'.'.join(map(str, place))} is not stated")
        return self._source.lines[place]

    def _change(self, line: int, pattern: str, text: str) -> None:
        changed, count = re.subn(pattern, lambda m: text, self._lines[line], count=1)
        if not count:
            raise Impossible(f"line {line} is not written as expected")
        self._lines[line] = changed


def code_patch(root: Path, name: str, codes: list[str]) -> str:
    """New rows at the end of a code list, to be named by a person."""
    path = root / "schemas" / "codes" / f"{name}.csv"
    old = _lines_of(path)
    columns = next(csv.reader([old[0]]))
    facts = {"label_zh": "待确认", "label_en": "to be confirmed", "note": "unconfirmed; seen in a delivery"}
    rows = [_csv_line([{"code": code}.get(c, facts.get(c, "")) for c in columns], old[0]) for code in codes]
    return _diff(f"schemas/codes/{name}.csv", old, [*old, *rows])


def _csv_line(values: list[str], like: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n" if like.endswith("\r\n") else "\n").writerow(values)
    return text.getvalue()


def _lines_of(path: Path) -> list[str]:
    """The lines of a file with the line ends that they have."""
    return [line.decode("utf-8") for line in path.read_bytes().splitlines(keepends=True)]


def _split(text: str) -> list[str]:
    """A line that became several as its lines."""
    return (
        [part + "\n" for part in text.removesuffix("\n").split("\n")]
        if text.endswith("\n")
        else text.split("\n")
    )


def _diff(path: str, old: list[str], new: list[str]) -> str:
    return "".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _scalar(text: str) -> str:
    """A YAML scalar for flow style; quoted unless it is plainly a word."""
    return (
        text
        if _PLAIN.fullmatch(text) and text.lower() not in _WORDS
        else json.dumps(text, ensure_ascii=False)
    )
