"""Variants of the faults that people met elsewhere, in other datasets, formats and places: what is only
written in another way is read, what cannot be read says why, and `diagnose` agrees.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from citylake.contract.model import Contract
from citylake.drift.kinds import diagnose

from tests.faults.workbooks import written
from tests.judging import Received, receive
from tests.sound.files import CONTRACTS, Source, sources

FISCAL, WATER, LICENCE = (
    "finance/fiscal_revenue",
    "environment/water_quality_daily",
    "market_regulation/licence",
)
BASE: dict[str, Source] = {}
for found in sources():
    if found.dataset in (FISCAL, WATER, LICENCE) and found.rows:
        BASE.setdefault(found.dataset, replace(found, rows=found.rows[:5]))
N = 5


def lines(dataset: str) -> list[str]:
    """The lines of a delimited file, header first."""
    contract, rows = CONTRACTS[dataset], BASE[dataset].rows
    out = io.StringIO()
    made = csv.writer(out, lineterminator="\n")
    made.writerow([contract.column(n).header("") for n in rows[0]])
    made.writerows([[v.replace(",", "") for v in r.values()] for r in rows])
    return out.getvalue().splitlines()


def said(contract: Contract, path: Path) -> Received:
    """What the lake makes of a file; `diagnose` never disagrees."""
    received = receive(contract, [path], BASE[contract.id].period)
    told = diagnose(contract, path, None)
    if received.findings:
        assert told, "diagnose calls a refused file sound"
    elif received.rows is not None and not any(received.rows["_error"].to_pylist()):
        assert not told, f"diagnose calls a sound file different: {told}"
    return received


Text = Callable[[list[str]], str]
CSV: dict[str, tuple[Text, str]] = {
    "a row of commas between": (lambda t: "\r\n".join([*t[:3], ",,,,,", *t[3:], ""]), ""),
    "a row of blanks of all kinds": (lambda t: "\r\n".join([*t, " ,\u3000,\u00a0,,\t,", ""]), ""),
    "a row of quoted nothing": (lambda t: "\r\n".join([*t, '"",""," ","","",""', ""]), ""),
    "a row of invisible marks": (lambda t: "\r\n".join([*t, "\u200b,,\ufeff,,,", ""]), ""),
    "a comma behind every line": (lambda t: "\r\n".join([*(f"{x}," for x in t), ""]), ""),
    "old line ends": (lambda t: "\r".join([*t, ""]), ""),
    "mixed line ends": (lambda t: "\n".join(t[:3]) + "\r\n" + "\r\n".join(t[3:]), ""),
    "two byte order marks": (lambda t: "\ufeff\ufeff" + "\n".join(t), ""),
    "a mark in the middle": (lambda t: "\n".join([*t[:3], "\ufeff" + t[3], *t[4:]]), ""),
    "a guarded header": (lambda t: "\n".join([",".join(f'="{h}"' for h in t[0].split(",")), *t[1:]]), ""),
    "a blank in the header": (
        lambda t: "\n".join([",".join(" ".join(h) for h in t[0].split(",")), *t[1:]]),
        "",
    ),
    "DOS ends the file": (lambda t: "\r\n".join([*t, "\x1a"]), ""),
    "two files joined": (lambda t: "\n".join([*t, "\ufeff" + t[0], *t[1:]]), "file.header_repeated"),
    "another delimiter": (lambda t: "\n".join(x.replace(",", "，") for x in t), "delivery.delimiter"),
    "columns moved": (lambda t: "\n".join(",".join(x.split(",")[::-1]) for x in t), "delivery.header_order"),
    "a column more": (
        lambda t: "\n".join(x + (",备注" if i == 0 else ",x") for i, x in enumerate(t)),
        "delivery.header",
    ),
    "a number before each row": (
        lambda t: "\n".join((str(i) if i else "") + "," + x for i, x in enumerate(t)),
        "delivery.structure",
    ),
    "a web page": (lambda t: "<html><body>会话已过期</body></html>", "delivery.header"),
}


@pytest.mark.parametrize("variant", CSV)
def test_delimited_text(tmp_path: Path, variant: str) -> None:
    text, refused = CSV[variant]
    path = tmp_path / "f.csv"
    path.write_bytes(text(lines(FISCAL)).encode("gb18030"))
    received = said(CONTRACTS[FISCAL], path)
    assert received.rules == ([refused] if refused else [])
    assert refused or (received.rows is not None and received.rows["_error"].to_pylist() == [None] * N)


def _json(change: Callable[[list[dict[str, str]]], str]) -> bytes:
    contract = CONTRACTS[WATER]
    rows = [{contract.column(n).header(""): v for n, v in r.items()} for r in BASE[WATER].rows]
    return change(rows).encode("utf-8", "surrogatepass")


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


JSON: dict[str, tuple[Callable[[list[dict[str, str]]], str], str]] = {
    "an array": (lambda r: _dump(r), ""),
    "an array over many lines": (lambda r: json.dumps(r, indent=1), ""),
    "a document": (lambda r: _dump({(CONTRACTS[WATER].records or "records"): r}), ""),
    "a column's name beside the array": (
        lambda r: _dump({next(iter(r[0])): "市环保局", (CONTRACTS[WATER].records or "records"): r}),
        "",
    ),
    "lines": (lambda r: "\n".join(map(_dump, r)), ""),
    "lines with blank lines and a mark": (lambda r: "\ufeff" + "\r\n\r\n".join(map(_dump, r)) + "\n\n", ""),
    "keys with blanks and marks": (
        lambda r: _dump([{f" {k}\u200b": v for k, v in x.items()} for x in r]),
        "",
    ),
    "an empty object at the end": (lambda r: _dump([*r, {}]), ""),
    "a document within a document": (lambda r: _dump({"code": 0, "result": {"list": r}}), "delivery.header"),
    "a comma too much": (lambda r: _dump(r)[:-1] + ",]", "delivery.malformed"),
    "a call around it": (lambda r: f"callback({_dump(r)});", "delivery.malformed"),
    "not a number": (lambda r: json.dumps([{**r[0], "ph": float("nan")}]), "delivery.malformed"),
}


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("variant", JSON)
def test_json_by_either_name(tmp_path: Path, variant: str, form: str) -> None:
    change, refused = JSON[variant]
    path = tmp_path / f"f.{form}"
    path.write_bytes(_json(change))
    received = said(replace(CONTRACTS[WATER], format=form), path)
    if refused:
        assert received.rules or received.rows is None or any(received.rows["_error"].to_pylist())
        return
    assert received.rules == [] and received.rows is not None
    assert received.rows["_error"].to_pylist() == [None] * N
    starts = received.rows["_byte_start"].to_pylist()
    assert starts == sorted(set(starts)) and path.read_bytes()[starts[1] : starts[1] + 1] == b"{"


def _xml(rows: list[dict[str, str]], row: str = "ROW", attributes: str = "", space: str = "") -> str:
    cells = ("".join(f"<{k}>{v}</{k}>" for k, v in r.items()) for r in rows)
    return f"<D{space}>" + "".join(f"<{row}{attributes}>{c}</{row}>" for c in cells) + "</D>"


Rows = list[dict[str, str]]
XML: dict[str, tuple[Callable[[Rows], str], str]] = {
    "numbered rows": (lambda r: _xml(r, attributes=' num="1"'), ""),
    "a namespace": (lambda r: _xml(r, space=' xmlns="urn:x"'), ""),
    "rows with a prefix": (
        lambda r: _xml(r, space=' xmlns:a="u"').replace("<ROW", "<a:ROW").replace("/ROW", "/a:ROW"),
        "",
    ),
    "rows within a set": (lambda r: _xml(r).replace("<D>", "<D><SET>").replace("</D>", "</SET></D>"), ""),
    "attributes of cells": (lambda r: _xml(r).replace("<C1>", '<C1 type="text" id="7">'), ""),
    "character data": (lambda r: _xml(r).replace("<C2>", "<C2><![CDATA[").replace("</C2>", "]]></C2>"), ""),
    "a comment in a row": (lambda r: _xml(r).replace("<ROW>", "<ROW><!-- x -->"), ""),
    "a row of nothing": (lambda r: _xml([*r, {}]).replace("</D>", "<ROW/></D>"), ""),
    "rows of another name": (lambda r: _xml(r, row="record"), "delivery.header"),
    "a cell twice": (lambda r: _xml(r).replace("</ROW>", "<C1>x</C1></ROW>"), "delivery.structure"),
    "half of a character": (lambda r: _xml(r).replace("<C1>", "<C1>&#xD800;"), "delivery.malformed"),
}


@pytest.mark.parametrize("variant", XML)
def test_xml(tmp_path: Path, variant: str) -> None:
    change, refused = XML[variant]
    rows = [{f"C{i}": v for i, v in enumerate(r.values())} for r in BASE[WATER].rows]
    names = {n: f"C{i}" for i, n in enumerate(BASE[WATER].rows[0])}
    columns = tuple(replace(c, headers={"": names.get(c.name, c.name)}) for c in CONTRACTS[WATER].columns)
    path = tmp_path / "f.xml"
    path.write_text(change(rows), "utf-8")
    received = said(replace(CONTRACTS[WATER], format="xml", records="ROW", columns=columns), path)
    assert received.rules == ([refused] if refused else [])
    assert refused or (received.rows is not None and received.rows["_error"].to_pylist() == [None] * N)


Change = Callable[[Any, Any], object]


def _error(book: Any, sheet: Any) -> None:
    sheet["G3"], sheet["G3"].data_type = "#REF!", "e"


def _hidden(book: Any, sheet: Any) -> None:
    sheet.sheet_state, book.create_sheet("封面")["A1"] = "hidden", "封面"
    book.active = 1


def _second(book: Any, sheet: Any) -> None:
    other = book.create_sheet("二月", 0)
    for row in sheet.iter_rows(values_only=True):
        other.append(row)


def _title(book: Any, sheet: Any) -> None:
    sheet.insert_rows(1)
    sheet["A1"] = "许可证一览表"
    sheet.merge_cells("A1:H1")


SHEETS: dict[str, tuple[Change, str]] = {
    "as it is": (lambda b, s: None, ""),
    "a cover before it": (lambda b, s: b.create_sheet("封面", 0).append(["许可证报表"]), ""),
    "a title over it": (_title, ""),
    "merged cells": (lambda b, s: s.merge_cells("A2:A4"), ""),
    "a format far away": (lambda b, s: setattr(s["ZZ60000"], "number_format", "0.00"), ""),
    "a blank far away": (lambda b, s: s.__setitem__("Z500", " "), ""),
    "an error": (_error, "file.error_cell"),
    "a formula without its value": (
        lambda b, s: s.__setitem__("G2", "=TODAY()"),
        "file.formula_without_value",
    ),
    "its sheet hidden": (_hidden, "delivery.header"),
    "a second table before it": (_second, "file.more_sheets"),
    "a column more": (lambda b, s: s.__setitem__("J1", "备注"), "delivery.header"),
    "a code as a number": (lambda b, s: s.__setitem__("F2", 9.12101122e17), "file.identifier_as_number"),
}


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("variant", SHEETS)
def test_workbooks(tmp_path: Path, variant: str, form: str) -> None:
    change, refused = SHEETS[variant]
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for line in csv.reader(lines(LICENCE)):
        sheet.append([v or None for v in line])
    change(book, sheet)
    path = tmp_path / "f.xlsx"
    book.save(path)
    if form != "xlsx":
        body = written(path, form)
        path = tmp_path / f"f.{form}"
        path.write_bytes(body)
    received = said(replace(CONTRACTS[LICENCE], format=form, encoding="utf-8"), path)
    assert received.rules == ([refused] if refused else [])
    assert refused or (received.rows is not None and received.rows["_error"].to_pylist() == [None] * N)


@pytest.mark.parametrize(
    "junk",
    [
        ".DS_Store",
        "__MACOSX/._f.csv",
        ".Spotlight-V100/a",
        ".f.csv.swp",
        "f.csv~",
        "数据/Thumbs.db",
        "~$f.xlsx",
    ],
)
def test_junk_in_an_archive_is_no_file(tmp_path: Path, junk: str) -> None:
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("数据/f.csv", "\n".join(lines(FISCAL)).encode("gb18030"))
        archive.writestr(junk, b"\0\0\0\1")
    received = said(replace(CONTRACTS[FISCAL], container="zip"), path)
    assert received.rules == [] and received.rows is not None and len(received.rows) == N


@pytest.mark.parametrize("other", ["readme.txt", "g.csv", "f.csv.bak"])
def test_a_second_file_in_an_archive_is_told(tmp_path: Path, other: str) -> None:
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("f.csv", "\n".join(lines(FISCAL)).encode("gb18030"))
        archive.writestr(other, b"x")
    assert said(replace(CONTRACTS[FISCAL], container="zip"), path).rules == ["container.members"]
