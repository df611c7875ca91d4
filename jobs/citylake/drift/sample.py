"""Reads the first records of a file that may not be what its contract says: charset, delimiter and header row
are found, not believed.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from citylake.contract.meaning import header_key
from citylake.contract.model import Column, Contract
from citylake.ingest.formats.json_records import is_lines
from citylake.ingest.formats.sheets import read_sheets
from citylake.privacy.masking import shape, without_persons
from citylake.privacy.names import is_name

RECORDS = 2_000
SUPPORTED = ("csv", "fixed_width", "json", "jsonl", "xlsx", "xls", "ods")
UNNAMED = re.compile(r"(F[0-9]+)?")
_BYTES = 16 << 20
_HEAD_ROWS = 30
_DELIMITERS = (",", "\t", ";", "|", "^", "，", "；", "、")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Sample:
    """The form of a file as found, and up to `RECORDS` of its records as text."""

    encoding: str
    delimiter: str = ""
    skipped: int = 0  # records before the header
    header: tuple[str, ...] = ()  # () for fixed width
    rows: list[list[str]] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)  # fixed width: records without their line end

    def values(self, position: int) -> list[str]:
        """The values of one column that are not blank."""
        return [r[position].strip() for r in self.rows if position < len(r) and r[position].strip()]


def read_sample(path: Path, contract: Contract) -> Sample:
    """The sample of a file in the format of its contract; ValueError for a format that has no lenient
    reader.
    """
    found = _read(path, contract)
    return replace(found, header=_told(found.header, contract))


def _told(header: tuple[str, ...], contract: Contract) -> tuple[str, ...]:
    """Header texts without persons: the texts of a file without a header are values, and of those that may be
    one only the shape is told.
    """
    known = {header_key(h) for c in contract.columns for h in (c.header(""), *c.headers.values())}
    values = not known & set(header)
    return tuple(
        shape(h) if h not in known and (values or is_name(h) or without_persons(h) != h) else h
        for h in header
    )


def _read(path: Path, contract: Contract) -> Sample:
    match contract.format:
        case "csv":
            return _delimited(path, contract)
        case "fixed_width":
            return _fixed(path, contract)
        case "json" | "jsonl":
            return _json(path, contract)
        case "xlsx" | "xls" | "ods":
            return _workbook(path, contract)
        case other:
            raise ValueError(f"no lenient reader for {other}")


def header_columns(contract: Contract, layout: str) -> tuple[Column, ...]:
    """The columns that stand in the header of a layout (those of an unpivoted file's cells do not)."""
    cells = (contract.unpivot["name"], contract.unpivot["value"]) if contract.unpivot else ()
    parent = ((contract.table or {}).get("parent") or {}).get("column")
    return tuple(c for c in contract.layout_columns(layout) if c.name not in cells and c.name != parent)


def _head(path: Path) -> bytes:
    """The first bytes of a file, cut at a line end where there is more."""
    with path.open("rb") as handle:
        body = handle.read(_BYTES)
        more = handle.read(1)
    return body[: body.rfind(b"\n") + 1] if more else body


def _charset(body: bytes, promised: str) -> str:
    """A byte order mark, then UTF-8 with other characters than ASCII, then the charset with the fewest
    undecodable lines.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return promised if promised.startswith(name) else name
    if body.isascii():
        return promised
    lines = body.splitlines()[:RECORDS]
    lost = {
        name: sum(1 for line in lines if not decodes(line, name))
        for name in dict.fromkeys(("utf-8", promised, "gb18030"))
    }
    return min(lost, key=lambda name: lost[name])


def decodes(line: bytes, encoding: str) -> bool:
    """Whether every byte of a line is in a charset."""
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _text(path: Path, contract: Contract) -> tuple[str, str]:
    """(charset, text without byte order mark)."""
    body = _head(path)
    encoding = _charset(body, contract.encoding)
    return encoding, body.decode(encoding, "replace").removeprefix("\ufeff")


def _delimited(path: Path, contract: Contract) -> Sample:
    encoding, text = _text(path, contract)
    known = {header_key(c.header(y)) for y in contract.layouts or ("",) for c in header_columns(contract, y)}
    delimiter = _delimiter(text, contract.delimiter, known)
    records = list(islice(_records(text, delimiter), RECORDS + _HEAD_ROWS))
    at = _header_row(records, known, contract.preamble)
    header = tuple(header_key(t) for t in records[at]) if at < len(records) else ()
    rows = [r for r in records[at + 1 : at + 1 + RECORDS] if any(r)]
    return Sample(encoding, delimiter, at, header, rows)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _delimiter(text: str, promised: str, known: set[str]) -> str:
    """The sign that shows most header texts of the contract, then the one that cuts most records alike; the
    promised one wins a tie.
    """

    def score(sign: str) -> tuple[int, float, bool]:
        records = list(islice(_records(text, sign), _HEAD_ROWS))
        hits = max((len({header_key(t) for t in r} & known) for r in records), default=0)
        widths = Counter(len(r) for r in records)
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        return (hits if hits > 1 else 0, count * min(width, 3) if width > 1 else 0, sign == promised)

    return max(dict.fromkeys((promised, *_DELIMITERS)), key=score)


def _header_row(records: list[list[str]], known: set[str], promised: int) -> int:
    """The row with most header texts of the contract; where there is none, the promised one."""
    hits = [len({header_key(t) for t in r} & known) for r in records[:_HEAD_ROWS]]
    best = max(hits, default=0)
    if best < 2 or (promised < len(hits) and hits[promised] == best):
        return promised
    return hits.index(best)


def _fixed(path: Path, contract: Contract) -> Sample:
    body = _head(path)
    lines = [line for line in body.splitlines()[:RECORDS] if line and line != b"\x1a"]
    return Sample(_charset(b"\n".join(lines), contract.encoding), lines=lines)


def _json(path: Path, contract: Contract) -> Sample:
    body = path.read_bytes()
    encoding = _charset(body, contract.encoding)
    text = body.decode(encoding, "replace").removeprefix("\ufeff")
    found = _objects(text, contract, lines=is_lines(path, contract))
    found = [{header_key(k): v for k, v in item.items()} for item in found]
    header = tuple(dict.fromkeys(k for item in found for k in item))
    return Sample(encoding, header=header, rows=[[_plain(item.get(k)) for k in header] for item in found])


def _objects(text: str, contract: Contract, *, lines: bool) -> list[dict[str, Any]]:
    """The records of a document, wherever its array stands; [] for what is no JSON."""
    try:
        if lines:
            data: Any = [
                json.loads(line, parse_float=str, parse_int=str)
                for line in text.splitlines()[:RECORDS]
                if line.strip()
            ]
        else:
            data = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return []
    if isinstance(data, dict):
        data = data.get(contract.records or "") or next((v for v in data.values() if isinstance(v, list)), [])
    return [item for item in data[:RECORDS] if isinstance(item, dict)] if isinstance(data, list) else []


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _workbook(path: Path, contract: Contract) -> Sample:
    """The visible sheet with most header texts of the contract; Unreadable for what is no workbook."""
    known = {header_key(p) for c in header_columns(contract, "") for p in c.header("").split("/")}
    depth = int((contract.table or {}).get("headerRows", 1))
    sheets = [s.texts(RECORDS + _HEAD_ROWS) for s in read_sheets(path) if s.visible] or [[]]
    rows = max(sheets, key=lambda s: max((len({header_key(t) for t in r} & known) for r in s), default=0))
    at = _header_row(rows, known, 0)
    return Sample(
        "",
        skipped=at,
        header=tuple(_levels(rows[at : at + depth])),
        rows=[r for r in rows[at + depth :] if any(r)],
    )


def _levels(levels: list[list[str]]) -> Iterator[str]:
    """Header texts with their levels joined by `/`; a blank top cell repeats the one on its left."""
    above = ""
    for i, top in enumerate(levels[0] if levels else []):
        above = header_key(top) or above
        yield "/".join(
            dict.fromkeys(p for p in (above, *(header_key(level[i]) for level in levels[1:])) if p)
        )
