"""Sheets of an Office Open XML workbook (ECMA-376, part 1, clause 18): values with their formats, merges,
indents, errors and formulas that hold no value.

openpyxl knows the formats; the cells are streamed here, since it cannot tell an empty cell from a formula
that was never calculated, and holds the whole rectangle up to the last formatted cell.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from openpyxl.styles.numbers import BUILTIN_FORMATS

from citylake.ingest.formats.containers import DAMAGED_ZIP
from citylake.ingest.formats.sheets import Cell, Sheet, check_area, shown_number, unreadable

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CHINESE_DAYS = {27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58}


@dataclass(frozen=True)
class _Book:
    """What the cells of all sheets refer to."""

    strings: list[str]
    styles: list[tuple[str, int]]  # number format, indent
    base: datetime


def read(path: Path) -> list[Sheet]:
    """Every sheet of the workbook; Unreadable when its parts cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_sheets(archive, path.name))
    except (*DAMAGED_ZIP, ElementTree.ParseError, KeyError, StopIteration, TypeError, IndexError):
        raise unreadable(path.name) from None


def _sheets(archive: zipfile.ZipFile, name: str) -> Iterator[Sheet]:
    rels = {e.get("Id"): e for e in _parse(archive, "_rels/.rels")}
    main = next(e.get("Target", "") for e in rels.values() if e.get("Type", "").endswith("/officeDocument"))
    main = main.lstrip("/")
    root = _parse(archive, main)
    parts = {e.get("Id"): e for e in _parse(archive, _rels(main))}
    book = _Book(
        list(_strings(archive, _related(parts.values(), main, "/sharedStrings"))),
        list(_styles(archive, _related(parts.values(), main, "/styles"))),
        _base(root),
    )
    for entry in (e for e in root.iter() if _tag(e) == "sheet"):
        part = parts[next(v for k, v in entry.items() if k.endswith("}id"))]
        if not part.get("Type", "").endswith("/worksheet"):
            continue
        sheet = Sheet(entry.get("name", ""), entry.get("state", "visible") == "visible")
        with archive.open(_place(main, part.get("Target", ""))) as handle:
            _read_cells(handle, sheet, book, name)
        yield sheet


def _parse(archive: zipfile.ZipFile, member: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(member))


def _rels(member: str) -> str:
    folder, base = posixpath.split(member)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def _place(main: str, target: str) -> str:
    return (
        target.lstrip("/")
        if target.startswith("/")
        else posixpath.normpath(posixpath.join(posixpath.dirname(main), target))
    )


def _related(parts: object, main: str, kind: str) -> str | None:
    found = (e for e in parts if e.get("Type", "").endswith(kind))  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType, reportUnknownMemberType]
    part = next(found, None)
    return None if part is None else _place(main, part.get("Target", ""))


def _base(root: ElementTree.Element) -> datetime:
    old = any(_tag(e) == "workbookPr" and e.get("date1904") in ("1", "true") for e in root)
    return datetime(1904, 1, 1) if old else datetime(1899, 12, 30)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(_MAIN).removeprefix(_STRICT)


def _strings(archive: zipfile.ZipFile, member: str | None) -> Iterator[str]:
    if member is None or member not in archive.namelist():
        return
    with archive.open(member) as handle:
        for _, element in ElementTree.iterparse(handle):
            if _tag(element) == "si":
                yield _text(element)
                element.clear()


def _text(element: ElementTree.Element) -> str:
    """The runs of a string without its phonetic reading; `_x000D_` stands for that character."""
    runs = [e for e in element.iter() if _tag(e) == "t"]
    phonetic = {t for p in element.iter() if _tag(p) == "rPh" for t in p.iter()}
    joined = "".join(t.text or "" for t in runs if t not in phonetic)
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), joined)


def _styles(archive: zipfile.ZipFile, member: str | None) -> Iterator[tuple[str, int]]:
    if member is None or member not in archive.namelist():
        return
    root = _parse(archive, member)
    own = {e.get("numFmtId"): e.get("formatCode", "") for e in root.iter() if _tag(e) == "numFmt"}
    for xf in (x for e in root if _tag(e) == "cellXfs" for x in e):
        number = xf.get("numFmtId", "0")
        code = own.get(number) or BUILTIN_FORMATS.get(int(number), "General")
        aligned = next((a for a in xf if _tag(a) == "alignment"), None)
        indent = int(aligned.get("indent", "0")) if aligned is not None else 0
        yield ("yyyy-mm-dd" if int(number) in _CHINESE_DAYS and number not in own else code), indent


def _read_cells(handle: IO[bytes], sheet: Sheet, book: _Book, name: str) -> None:
    """Cells that show something; formatted blanks are left out."""
    row = column = -1
    height = width = 0
    data: ElementTree.Element | None = None
    merged: list[tuple[int, int, int, int]] = []
    for event, element in ElementTree.iterparse(handle, ("start", "end")):
        tag = _tag(element)
        if event == "start":
            if tag == "row":
                row, column = int(element.get("r", row + 2)) - 1, -1
            elif tag == "sheetData":
                data = element
            continue
        if tag == "c":
            row, column = _where(element.get("r"), row, column)
            if (cell := _cell(element, book)) is not None:
                sheet.cells[row, column] = cell
                height, width = max(height, row + 1), max(width, column + 1)
                check_area(height, width, name)
            element.clear()
        elif tag == "row" and data is not None:
            data.clear()
        elif tag == "mergeCell":
            merged.append(_area(element.get("ref", "")))
    sheet.fill(merged, name)


def _where(address: str | None, row: int, column: int) -> tuple[int, int]:
    found = _ADDRESS.fullmatch(address or "")
    if found is None:
        return row, column + 1
    place = sum((ord(c) - 64) * 26**i for i, c in enumerate(reversed(found[1])))
    return int(found[2]) - 1, place - 1


def _area(ref: str) -> tuple[int, int, int, int]:
    first, _, last = ref.partition(":")
    top, left = _where(first, 0, 0)
    bottom, right = _where(last or first, 0, 0)
    return top, bottom, left, right


def _cell(element: ElementTree.Element, book: _Book) -> Cell | None:
    kind, style = element.get("t", "n"), int(element.get("s", "0"))
    pattern, indent = book.styles[style] if style < len(book.styles) else ("General", 0)
    parts = {_tag(e): e for e in element}
    value = parts["v"].text if "v" in parts else None
    if kind == "inlineStr":
        text = _text(parts["is"]) if "is" in parts else ""
        return Cell(text, indent) if text else None
    if value is None or (value == "" and kind != "str"):
        return Cell("", fault="file.formula_without_value") if "f" in parts else None
    match kind:
        case "s":
            text = book.strings[int(value)]
            return Cell(text, indent) if text else None
        case "str":
            text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), value)
            return Cell(text, indent) if text else None
        case "e":
            return Cell(value, fault="file.error_cell")
        case "b":
            return Cell("TRUE" if value == "1" else "FALSE")
        case "d":
            return Cell(value.replace("T", " ").removesuffix(" 00:00:00"))
        case _:
            return shown_number(float(value), pattern, book.base)
