"""What an analyst asks is answered as it stands; a mistake is told in one line."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from citylake.core.errors import LakeError
from citylake.release.query import ask


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("selct 1", "did you mean 'select'?"),
        ("SELECT * FROM credit.entty", "`credit`.`entty` cannot be found"),
        ("SELECT cast('x' AS int)", "cannot be cast"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT (", "Syntax error"),
    ],
)
def test_a_wrong_statement_is_told_in_one_line(
    readers: Any, capfd: pytest.CaptureFixture[str], statement: str, told: str
) -> None:
    with pytest.raises(LakeError, match=told.replace("?", r"\?")) as caught:
        ask(readers, statement, 10)
    assert "\n" not in caught.value.what
    assert capfd.readouterr().err == "", "Spark's client is silent"


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A machine whose clock is not set to Beijing time."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_an_answer_keeps_order_names_and_moments(readers: Any, table: str, elsewhere: None) -> None:
    answer = ask(
        readers,
        f"-- five rows\nSELECT id, id + 1 AS id, struct(id AS k) AS s FROM {table} ORDER BY 1 DESC -- down",
        2,
    )
    assert (answer.columns, answer.rows, answer.more) == (
        ["id", "id_2", "s"],
        [(4, 5, {"k": 4}), (3, 4, {"k": 3})],
        True,
    )
    assert not ask(readers, "VALUES (1), (2);", 2).more
    moment = ask(readers, "SELECT timestamp'2016-07-01 08:00:00' AS at", 1).rows[0][0]
    assert str(moment) == "2016-07-01 08:00:00+08:00"
