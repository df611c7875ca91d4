"""The Spark SQL of a contract is parsed by the lint; a column that is none is named with the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest
from citylake.compile.bronze import RESIDENT_FACTS
from citylake.contract.conditions import condition_faults
from citylake.contract.lint import problems
from citylake.contract.source import read_yaml
from citylake.contract.types import load_types
from citylake.core.settings import ROOT

COLUMNS = ("a", "b", "stages", "colour")
FILE = "schemas/construction/component.odcs.yaml"


@pytest.mark.parametrize(
    "sql",
    [
        "a <= b OR b IS NULL",
        "a BETWEEN DATE'2016-01-01' AND DATE_ADD(b, 3)",
        "exists(stages, s -> s.opened > a)",
        "stages[0].opened.day > 1",
        "A NOT LIKE '%b%' AND _sent_at >= b",
        "CASE substr(a, 1, 6) WHEN '210122' THEN '210115' ELSE b END = a",
    ],
)
def test_a_condition_over_one_row_is_sound(sql: str) -> None:
    assert condition_faults(sql, COLUMNS) == []


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("operates_too IS NUL OR ((", "no SQL expression"),
        ("a < 3; DROP TABLE x", "no SQL expression"),
        ("a < 3 FROM b", "no SQL expression"),
        ("a IN (SELECT b FROM c)", "a query of its own"),
        ("a) OR (1 = 1), (b", "no SQL expression"),
        ("SELECT a < 3", "a statement is none"),
        ("a IS NULL OR substr(a, 1, 6 = CASE b WHEN 1 THEN 2 END", "no SQL expression"),
        ("count(*) > 1", "adds up rows"),
        ("color = 'red'", "there is no column 'color'; did you mean 'colour'?"),
        ("a < 3 AND stage.opened > b", "there is no column 'stage'"),
    ],
)
def test_what_is_no_condition_is_told(sql: str, told: str) -> None:
    (fault,) = condition_faults(sql, COLUMNS)
    assert told in fault


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("substr(grid_code, 1, 6)", "substr(grid_kode, 1, 6)"),
        ("substr(grid_code, 1, 6)", "substr(grid_code, 1, 6"),
    ],
)
def test_the_lint_names_the_place(tmp_path: Path, old: str, new: str) -> None:
    text = (ROOT / FILE).read_text("utf-8")
    assert old in text
    copy = tmp_path / FILE
    copy.parent.mkdir(parents=True)
    copy.write_text(text.replace(old, new, 1), "utf-8")
    found = problems(read_yaml(copy, tmp_path), load_types(ROOT))
    assert [p.rule for p in found] == ["contract.condition"]
    assert ".quality[" in found[0].path and found[0].line > 1


def test_the_sql_of_every_type_is_sound() -> None:
    """Checks and repairs are written over the text as it came, cleaned and typed."""
    names = {"{v}": "v_x", "{t}": "t_x", "{raw}": "r_x", "{c}": "x"}
    for kind in load_types(ROOT).values():
        for check in (*kind.checks, *kind.repairs):
            sql = check.sql
            for hole, name in names.items():
                sql = sql.replace(hole, name)
            known = [*names.values(), *(f"x_{fact}" for fact in RESIDENT_FACTS)]
            assert condition_faults(sql, known) == [], (kind.name, check.reason)
