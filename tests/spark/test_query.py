"""What an analyst asks is answered as it stands, and nothing that is asked changes a table."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.release.query import ask

TABLE = "delta.`s3a://{lake}/test/asked`"


@pytest.fixture(scope="module")
def table(spark: Any, lake_settings: Settings) -> str:
    name = TABLE.format(lake=lake_settings.lake)
    spark.range(5).write.format("delta").mode("overwrite").save(f"s3a://{lake_settings.lake}/test/asked")
    return name


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {t}",
        "INSERT INTO {t} VALUES (9)",
        "/* SELECT */ -- SELECT\nDROP TABLE {t}",
        "WITH a AS (SELECT 9 AS id) INSERT INTO {t} SELECT * FROM a",
        "FROM {t} INSERT INTO {t} SELECT id",
        "SELECT 1) AS a; DELETE FROM {t}; SELECT * FROM (SELECT 1",
        "MERGE INTO {t} USING {t} s ON false WHEN NOT MATCHED THEN INSERT *",
        "VACUUM {t}",
        "SET a = b",
        "",
    ],
)
def test_nothing_that_is_asked_changes_a_table(spark: Any, table: str, statement: str) -> None:
    with pytest.raises(LakeError) as caught:
        ask(spark, statement.format(t=table), 10)
    assert caught.value.rule in ("sql.read_only", "sql.wrong")
    assert ask(spark, f"SELECT count(*) FROM {table}", 10).rows == [(5,)]
    assert len(ask(spark, f"DESCRIBE HISTORY {table}", 10).rows) == 1


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
    spark: Any, capfd: pytest.CaptureFixture[str], statement: str, told: str
) -> None:
    with pytest.raises(LakeError, match=told.replace("?", r"\?")) as caught:
        ask(spark, statement, 10)
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


def test_an_answer_keeps_order_names_and_moments(spark: Any, table: str, elsewhere: None) -> None:
    answer = ask(
        spark,
        f"-- five rows\nSELECT id, id + 1 AS id, struct(id AS k) AS s FROM {table} ORDER BY 1 DESC -- down",
        2,
    )
    assert (answer.columns, answer.rows, answer.more) == (
        ["id", "id_2", "s"],
        [(4, 5, {"k": 4}), (3, 4, {"k": 3})],
        True,
    )
    assert not ask(spark, "VALUES (1), (2);", 2).more
    moment = ask(spark, "SELECT timestamp'2016-07-01 08:00:00' AS at", 1).rows[0][0]
    assert str(moment) == "2016-07-01 08:00:00+08:00"
