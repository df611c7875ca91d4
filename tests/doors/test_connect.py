"""Over Spark Connect a reader queries; nothing that a client can send besides SQL does more. Who asks shows a
token, and reaches no session of another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from citylake.appliance.readers import add_user, remove_user
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from pyspark.errors import PySparkException

from tests.doors.conftest import Told

pytestmark = pytest.mark.usefixtures("table")


def _answered() -> dict[str, Callable[[Any], object]]:
    from pyspark.sql.connect import functions as F

    return {
        "table": lambda s: s.table("asked.t").count(),
        "aggregate": lambda s: s.table("asked.t").groupBy((F.col("id") % 2).alias("k")).sum("id").toPandas(),
        "join": lambda s: s.table("asked.t").join(s.table("asked.t"), "id").orderBy("id").limit(3).collect(),
        "window": lambda s: s.table("asked.t").selectExpr("id", "sum(id) over (order by id) s").schema,
        "local rows": lambda s: s.createDataFrame([(1, "a")], ["a", "b"]).collect(),
        "describe": lambda s: s.table("asked.t").describe().collect(),
        "show": lambda s: s.table("asked.t").show(),
        "explain": lambda s: s.table("asked.t").explain(),
        "zone": lambda s: s.conf.set("spark.sql.session.timeZone", "Asia/Shanghai"),
    }


def _refused() -> dict[str, Callable[[Any], object]]:
    from pyspark.ml.feature import StringIndexer
    from pyspark.sql.connect import functions as F

    def t(s: Any) -> Any:
        return s.table("asked.t")

    java = (F.lit("java.lang.System"), F.lit("getenv"), F.lit("HOME"))
    settings = ("fs.s3a.access.key", "spark.sql.runSQLOnFiles", "spark.citylake.door", "spark.sql.extensions")
    return {
        "udf": lambda s: t(s).select(F.udf(lambda _: os.popen("id").read(), "string")("id")).collect(),
        "mapInPandas": lambda s: t(s).mapInPandas(lambda it: it, "id long").collect(),
        "java udf": lambda s: s.udf.registerJavaFunction("f", "java.lang.Runtime"),
        "python udf by name": lambda s: s.udf.register("f", lambda x: x),
        "read text": lambda s: s.read.text("/etc/hostname").collect(),
        "read csv": lambda s: s.read.csv("/etc/hostname").collect(),
        "read delta": lambda s: s.read.format("delta").load("s3a://citylake/marts/test/asked").collect(),
        "read jdbc": lambda s: s.read.jdbc("jdbc:derby:memory:x;create=true", "t").collect(),
        "read path as table": lambda s: s.read.table("text.`/etc/hostname`").collect(),
        "read behind": lambda s: s.read.table("asked.behind").collect(),
        "read behind at": lambda s: s.read.option("versionAsOf", "0").table("asked.behind").collect(),
        "write": lambda s: t(s).write.format("delta").save("/tmp/citylake-own"),
        "write table": lambda s: t(s).write.saveAsTable("asked.own"),
        "writeTo": lambda s: t(s).writeTo("asked.own").create(),
        "merge": lambda s: t(s).mergeInto("asked.behind", F.lit(False)).whenNotMatched().insertAll().merge(),
        "temporary view": lambda s: t(s).createTempView("v"),
        "global view": lambda s: t(s).createGlobalTempView("v"),
        "cache": lambda s: t(s).cache(),
        "checkpoint": lambda s: t(s).localCheckpoint(),
        "artifact": lambda s: s.addArtifact(__file__, pyfile=True),
        "copy to server": lambda s: s.copyFromLocalToFs(__file__, "/tmp/citylake-own"),
        "stream": lambda s: s.readStream.format("rate").load().writeStream.format("console").start(),
        "create table": lambda s: s.catalog.createTable("asked.own", path="/tmp"),
        "drop view": lambda s: s.catalog.dropTempView("v"),
        "catalog": lambda s: s.catalog.listTables("asked"),
        "clone": lambda s: s.client.clone(),
        "model": lambda s: StringIndexer(inputCol="id", outputCol="o").fit(t(s)),
        "reflect": lambda s: t(s).select(F.reflect(*java)).collect(),
        "call reflect": lambda s: t(s).select(F.call_function("reflect", *java)).collect(),
        "internal function": lambda s: t(s).select(F.expr("java_method('a', 'b')")).collect(),
        "file of a row": lambda s: t(s).select(F.input_file_name()).collect(),
        "all settings": lambda s: s.conf.getAll,
        "a key": lambda s: s.conf.get("spark.hadoop.fs.s3a.endpoint"),
        **{f"set {name}": lambda s, n=name: s.conf.set(n, "true") for name in settings},
        **{f"unset {name}": lambda s, n=name: s.conf.unset(n) for name in settings},
    }


@pytest.mark.parametrize("what", _answered())
def test_a_reader_queries(readers: Any, told: Told, what: str) -> None:
    _answered()[what](readers)
    told("connect", what, "answered", "answered")


@pytest.mark.parametrize("what", _refused())
def test_nothing_else_runs(readers: Any, told: Told, what: str) -> None:
    with pytest.raises((PySparkException, grpc.RpcError)) as caught:
        _refused()[what](readers)
    assert "citylake-own" not in os.listdir("/tmp")
    assert any(w in str(caught.value) for w in ("DOOR.REFUSED", "NOT_FOUND", "UNRESOLVED_ROUTINE")), (
        caught.value
    )
    told("connect", what, "refused", "refused")


@pytest.fixture
def li(readers: Any, lake_settings: Settings) -> Iterator[tuple[str, Any]]:
    """A user, his secret and a session of his."""
    secret = add_user(lake_settings, "li")
    session = _session(lake_settings, f"user_id=li;token={secret}")
    yield secret, session
    session.client.close()


def _session(settings: Settings, who: str, port: int | None = None) -> Any:
    from pyspark.sql.connect.session import SparkSession

    return SparkSession(f"sc://localhost:{port or settings.port_readers}/;{who}")


def test_users_come_and_go(lake_settings: Settings, li: tuple[str, Any]) -> None:
    _, session = li
    assert session.table("asked.t").count() == 5
    remove_user(lake_settings, "li")
    with pytest.raises(PySparkException, match=r"DOOR\.UNKNOWN"):
        session.table("asked.t").count()


def test_nobody_is_another_one(lake_settings: Settings, readers: Any, li: tuple[str, Any]) -> None:
    secret, own = li
    for who in (
        "user_id=citylake",
        "user_id=citylake;token=guessed",
        f"user_id=citylake;token={secret}",
        f"user_id=citylake;token={secret};session_id={readers.session_id}",
        f"user_id=wang;token={secret}",
        f"token={secret}",
    ):
        with pytest.raises(PySparkException, match=r"DOOR\.UNKNOWN"):
            _ = _session(lake_settings, who).version
    for token in ("", ";token=guessed", f";token={local_secret(lake_settings.state, 'reader')}"):
        with pytest.raises(PySparkException, match="UNAUTHENTICATED"):
            _ = _session(lake_settings, f"user_id=citylake{token}", lake_settings.port_spark).version
    own.conf.set("spark.sql.session.timeZone", "America/New_York")
    same = _session(lake_settings, f"user_id=li;token={secret};session_id={readers.session_id}")
    assert readers.conf.get("spark.sql.session.timeZone") == "Asia/Shanghai"
    assert same.conf.get("spark.sql.session.timeZone") == "Asia/Shanghai", (
        "a session of his own by the same id"
    )
