"""Over JDBC analysts read what is released, and nothing else: the server knows the store only as its
reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import citylake
import duckdb
import pytest
from citylake.appliance.processes import stop
from citylake.appliance.services import up
from citylake.compile.tables import silver_shape
from citylake.contract.load import load_contracts
from citylake.core.errors import EnvironmentFailed, LakeError
from citylake.core.names import inbox_prefix
from citylake.core.settings import Settings
from citylake.pipeline.lake import open_lake
from citylake.pipeline.steps import release
from citylake.release.jdbc import beeline, create_views_over_jdbc
from citylake.release.release import latest

from tests.flow.deliveries import REGISTER, components, send

pytestmark = pytest.mark.slow
KEYS = [f"2101020119{n:06d}" for n in range(50)]


@pytest.fixture(scope="module")
def served(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    lake = open_lake(lake_settings)
    send(
        lake,
        Path(tmp_path_factory.mktemp("jdbc")),
        REGISTER,
        "2016-04-001",
        components(dict.fromkeys(KEYS, "完好")),
        50,
        1,
    )
    release(lake)
    up(lake_settings, jdbc=True)
    create_views_over_jdbc(lake_settings, latest(lake.store))
    yield lake_settings
    stop("jdbc", lake_settings.state)


def test_metadata_of_jdbc_bears_the_comments(served: Settings) -> None:
    """What a client such as DBeaver shows as remarks: of every column."""
    columns = beeline(served, "!columns construction_component\n")
    rows = [line.split(",") for line in columns.splitlines() if "construction_component" in line]
    contract = load_contracts(served.root)[REGISTER]
    assert len(rows) == len(silver_shape(contract).columns)
    for column in silver_shape(contract).columns:
        assert column.comment.split(" | ")[0] in columns, column.name


def test_released_views_are_read(served: Settings) -> None:
    assert "50" in beeline(served, "SELECT count(*) AS n FROM silver.construction_component;").splitlines()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM delta.`s3a://{lake}/silver/{register}`;",
        "CREATE TABLE delta.`s3a://{lake}/marts/own` USING delta AS SELECT 1 AS a;",
        "SELECT * FROM text.`s3a://{lake}/{inbox}2016-04-001/a`;",
        "SELECT * FROM delta.`s3a://{lake}/bronze/{register}`;",
        "SELECT transform(a) USING 'id' AS (o string) FROM (SELECT 1 a);",
        "SELECT reflect('java.lang.System', 'getenv', 'AWS_SECRET_ACCESS_KEY');",
        "SELECT * FROM text.`/etc/hostname`;",
        "CREATE OR REPLACE VIEW silver.construction_component AS SELECT 1 AS n;",
        "CREATE TEMPORARY VIEW mine AS SELECT 1 AS n;",
        "SET fs.s3a.access.key=citylake;",
        "SET spark.citylake.door=guessed;",
        "SET -v;",
        "ADD JAR /tmp/a.jar;",
        "CREATE FUNCTION f AS 'a.B';",
    ],
)
def test_nothing_else_is_open(served: Settings, statement: str) -> None:
    with pytest.raises(EnvironmentFailed):
        beeline(served, statement.format(lake=served.lake, register=REGISTER, inbox=inbox_prefix(REGISTER)))
    assert "50" in beeline(served, "SELECT count(*) AS n FROM silver.construction_component;").splitlines()


def test_a_reader_without_a_jvm_sees_the_release(served: Settings) -> None:
    rows = citylake.read(
        "silver.construction_component", columns=["object_id", "_known_from"], settings=served
    )
    assert sorted(rows["object_id"].to_pylist()) == KEYS
    assert duckdb.sql("SELECT count(DISTINCT object_id) FROM rows").fetchall() == [(50,)]
    assert str(rows.to_pandas()["_known_from"].dt.tz) == "Asia/Shanghai"
    assert citylake.read("silver.construction_component", release=1, settings=served).num_rows == 50
    with pytest.raises(LakeError) as caught:
        citylake.read("silver.construction_componant", settings=served)
    assert "silver.construction_component" in str(caught.value)
