"""What an analyst asks is answered as it stands, and nothing that is asked changes a table."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.release.query import ask

ATTACKS = [
    "select transform(a) using 'id' as (o string) from (select 1 a)",
    "select transform(a) using 'touch {out}' as (o string) from (select 1 a)",
    "select * from (select transform(id) using 'cat {file}' from {t})",
    "from {t} select transform(id) using 'id'",
    "select * from {t} where id in (select transform(id) using 'id' as (x int) from {t})",
    "select reflect('java.lang.System', 'getenv', 'AWS_SECRET_ACCESS_KEY')",
    "select java_method('java.lang.System', 'getProperty', 'user.home')",
    "select try_reflect('java.lang.System', 'exit', 7)",
    "values (reflect('java.lang.System', 'exit', 7))",
    "select builtin.reflect('java.lang.System', 'exit', 7)",
    "select system.builtin.reflect('java.lang.System', 'exit', 7)",
    "select * from {t} limit int(reflect('java.lang.System', 'exit', 7))",
    "select filter(array(1), x -> reflect('java.lang.System', 'exit', 7) = 'a')",
    "select * from text.`file://{file}`",
    "select * from binaryFile.`file://{file}`",
    "select * from csv.`file://{file}`",
    "select (select max(value) from text.`file://{file}`)",
    "with a as (select * from text.`file://{file}`) select * from a",
    "select * from {path}",
    "select * from {t} union select id from {path}",
    "select count(*) from {path} version as of 0",
    "select exists (select 1 from {path})",
    "table {path}",
    "describe history {path}",
    "describe detail {path}",
    "explain insert into {path} values (9)",
    "explain create table x as select 1",
    "select input_file_name() from {t}",
    "show create table {t}",
    "show tblproperties {t}",
    "show functions",
    "with a as (select 1) insert overwrite directory '{out}' using csv select * from a",
]
SUBSTITUTED = ["${env:AWS_SECRET_ACCESS_KEY}", "${system:user.home}", "${spark.app.id}"]
QUERIES = [
    "select id, count(*) n, sum(id) over (order by id) s from {t} group by id order by 2 desc, id limit 3",
    "with a as (select id from {t}), b as (select id + 1 id from a) select * from a join b using (id)",
    "select * from {t} a left anti join {t} b on a.id = b.id",
    "select case when id > 2 then 'x' end c, coalesce(null, id), nvl(id, 0), id between 1 and 2 from {t}",
    "select date_format(timestamp'2016-02-01 08:00:00', 'yyyy'), date'2016-02-01' + interval 1 month",
    "select regexp_replace('a1', '[0-9]', ''), split('a,b', ','), try_cast('x' as int), try_divide(1, 0)",
    "select transform(array(1, 2), x -> x + 1), aggregate(array(1, 2), 0, (a, x) -> a + x), map(1, 2)[1]",
    "select * from {t} where id = (select max(id) from {t}) or exists (select 1 from {t} where id = 9)",
    "select percentile_approx(id, 0.5), approx_count_distinct(id), collect_set(id), stddev(id) from {t}",
    "select explode(sequence(1, 3)) x",
    "select x from {t} lateral view explode(array(1, 2)) e as x",
    "select rank() over (order by id), sum(id) over (order by id rows 1 preceding) from {t}",
    "select * from (select id, id % 2 k from {t}) pivot (sum(id) for k in (0, 1))",
    "select k, grouping(k), sum(id) from (select id, id % 2 k from {t}) group by rollup (k)",
    "select * from {t} tablesample (50 percent)",
    "select id from {t} union all select id from {t} except select 3 intersect select 4",
    "select round(1.005, 2), 7 div 2, 7 % 2, -id, cast(id as decimal(10, 2)) / 3 from {t}",
    "select upper(trim(' a ')), 'a' like '%', 'a' rlike 'a', concat_ws('-', 'a', 'b'), substr('abc', 2)",
    "values (1, 'a'), (2, 'b')",
    "from {t} |> where id > 1 |> select id",
    "show views in asked",
    "show tables in asked",
    "show schemas",
    "describe {t}",
    "explain select * from {t}",
    "select from_unixtime(0), to_date('2016-02-01'), datediff(now(), date'2016-02-01'), year(now())",
    "select to_json(struct(1 a)), sum(id) filter (where id > 1), max_by(id, id), count_if(id > 1) from {t}",
]


@pytest.fixture(scope="module")
def path(spark: Any, lake_settings: Settings) -> str:
    """A Delta table by its path, as the lake's own statements name it."""
    address = f"s3a://{lake_settings.lake}/test/asked"
    spark.range(5).write.format("delta").mode("overwrite").save(address)
    return f"delta.`{address}`"


@pytest.fixture(scope="module")
def table(spark: Any, path: str) -> str:
    """A view that the lake made over it, as a release does."""
    spark.sql("CREATE DATABASE IF NOT EXISTS asked").collect()
    spark.sql(f"CREATE OR REPLACE VIEW asked.t AS SELECT * FROM {path}").collect()
    return "asked.t"


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
def test_nothing_that_is_asked_changes_a_table(spark: Any, table: str, path: str, statement: str) -> None:
    with pytest.raises(LakeError) as caught:
        ask(spark, statement.format(t=path), 10)
    assert caught.value.rule in ("sql.read_only", "sql.wrong", "sql.refused")
    assert ask(spark, f"SELECT count(*) FROM {table}", 10).rows == [(5,)]
    assert spark.sql(f"DESCRIBE HISTORY {path}").count() == 1


@pytest.mark.parametrize("statement", ATTACKS)
def test_the_door_lets_queries_through_and_nothing_else(
    spark: Any, table: str, path: str, tmp_path: Path, statement: str
) -> None:
    """What runs programs, calls code, or reads and writes by path is refused by the server itself."""
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-4711", "utf-8")
    with pytest.raises(LakeError) as caught:
        ask(spark, statement.format(t=table, path=path, file=secret, out=tmp_path / "out"), 10)
    assert caught.value.rule in ("sql.read_only", "sql.wrong", "sql.refused")
    assert "canary-4711" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert ask(spark, f"SELECT count(*) FROM {table}", 10).rows == [(5,)], "the server lives"


@pytest.mark.parametrize("text", SUBSTITUTED)
def test_a_text_names_no_environment(spark: Any, text: str) -> None:
    assert ask(spark, f"select '{text}'", 1).rows == [(text,)]


@pytest.mark.parametrize("statement", QUERIES)
def test_what_analysts_ask_is_answered(spark: Any, table: str, statement: str) -> None:
    assert ask(spark, statement.format(t=table), 50).columns


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
