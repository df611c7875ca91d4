"""Refused records go to a clerk and come home through a spreadsheet: only what was corrected changes."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from citylake.casework.returned import as_csv, as_workbook, read_rows
from citylake.casework.spellings import spellings, unchanged
from citylake.contract.meaning import guard, unguard
from citylake.ingest.formats.header import RECORD
from hypothesis import given, settings
from hypothesis import strategies as st

ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
CODES = st.from_regex(r"[0-9]{1,20}", fullmatch=True)
NUMBERS = st.from_regex(r"[+-]?[0-9]{1,14}([.][0-9]{1,6})?", fullmatch=True)
DAYS = st.dates().map(str) | st.dates().map(lambda d: f"{d.year}/{d.month}/{d.day}")
MARKS = st.sampled_from(
    ["-", "'-", "=A1+B1 型", "+铸铁", "@区城管局", "'", "''", "true", "1E7", "—", "\t=1", "0102", ""]
)
CELL = ANY | CODES | NUMBERS | DAYS | MARKS


@given(ANY | MARKS)
def test_a_guard_comes_off_once(text: str) -> None:
    assert unguard(guard(text)) == text


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5))
def test_both_files_come_back_as_they_went(rows: list[list[str]]) -> None:
    table = [["甲", "乙", "丙", RECORD], *([*row, f"abc:{n}"] for n, row in enumerate(rows))]
    back = read_rows(as_csv(table))
    assert [[unguard(t) for t in row] for row in back] == table
    for went, came in zip(table, read_rows(as_workbook(table)), strict=True):
        assert all(unchanged(a, b) for a, b in zip(went, came, strict=True))


@settings(deadline=None)
@given(CODES | NUMBERS | DAYS | MARKS)
def test_what_a_program_with_types_saves_was_not_corrected(text: str) -> None:
    """pandas stands for a spreadsheet: it takes what looks like a number for one."""
    table = [["甲", RECORD], [text, "abc:1"]]
    opened = pd.read_csv(io.BytesIO(as_csv(table)), keep_default_na=False, float_precision="round_trip")
    saved = opened.to_csv(index=False).encode("utf-8-sig")
    assert unchanged(text, read_rows(saved)[1][0])


@pytest.mark.parametrize(
    ("original", "saved"),
    [
        ("2101020125000012", "2.10102E+15"),
        ("2101020125000012", "2101020125000010"),
        ("0102", "102"),
        ("123.4500", "123.45"),
        ("2015-12-01", "2015/12/1"),
        ("2015-12-01", "42339"),
        ("2016-01-02 08:00:00", "2016/1/2 8:00"),
        ("2016-01-02 08:00:01", "2016/1/2 8:00:01"),
        ("+铸铁", "'+铸铁"),
        ("a\r\nb", "a\nb"),
        ("报刊亭\u3000", "报刊亭"),
        ("true", "TRUE"),
    ],
)
def test_spellings_of_spreadsheets(original: str, saved: str) -> None:
    assert unchanged(original, saved)


@pytest.mark.parametrize(
    ("original", "corrected"),
    [
        ("102", "0102"),
        ("123.4567", "123.5"),
        ("12345", "1E+04"),
        ("2015-13-45", "2015-12-31"),
        ("2016-01-02 08:00:01", "2016/1/2 8:00"),
        ("不明", "完好"),
        ("-", ""),
        ("", "-"),
        ("42339", "2015-12-01"),
        ("1e7", "1e8"),
    ],
)
def test_what_a_clerk_writes_is_a_correction(original: str, corrected: str) -> None:
    assert not unchanged(original, corrected)


@given(st.integers(0, 10**11), st.integers(0, 10**11))
def test_another_number_is_a_correction(a: int, b: int) -> None:
    assert unchanged(str(a), str(b)) == (a == b)


def test_spellings_of_huge_numbers_end() -> None:
    assert list(spellings("1e999")) == ["1e999"]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_is_read_however_it_was_saved(charset: str, delimiter: str) -> None:
    lines = [
        "标题",
        delimiter.join(["甲", "乙", RECORD]),
        delimiter.join(["一", "二", "abc:1"]),
        delimiter * 2,
        "",
    ]
    rows = read_rows("\r\n".join(lines[1:]).encode(charset))
    assert rows == [["甲", "乙", RECORD], ["一", "二", "abc:1"]]


def test_a_file_without_references_is_none() -> None:
    assert read_rows("甲,乙\r\n1,2\r\n".encode()) == []
