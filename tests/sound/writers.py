"""Rows of texts as files of every format that the lake reads, laid out as offices lay them out. A writer also
answers the contract of the file: the dataset's in the form that was written.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import openpyxl
from citylake.contract.model import Contract

from tests.faults.workbooks import written

Rows = list[dict[str, str]]  # column -> cell
JUNK = ("__MACOSX/._数据.csv", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Written:
    """The bytes of a file, its name and the contract that it is read by."""

    name: str
    body: bytes
    contract: Contract


def headers(rng: random.Random, contract: Contract, layout: str, *, breaks: bool) -> dict[str, str]:
    """Column -> header text as offices type it."""
    out: dict[str, str] = {}
    for column in contract.layout_columns(layout):
        text = column.header(layout)
        way = rng.randrange(8)
        if way == 0:
            text = text.replace("(", "（").replace(")", "）")
        elif way == 1:
            text = f"\u200b{text} "
        elif way == 2 and breaks and len(text) > 2 and "/" not in text:
            text = f"{text[:2]}\n{text[2:]}"
        elif way == 3:
            text = f"\u3000{text}"
        out[column.name] = text
    return out


def delimited(rng: random.Random, contract: Contract, rows: Rows, layout: str, sign: str) -> Written:
    """Comma or tab separated, in any charset of the lake."""
    encoding = rng.choice(("utf-8", "gb18030", "utf-16"))
    names = list(rows[0])
    head = headers(rng, contract, layout, breaks=False)
    lines = [[head.get(n, n) for n in names], *([r[n] for n in names] for r in rows)]
    lines += [[""] * len(names)] * rng.choice((0, 0, 2))
    out = io.StringIO()
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    csv.writer(out, delimiter=sign, quoting=quoting, lineterminator=rng.choice(("\n", "\r\n"))).writerows(
        lines
    )
    text = out.getvalue() + rng.choice(("", "\r\n"))
    body = text.encode(encoding)
    if encoding != "utf-16" and rng.random() < 0.5:
        body = "\ufeff".encode(encoding) + body
    changed = replace(contract, format="csv", encoding=encoding, delimiter=sign, preamble=0, footer="")
    return Written("数据.csv" if sign == "," else "数据.tsv", body, changed)


def packed(rng: random.Random, contract: Contract, rows: Rows, layout: str) -> Written:
    """A zip archive around delimited text, with what operating systems leave in one."""
    inner = delimited(rng, contract, rows, layout, ",")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inner.name, inner.body)
        for name in rng.sample(JUNK, rng.randrange(3)):
            archive.writestr(name, b"junk")
    return Written("数据.zip", body.getvalue(), replace(inner.contract, container="zip"))


def workbook(rng: random.Random, contract: Contract, rows: Rows, form: str, folder: Path) -> Written:
    """A sheet with titles, formatted blanks and a hidden sheet; numbers as such where a text is the same."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "数据"
    table, parent = contract.table, (contract.table or {}).get("parent", {}).get("column")
    names = [n for n in rows[0] if n != parent]
    at = 1
    for _ in range(rng.randrange(3)):
        sheet.cell(at, 1, "报表标题" if at == 1 else None)
        at += 1
    depth = int((table or {}).get("headerRows", 1))
    head = headers(rng, contract, "", breaks=True)
    for i, name in enumerate(names, 1):
        parts = [p for p in head[name].split("/")] if depth > 1 else [head[name]]
        for level, part in enumerate(parts):
            sheet.cell(at + level, i, part)
    at += depth
    for row in rows:
        for i, name in enumerate(names, 1):
            text = row[name]
            if parent and i == 1 and row[parent] != "-":
                text = rng.choice(("其中：", "其中:", "#")) + text
            sheet.cell(at, i, _typed(rng, text))
        at += 1
    sheet.cell(at + 3, len(names)).number_format = "0.00"
    if rng.random() < 0.3:
        book.create_sheet("旧").sheet_state = "hidden"
    body = io.BytesIO()
    book.save(body)
    changed = replace(contract, format=form, encoding="utf-8", delimiter=",", preamble=0, footer="")
    if form == "xlsx":
        return Written("数据.xlsx", body.getvalue(), changed)
    (folder / "as.xlsx").write_bytes(body.getvalue())
    return Written(f"数据.{form}", written(folder / "as.xlsx", form), changed)


def _typed(rng: random.Random, text: str) -> str | float | int | None:
    if text == "":
        return None
    if re.fullmatch(r"-?[1-9][0-9]{0,8}", text) and rng.random() < 0.5:
        return int(text)
    if re.fullmatch(r"-?[1-9][0-9]{0,6}[.][0-9]{0,4}[1-9]", text) and rng.random() < 0.5:
        return float(text)
    return text


def as_json(rng: random.Random, contract: Contract, rows: Rows, form: str) -> Written:
    """A document or lines; numbers as numbers or as texts, empty cells as null, blank or left out."""
    head = headers(rng, contract, "", breaks=False)
    made = [_object(rng, {head[n]: v for n, v in row.items()}) for row in rows]
    encoding = rng.choice(("utf-8", "gb18030"))
    if form == "jsonl":
        text = "".join(line + rng.choice(("\n", "\r\n")) for line in made)
    else:
        listed = "[" + ",\n ".join(made) + "]"
        text = rng.choice((listed, f'{{"{contract.records or "records"}": {listed}, "total": {len(rows)}}}'))
    mark = "\ufeff".encode(encoding) if rng.random() < 0.3 else b""
    changed = replace(contract, format=form, encoding=encoding, container="")
    return Written(f"数据.{form}", mark + text.encode(encoding), changed)


def _object(rng: random.Random, row: dict[str, str]) -> str:
    cells: list[str] = []
    for name, text in row.items():
        if text == "" and (way := rng.randrange(3)) < 2:
            cells += [f"{json.dumps(name)}: null"] if way else []
            continue
        nested = text.startswith("[{")
        number = re.fullmatch(r"-?(0|[1-9][0-9]*)([.][0-9]+)?", text) and rng.random() < 0.5
        value = text if nested or number else json.dumps(text, ensure_ascii=rng.random() < 0.5)
        cells.append(f"{json.dumps(name, ensure_ascii=False)}: {value}")
    return "{" + ", ".join(cells) + "}"


def as_xml(rng: random.Random, contract: Contract, rows: Rows) -> Written:
    """Elements or attributes, with or without a namespace; rows may be numbered as Oracle numbers them."""
    plain = {c.name: f"C{i}" for i, c in enumerate(contract.columns)}
    prefix, numbered, attributes = rng.choice(("", "d:")), rng.random() < 0.5, rng.random() < 0.3
    out = [f'<{prefix}DATA xmlns:d="urn:data">' if prefix else "<DATA>"]
    for i, row in enumerate(rows, 1):
        head = f'<{prefix}ROW num="{i}"' if numbered else f"<{prefix}ROW"
        if attributes:
            out.append(head + "".join(f" {plain[n]}={_attribute(v)}" for n, v in row.items()) + "/>")
            continue
        cells = "".join(f"<{prefix}{plain[n]}>{escape(v)}</{prefix}{plain[n]}>" for n, v in row.items())
        out.append(f"{head}>{cells}</{prefix}ROW>")
    encoding = rng.choice(("utf-8", "gb18030"))
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n' + "\n".join([*out, f"</{prefix}DATA>"]) + "\n"
    named = tuple(replace(c, headers={"": plain[c.name]}) for c in contract.columns)
    changed = replace(contract, format="xml", encoding=encoding, records="ROW", columns=named, container="")
    return Written("数据.xml", text.encode(encoding), changed)


def _attribute(text: str) -> str:
    return quoteattr(text, {"\t": "&#9;", "\n": "&#10;"})


def as_dbf(rng: random.Random, contract: Contract, rows: Rows) -> Written:
    """dBASE III or Visual FoxPro, character fields, one record deleted."""
    names = list(rows[0])
    cells = [[r[n].encode("gb18030") for n in names] for r in rows]
    widths = [max(1, *(len(r[i]) for r in cells)) for i in range(len(names))]
    fields = b"".join(
        f"C{i}".encode().ljust(11, b"\0") + b"C" + bytes(4) + bytes([w, 0]) + bytes(14)
        for i, w in enumerate(widths)
    )
    foxpro = rng.random() < 0.5
    end = b"\r" + (bytes(263) if foxpro else b"")
    first, length = 32 + len(fields) + len(end), 1 + sum(widths)
    stored = [b" " + b"".join(v.ljust(w) for v, w in zip(r, widths, strict=True)) for r in cells]
    stored.insert(rng.randrange(len(stored)), b"*" + stored[0][1:])
    head = struct.pack("<B3BIHH20x", 0x30 if foxpro else 3, 116, 2, 1, len(stored), first, length)
    body = head + fields + end + b"".join(stored) + b"\x1a"
    named = {n: f"C{i}" for i, n in enumerate(names)}
    columns = tuple(replace(c, headers={"": named.get(c.name, c.name)}) for c in contract.columns)
    return Written(
        "数据.dbf", body, replace(contract, format="dbf", encoding="gb18030", columns=columns, container="")
    )


def fixed(rng: random.Random, contract: Contract, rows: Rows) -> Written:
    """Records of one length, columns side by side with a blank between."""
    encoding = rng.choice(("gb18030", "utf-8"))
    names = list(rows[0])
    cells = [[r[n].encode(encoding) for n in names] for r in rows]
    at, places = 0, dict[str, tuple[int, int]]()
    for i, name in enumerate(names):
        width = max(1, *(len(r[i]) for r in cells))
        places[name] = (at, at + width)
        at += width + 1
    end = rng.choice((b"\r\n", b"\n"))
    made = [
        b" ".join(v.ljust(places[n][1] - places[n][0]) for n, v in zip(names, r, strict=True)) + b" "
        for r in cells
    ]
    columns = tuple(
        replace(c, start=places[c.name][0], end=places[c.name][1]) if c.name in places else c
        for c in contract.columns
    )
    body = end.join(made) + end + rng.choice((b"", end))
    changed = replace(contract, format="fixed_width", encoding=encoding, record_bytes=at, columns=columns)
    return Written("数据.txt", body, replace(changed, container=""))


def spaced(rng: random.Random, contract: Contract, rows: Rows) -> Written:
    """Columns parted by blanks, no header."""
    text = "".join(rng.choice((" ", "  ")).join(r.values()) + "\n" for r in rows)
    return Written("数据.txt", text.encode(), contract)


Writer = Callable[[random.Random, Contract, Rows, str, Path], Written]
FORMATS: dict[str, Writer] = {
    "csv": lambda rng, c, rows, y, _: delimited(rng, c, rows, y, ","),
    "tsv": lambda rng, c, rows, y, _: delimited(rng, c, rows, y, "\t"),
    "zip": lambda rng, c, rows, y, _: packed(rng, c, rows, y),
    "xlsx": lambda rng, c, rows, _, folder: workbook(rng, c, rows, "xlsx", folder),
    "xls": lambda rng, c, rows, _, folder: workbook(rng, c, rows, "xls", folder),
    "ods": lambda rng, c, rows, _, folder: workbook(rng, c, rows, "ods", folder),
    "json": lambda rng, c, rows, _y, _f: as_json(rng, c, rows, "json"),
    "jsonl": lambda rng, c, rows, _y, _f: as_json(rng, c, rows, "jsonl"),
    "xml": lambda rng, c, rows, _y, _f: as_xml(rng, c, rows),
    "dbf": lambda rng, c, rows, _y, _f: as_dbf(rng, c, rows),
    "fixed_width": lambda rng, c, rows, _y, _f: fixed(rng, c, rows),
    "spaced": lambda rng, c, rows, _y, _f: spaced(rng, c, rows),
}
