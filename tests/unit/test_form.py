"""What a file's bytes say of its form, without a contract: format, container, charset, delimiter, header."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from citylake.contract.load import load_contracts, load_types
from citylake.contract.meaning import header_key
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.settings import ROOT
from citylake.ingest.decode import open_file
from citylake.onboarding.form import Form, read_form
from citylake.onboarding.new import read_sample

from tests.sound.files import ALL_FORMS, CONTRACTS, forms, sources
from tests.sound.writers import FORMATS

BLANK = load_contracts(ROOT)["weather/station_hourly"]
TEXT = load_types(ROOT)["raw_text"]
ROWS = "站号,时间,气温\n54342,2016-01-01 00:00,-14.6\n54333,2016-01-01 00:00,-15.1\n54335,2016-01-01 00:00,\n"
HEADERS = ("站号", "时间", "气温")


def _zipped(body: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("站.csv", body)
    return held.getvalue()


def _book(above: int) -> bytes:
    book, held = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    for _ in range(above):
        sheet.append(["二〇一六年一月气象数据"])
    for line in ROWS.splitlines():
        sheet.append(line.split(","))
    book.save(held)
    return held.getvalue()


CSV = Form("csv", HEADERS)
FORMS: dict[str, tuple[bytes, Form]] = {
    "commas": (ROWS.encode(), CSV),
    "a mark of the byte order": (b"\xef\xbb\xbf" + ROWS.encode(), CSV),
    "GB18030": (ROWS.encode("gb18030"), replace(CSV, encoding="gb18030")),
    "UTF-16": (ROWS.encode("utf-16"), replace(CSV, encoding="utf-16")),
    "tabs": (ROWS.replace(",", "\t").encode(), replace(CSV, delimiter="\t")),
    "semicolons, decimal commas": (
        ROWS.replace(",", ";").replace(".", ",").encode(),
        replace(CSV, delimiter=";"),
    ),
    "bars": (ROWS.replace(",", "|").encode(), replace(CSV, delimiter="|")),
    "two lines of a title": ("沈阳市\n2016年1月\n".encode() + ROWS.encode(), replace(CSV, preamble=2)),
    "quoted header": (ROWS.replace("站号", '"站号"').encode(), CSV),
    "gzip": (gzip.compress(ROWS.encode()), replace(CSV, container="gzip")),
    "zip": (_zipped(ROWS.encode()), replace(CSV, container="zip")),
    "workbook": (_book(0), Form("xlsx", HEADERS)),
    "workbook with a title": (_book(2), Form("xlsx", HEADERS)),
    "lines of JSON": (b'{"a": 1, "b": "x"}\n{"a": 2, "c": null}\n', Form("jsonl", ("a", "b", "c"))),
    "an array": (b'[{"a": 1},\n {"b": 2}]\n', Form("json", ("a", "b"))),
    "a member": (b'{"total": 2, "rows": [{"a": 1}, {"a": 2}]}', Form("json", ("a",), records="rows")),
    "XML": (
        b"<all><head><made>2016</made></head><row><a>1</a></row><row><a>2</a><b/></row></all>",
        Form("xml", ("a", "b"), records="row"),
    ),
    "blanks": (
        b"54342  4144 2016 1\n54333  4159 2016 1\n",
        Form("spaced", tuple(f"column {i}" for i in range(1, 5))),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_found(tmp_path: Path, name: str) -> None:
    body, form = FORMS[name]
    (tmp_path / "f").write_bytes(body)
    assert read_form(tmp_path / "f", BLANK) == form


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no delimiter"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "neither"),
    "PDF": (b"%PDF-1.4", "PDF"),
    "no header": (b"54342,2016,1\n54333,2016,2\n54335,2016,3\n", "no header"),
    "a header twice": (b"a,b,a\nx,y,z\nx,y,z\n", "twice"),
    "fixed width": ("54342沈阳  1\n54333新民\n".encode(), "no delimiter"),
    "no JSON": (b'{"a": 1', "JSON"),
    "no XML": (b"<a><b></a>", "XML"),
    "a document type": (b'<!DOCTYPE a [<!ENTITY b "c">]><a><r><b>1</b></r></a>', "document type"),
    "another charset": ("é,è\n".encode("latin-1") + b"\xff\xfe\x80\n", "neither"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_says_why(tmp_path: Path, name: str) -> None:
    body, why = REFUSED[name]
    (tmp_path / "f").write_bytes(body)
    with pytest.raises(LakeError, match=why) as told:
        read_form(tmp_path / "f", BLANK)
    assert told.value.rule == "sample.form" and told.value.now


def _sound(folder: Path) -> Iterator[tuple[str, bytes, Contract, str]]:
    """Name, bytes and contract of sound files in every format that has headers, by a fixed seed."""
    rng = random.Random(2016)
    usable = [
        s for s in sources() if s.rows and not CONTRACTS[s.dataset].unpivot and not CONTRACTS[s.dataset].table
    ]
    for form in (f for f in ALL_FORMS if f != "fixed_width"):
        for source in rng.sample([s for s in usable if form in forms(CONTRACTS[s.dataset])], 5):
            written = FORMATS[form](rng, CONTRACTS[source.dataset], list(source.rows), source.layout, folder)
            yield written.name, written.body, written.contract, source.layout


def test_sound_files_of_every_format_show_their_form(tmp_path: Path) -> None:
    """What offices may send in every format and people's spellings: format and headers are found."""
    blank = CONTRACTS["weather/station_hourly"]
    seen: set[str] = set()
    for file, body, contract, layout in _sound(tmp_path):
        path = tmp_path / "one" / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
        sample = read_sample(path, blank, TEXT)
        seen.add(sample.form.format + sample.form.container)
        with open_file(path, contract) as decoder:
            rows = [{n: v or "" for n, v in zip(decoder.columns, r.values, strict=True)} for r in decoder]
        assert sample.form.format == contract.format, file
        assert len(next(iter(sample.cells.values()))) == len(rows)
        texts = {header_key(h): cells for h, cells in sample.cells.items()}
        for column in contract.layout_columns(layout):
            assert texts[header_key(column.header(layout))] == [r[column.name] for r in rows], (file, column)
    assert len(seen) >= 8
