"""Saved questions by name and their parameters; answers as files that say the same as the answer."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError
from citylake.release.export import SUFFIXES, export
from citylake.release.parameters import bound
from citylake.release.questions import Question, find_question, narrowed, questions
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))  # SQLite takes no NUL
TEXTS = ["=1+1", "和平区", None, 'a,"b"\nc']
TABLE = pa.table(
    {
        "text": TEXTS,
        "fine": pa.array([Decimal("1.50"), None, Decimal("-2"), Decimal("0")], pa.decimal128(9, 2)),
        "at": pa.array(
            [datetime(2016, 3, 1, 0, 30, tzinfo=BEIJING), None, None, None], pa.timestamp("us", BEIJING.key)
        ),
        "flag": [True, False, None, True],
        "names": [["a"], None, ["b", "c"], []],
    }
)


def test_a_short_name_finds_every_question(root: Path) -> None:
    known = questions(root)
    assert len(known) > 50
    for name, question in known.items():
        theme, _, rest = name.partition("/")
        assert find_question(root, f"{theme}/{rest.split('-')[0]}") == question == find_question(root, name)
        assert question.title and not question.title.startswith("--")


@pytest.mark.parametrize("name", ["credit/99", "credit", "", "../secret", "credit/0"])
def test_another_name_is_an_error_with_the_next_command(root: Path, name: str) -> None:
    with pytest.raises(LakeError) as caught:
        find_question(root, name)
    assert caught.value.rule == "question.unknown"


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT :a, b::int", {"a"}),
        ("SELECT ':no', \":nor\", `:name` -- :never\n, :b /* :neither */", {"b"}),
        ("SELECT 'it\\'s :no'", set()),
    ],
)
def test_parameters_are_what_the_sql_leaves_open(sql: str, names: set[str]) -> None:
    assert Question("t/1", "t", sql).parameters == names


@given(WORDS, WORDS)
def test_a_value_is_one_literal_whatever_it_says(value: str, other: str) -> None:
    query = bound("SELECT :a, ':a', :b -- :a", {"a": value, "b": other})
    [(first, _, second)] = sqlite3.connect(":memory:").execute(_standard(query)).fetchall()
    assert (first, second) == (value, other)


def _standard(query: str) -> str:
    """The literals of Spark as those of the standard, in which only the apostrophe is doubled."""
    plain = {"\\\\": "\\", "\\'": "''", "\\n": "\n", "\\r": "\r"}
    return re.sub(r"\\[\\'nr]", lambda m: plain[m[0]], query)


def test_a_name_that_is_no_parameter_keeps_rows_by_a_column() -> None:
    question = Question("t/1", "t", "SELECT division_code, n FROM x WHERE y = :y")
    given = {"y": "1", "division": "210102", "n": "3"}
    text = narrowed(question, given, ["division_code", "n"])
    assert text.endswith("WHERE CAST(division_code AS STRING) = :division AND CAST(n AS STRING) = :n")


@pytest.mark.parametrize("given", [{}, {"y": "1", "other": "2"}])
def test_too_few_and_unknown_parameters_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(LakeError) as caught:
        narrowed(Question("t/1", "t", "SELECT n FROM x WHERE y = :y"), given, ["n"])
    assert caught.value.rule == "question.parameter"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_says_what_the_answer_says(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"answer{suffix}"
    export(TABLE, path)
    if suffix == ".parquet":
        assert pq.read_table(path).to_pylist() == TABLE.to_pylist()
    elif suffix == ".csv":
        rows = duckdb.sql(f"SELECT text, fine, \"at\", flag FROM read_csv('{path}')").fetchall()
        assert [r[0] for r in rows] == TEXTS
        assert rows[0][1:] == (1.5, datetime(2016, 3, 1, 0, 30), True)
    else:
        sheet = openpyxl.load_workbook(path).active
        assert sheet is not None
        cells = [[c.value for c in row] for row in sheet.iter_rows(min_row=2)]
        assert [r[0] for r in cells] == TEXTS
        assert cells[0][1:4] == [1.5, datetime(2016, 3, 1, 0, 30), True]
        assert {c.data_type for c in sheet["A"][1:] if c.value} == {"s"}


def test_another_suffix_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(LakeError) as caught:
        export(TABLE, tmp_path / "answer.xls")
    assert caught.value.rule == "output.format"
