"""The Spark Connect client, and the number of jobs that the server has run."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from citylake.core.errors import EnvironmentFailed, ServiceFailed
from citylake.core.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SPARK_PORT = 15002  # of Spark Connect, where the address names none
_CHECKPOINT: ContextVar[Callable[[DataFrame], DataFrame] | None] = ContextVar("checkpoint", default=None)


def checkpoint(frame: DataFrame) -> DataFrame:
    """A frame that is computed now, once, however often it is read."""
    other = _CHECKPOINT.get()
    return frame.localCheckpoint() if other is None else other(frame)


@contextmanager
def checkpoints(by: Callable[[DataFrame], DataFrame]) -> Iterator[None]:
    """Within this, `checkpoint` is done by another function, which sees the plan of every frame."""
    token = _CHECKPOINT.set(by)
    try:
        yield
    finally:
        _CHECKPOINT.reset(token)


def connect(settings: Settings) -> SparkSession:
    """A client of the lake's Spark server; an error with its mend when it does not answer."""
    from pyspark.errors.exceptions.connect import SparkConnectException, SparkConnectGrpcException
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession as Client

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(
            name
        ).disabled = True  # they write every error a second time, with the server's stack, to standard error
    if not _listens(settings):
        raise ServiceFailed(
            "spark.unreachable", f"Spark at {settings.spark_address} does not answer", now="citylake up"
        )
    try:
        client = Client.builder.remote(settings.spark_address).getOrCreate()
        _ = client.version
    except (SparkConnectException, SparkConnectGrpcException) as error:
        text = f"Spark at {settings.spark_address} does not answer: {str(error).splitlines()[0][:160]}"
        raise ServiceFailed("spark.unreachable", text, now="citylake up") from None
    return client


def answers(settings: Settings, spark: SparkSession) -> bool:
    """Whether the server of a client takes connections and this session computes."""
    try:
        return _listens(settings) and spark.sql("SELECT 1").collect()[0][0] == 1
    except Exception:  # whatever a client says whose server or session is gone
        return False


def _listens(settings: Settings) -> bool:
    """Whether somebody listens at Spark's address: of a server that is gone the client would ask for ten
    minutes.
    """
    address = urlsplit(settings.spark_address)
    try:
        with socket.create_connection((address.hostname or "", address.port or SPARK_PORT), timeout=5):
            return True
    except OSError:
        return False


def choose_codegen(spark: SparkSession, settings: Settings, rows: int) -> None:
    """Compile the next plans when they go over many rows, else interpret them (docs/decisions/0006)."""
    large = rows >= settings.codegen_from_records
    spark.conf.set("spark.sql.codegen.wholeStage", str(large).lower())
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK" if large else "NO_CODEGEN")


def spark_jobs(settings: Settings) -> int:
    """How many jobs the embedded server has run since it started, as its own pages count them."""
    base = f"http://127.0.0.1:{settings.port_spark_ui}/api/v1/applications"
    try:
        app = _get(base)[0]["id"]
        jobs = _get(f"{base}/{app}/jobs")
    except (urllib.error.URLError, IndexError) as error:
        raise EnvironmentFailed(
            "spark.pages", f"Spark's pages do not answer: {error}", now="citylake up"
        ) from None
    return 1 + max((int(j["jobId"]) for j in jobs), default=-1)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)
