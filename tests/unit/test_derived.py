"""A computed column says when a reader of its expression met a text that it could not read."""

from __future__ import annotations

import pytest
from citylake.contract.derived import faults, is_copy, unread
from citylake.contract.load import load_contracts
from citylake.core.settings import ROOT

FALLS_SILENT = "try_cast(value AS DECIMAL(9,2))"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (FALLS_SILENT, "value IS NOT NULL AND TRY_CAST(value AS DECIMAL(9, 2)) IS NULL"),
        (f"CASE WHEN item = 'T' THEN {FALLS_SILENT} END", "CASE WHEN item = 'T' THEN"),
        (f"if(item = 'T', {FALLS_SILENT}, 0)", "CASE WHEN item = 'T' THEN"),
        ("coalesce(try_cast(a AS DATE), try_to_timestamp(a, 'd.M.y'))", "COALESCE(TRY_CAST(a AS DATE)"),
        ("from_json(a, 'array<string>')[0]", "a IS NOT NULL AND FROM_JSON(a, 'array<string>') IS NULL"),
        ("CASE a WHEN '是' THEN true WHEN '否' THEN false END", "ELSE a IS NOT NULL END"),
        ("nullif(regexp_extract(a, '([0-9]+)', 1), '')", "coalesce(REGEXP_EXTRACT(a"),
    ],
)
def test_what_a_reader_cannot_read_is_told(sql: str, told: str) -> None:
    assert told in unread(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "concat(a, '-', b)",
        "a = '-1'",
        "try_element_at(split(a, '/'), 2)",
        "try_divide(1, size(split(a, ',')))",
    ],
)
def test_an_expression_without_a_reader_tells_nothing(sql: str) -> None:
    assert unread(sql) == ""


@pytest.mark.parametrize(
    ("logic", "told"),
    [
        ("to_date({tidy(a)}, 'yyyy')", "to_date() ends the batch"),
        ("CAST(a AS INT) > 3", "CAST() ends the batch"),
        ("transform(split(a, ','), s -> try_cast(s AS INT))", "inside a lambda"),
        ("concat(a, ", "no SQL expression"),
    ],
)
def test_an_expression_that_would_end_a_batch_or_stay_silent_is_refused(logic: str, told: str) -> None:
    assert [told in fault for fault in faults(logic)] == [True]


def test_expressions_of_all_contracts_can_be_told() -> None:
    computed = [
        c.derived
        for contract in load_contracts(ROOT).values()
        for c in contract.columns
        if c.derived and not is_copy(c)
    ]
    assert len(computed) >= 20
    assert all(isinstance(unread(sql), str) for sql in computed)
