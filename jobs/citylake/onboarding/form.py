"""The form of a file without a contract, found in its bytes: format, container, charset, delimiter, where the
header stands and what it says.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from citylake.contract.meaning import header_key, tidy
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.drift.sample import decodes
from citylake.ingest.formats.containers import kind_of, plain_file
from citylake.ingest.formats.dbf import field_names
from citylake.ingest.formats.sheets import read_sheets
from citylake.onboarding.evidence import shape

_HEAD = 4 << 20
_ROWS = 400
_DELIMITERS = (",", "\t", ";", "|", "^")
_CHARSETS = ("utf-8", "gb18030")
_DECLARED = re.compile(r"""\s*<\?xml[^>]*encoding\s*=\s*["']([\w-]+)""")
_DAMAGED = 0.05  # of the lines of a file; single records may be
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Form:
    """How a file is read: the properties of a contract's `servers` and table that say so."""

    format: str
    headers: tuple[str, ...]  # one for each column, in the file's order
    container: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    preamble: int = 0
    records: str = ""  # JSON: the member that holds the array; XML: the name of a row's element


def read_form(path: Path, blank: Contract) -> Form:
    """The form of a file; LakeError `sample.form` where its bytes do not tell one.

    `blank`: any contract; what opens a container asks for one.
    """
    kind = kind_of(path)
    container = "gzip" if kind == "gzip" else "zip" if kind == "zip" and not _workbook(path) else ""
    with _plain(path, blank, container) as plain:
        form = _read(plain, kind if not container else kind_of(plain))
    repeated = [h for h, n in Counter(map(header_key, form.headers)).items() if n > 1]
    if repeated:
        raise _unknown(path, f"the header '{repeated[0]}' stands twice", "ask for a header of its own")
    return replace(form, container=container)


@contextmanager
def _plain(path: Path, blank: Contract, container: str) -> Iterator[Path]:
    if not container:
        yield path
        return
    with plain_file(path, replace(blank, container=container)) as plain:
        yield plain


def _read(path: Path, kind: str) -> Form:
    if kind in ("zip", "OLE"):
        return _sheet(path, _workbook(path) or "xls")
    if kind:
        raise _unknown(path, f"the bytes are {kind}, which no department delivers", "ask for the data itself")
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if names := field_names(head, "gb18030"):
        return Form("dbf", names, encoding="gb18030")
    encoding, text = _decoded(path, head)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _json(path, encoding, text)
    return _xml(path, encoding) if start == "<" else _lines(path, encoding, text)


def _workbook(path: Path) -> str:
    """xlsx or ods by what an archive holds; "" for another one and for what is none."""
    if not zipfile.is_zipfile(path):
        return ""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:99]:
            return "ods"
    return "xlsx" if "[Content_Types].xml" in names else ""


def _decoded(path: Path, head: bytes) -> tuple[str, str]:
    """Charset and text of the first bytes, cut at a line end where the file goes on."""
    mark = next((name for m, name in _MARKS if head.startswith(m)), "")
    if len(head) == _HEAD and mark != "utf-16":
        head = head[: head.rfind(b"\n") + 1]
    name = mark or min(_CHARSETS, key=lambda c: _damaged(head, c))
    text = head.decode(name, "replace").removeprefix("\ufeff")
    if "\0" in text or (name != "utf-16" and _damaged(head, name) > _DAMAGED):
        raise _unknown(path, "the text is neither UTF-8 nor GB18030", "ask for one of them")
    return name, text


def _damaged(head: bytes, charset: str) -> float:
    """The share of lines that a charset cannot read."""
    lines = head.split(b"\n")
    return sum(1 for line in lines if not decodes(line, charset)) / len(lines)


def _sheet(path: Path, form: str) -> Form:
    """The first visible sheet that shows a row of headers with rows below it."""
    for sheet in (s for s in read_sheets(path) if s.visible and s.height > 1):
        rows = [[tidy(t) for t in row] for row in sheet.texts(_ROWS)]
        at = _header(rows)
        if at is not None:
            return Form(form, tuple(t for t in rows[at] if t))
    raise _unknown(path, "no visible sheet has a row of headers", "ask for one header above the rows")


def _lines(path: Path, encoding: str, text: str) -> Form:
    """Delimited by the sign that cuts most lines alike; else blanks between columns, without a header."""
    best = max((_cut(text, sign) for sign in _DELIMITERS), key=lambda c: c[1])
    sign, alike, rows = best
    if alike:
        at = _header(rows)
        if at is None:
            raise _unknown(path, "the first rows hold values, no header", "ask for a header")
        return Form("csv", tuple(map(tidy, rows[at])), "", encoding, sign, _line_of(text, sign, at))
    words = [line.split() for line in text.splitlines()[:_ROWS] if line.strip()]
    width = len(words[0]) if words else 0
    if width > 1 and all(len(w) == width for w in words):
        return Form("spaced", tuple(f"column {i + 1}" for i in range(width)), "", encoding)
    raise _unknown(
        path,
        "no delimiter cuts its lines alike",
        "for a file of fixed width write the contract by hand: bytes of each column stand in its description",
    )


def _cut(text: str, sign: str) -> tuple[str, int, list[list[str]]]:
    """A sign, how many of the first records it cuts into one number of fields (times up to three of them),
    and the records.
    """
    try:
        rows = [r for _, r in zip(range(_ROWS), csv.reader(io.StringIO(text), delimiter=sign), strict=False)]
    except csv.Error:
        return sign, 0, []
    width, count = Counter(len(r) for r in rows if r).most_common(1)[0] if any(rows) else (0, 0)
    alike = count * min(width, 3) if width > 1 and 2 * count > len(rows) else 0
    return sign, alike, rows


def _header(rows: list[list[str]]) -> int | None:
    """The first row of the usual width, all filled, that is not one title over merged cells; None where it
    holds values.
    """
    widths = Counter(sum(bool(c.strip()) for c in row) for row in rows)
    width = max((w for w, n in widths.items() if w > 1 and 4 * n >= len(rows)), default=0)
    for at, row in enumerate(rows[:40]):
        filled = [tidy(c) for c in row if tidy(c)]
        if width and len(filled) >= width and len(set(filled)) > 1:
            return None if _is_like(row, rows[at + 1 : at + 4]) else at
    return None


def _is_like(row: list[str], below: list[list[str]]) -> bool:
    """Whether over a third of the cells hold digits in the shape of those below: then it is a row as well."""
    same = [
        any(shape(cell) == shape(other[i]) for other in below if i < len(other))
        for i, cell in enumerate(row)
        if any(c.isdigit() for c in cell)
    ]
    return 3 * sum(same) > len(row)


def _line_of(text: str, sign: str, at: int) -> int:
    """How many lines stand before a record."""
    reader = csv.reader(io.StringIO(text), delimiter=sign)
    for _ in range(at):
        next(reader)
    return reader.line_num


def _json(path: Path, encoding: str, text: str) -> Form:
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        items = [json.loads(line) for line in lines[:_ROWS]]
        if len(items) > 1 and all(isinstance(i, dict) for i in items):
            return Form("jsonl", _members(items), "", encoding)
    except ValueError:
        pass
    try:
        whole: Any = json.loads(path.read_bytes().decode(encoding).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise _unknown(path, "it begins as JSON and cannot be read as such", "ask for it anew") from None
    member = ""
    if isinstance(whole, dict):
        member = next((k for k, v in whole.items() if isinstance(v, list) and v), "")
        whole = whole.get(member, [whole])
    items = [i for i in whole[:_ROWS] if isinstance(i, dict)]
    if not items:
        raise _unknown(path, "no array of records is in it", "ask for an array of objects")
    return Form(
        "json" if member or len(lines) != 1 else "jsonl", _members(items), "", encoding, records=member
    )


def _members(items: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(k for item in items for k in item))


def _xml(path: Path, encoding: str) -> Form:
    """The element that stands most often among those that hold elements without children."""
    text = path.read_bytes().decode(encoding).removeprefix("\ufeff")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _unknown(path, "the XML declares a document type, which is not read", "ask for plain elements")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise _unknown(path, "it begins as XML and cannot be read as such", "ask for it anew") from None
    rows = [e for e in root.iter() if len(e) and all(not len(child) for child in e)]
    if not rows:
        raise _unknown(path, "no element holds fields", "ask for an element for each record")
    declared = _DECLARED.match(text)
    encoding = declared[1].lower() if declared else encoding
    name = Counter(_local(e.tag) for e in rows).most_common(1)[0][0]
    fields = (_local(child.tag) for e in rows if _local(e.tag) == name for child in e)
    return Form("xml", _ordered(fields), "", encoding, records=name)


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _unknown(path: Path, what: str, now: str) -> LakeError:
    return LakeError("sample.form", what, where=path.name, now=now)
