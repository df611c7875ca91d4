"""Styles of an OpenDocument spreadsheet (ODF 1.3, part 3, clauses 16 and 17): what they say of how a cell's
value is shown, from `content.xml` and `styles.xml`, parents included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_NUMBER = "{urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_LENGTH = re.compile(r"([0-9.]+)(cm|mm|in|pt|pc|px)")
_POINTS = {"cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}


@dataclass(frozen=True, slots=True)
class Shown:
    """How a style shows a value."""

    indent: int = 0  # points
    percent: bool = False
    date: bool = False
    scaled: bool = False  # shows thousands or more of a number


PLAIN = Shown()


class Styles:
    """The cell styles of a document by name."""

    def __init__(self, *roots: ElementTree.Element) -> None:
        """`roots` are the documents that hold styles; a later one does not replace an earlier name."""
        elements = [e for root in reversed(roots) for e in root.iter()]
        self._styles = {
            e.get(f"{_STYLE}name", ""): e
            for e in elements
            if e.tag == f"{_STYLE}style" and e.get(f"{_STYLE}family") == "table-cell"
        }
        self._data = {
            e.get(f"{_STYLE}name", ""): e
            for e in elements
            if e.tag.startswith(_NUMBER) and e.tag.endswith("-style")
        }
        self._known: dict[str, Shown] = {}

    def shown(self, name: str) -> Shown:
        """How the cell style of that name shows a value; plainly for an unknown one."""
        if name not in self._known:
            self._known[name] = self._resolve(name)
        return self._known[name]

    def _resolve(self, name: str) -> Shown:
        """The nearest style of the line of parents that says something has the word."""
        line = list(self._line(name))
        indents = (i for s in line if (i := _indent(s)) is not None)
        formats = (d for s in line if (d := s.get(f"{_STYLE}data-style-name")) is not None)
        return replace(self._format(next(formats, "")), indent=next(indents, 0))

    def _line(self, name: str) -> Iterator[ElementTree.Element]:
        seen = set[str]()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            name = self._styles[name].get(f"{_STYLE}parent-style-name", "")

    def _format(self, name: str) -> Shown:
        found = self._data.get(name)
        if found is None:
            return PLAIN
        applied = (m.get(f"{_STYLE}apply-style-name", "") for m in found.iter(f"{_STYLE}map"))
        parts = [found, *(self._data[n] for n in applied if n in self._data)]
        factors = (e.get(f"{_NUMBER}display-factor", "1") for p in parts for e in p.iter())
        kind = found.tag.removeprefix(_NUMBER)
        return Shown(
            percent=kind == "percentage-style",
            date=kind == "date-style",
            scaled=any(float(f) != 1 for f in factors),
        )


def _indent(style: ElementTree.Element) -> int | None:
    for properties in style.iter(f"{_STYLE}paragraph-properties"):
        found = _LENGTH.fullmatch(properties.get(f"{_FO}margin-left", ""))
        if found:
            return round(float(found[1]) * _POINTS[found[2]])
    return None
