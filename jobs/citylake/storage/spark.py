"""The Spark Connect client, and the number of jobs that the server has run."""

from __future__ import annotations

import atexit
import json
import os
import re
import socket
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

from citylake.core.errors import EnvironmentFailed, ServiceFailed
from citylake.core.secrets import local_secret
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


@dataclass(frozen=True)
class _Door:
    """Where a server is, and as whom it is asked."""

    address: str
    user: str | None
    token: str | None
    now: str  # what a person does when it does not answer

    @property
    def told(self) -> str:
        """The address without user and token."""
        return self.address.split("/;")[0]

    @property
    def whole(self) -> str:
        """The address as the client takes it."""
        own = {"user_id": self.user, "token": self.token and quote(self.token)}
        more = [f"{k}={v}" for k, v in own.items() if v is not None and f"{k}=" not in self.address]
        given = self.address.partition("/;")[2]
        return f"{self.told.rstrip('/')}/;{';'.join([*([given] if given else []), *more])}"


_CLIENTS: dict[_Door, SparkSession] = {}
"""One per process and server: each session holds memory of its server until it is released."""


def connect(settings: Settings) -> SparkSession:
    """The client of the lake's Spark server; an error with its mend when it does not answer."""
    return _client(_Door(settings.spark_address, "citylake", _token(settings), "citylake up"))


def connect_as_reader(settings: Settings) -> SparkSession:
    """The client of the readers' server, as the lake's own user there."""
    return _client(_readers(settings))


@contextmanager
def reader_session(settings: Settings) -> Iterator[SparkSession]:
    """A session of the readers' server that ends with the work."""
    session = _open(_readers(settings))
    try:
        yield session
    finally:
        session.stop()


def close_clients() -> None:
    """End every session. One whose server is gone is only closed: it would ask for it for ten minutes."""
    for door, client in _CLIENTS.items():
        if _listens(door.told):
            client.stop()
        else:
            cast("Any", client).client.close()
    _CLIENTS.clear()


def _readers(settings: Settings) -> _Door:
    if settings.readers_remote is not None:
        return _Door(settings.readers_remote.get_secret_value(), None, None, "citylake doctor")
    return _Door(
        settings.readers_address, "citylake", local_secret(settings.state, "reader"), "citylake up --readers"
    )


def _token(settings: Settings) -> str | None:
    if settings.spark_token is not None:
        return settings.spark_token.get_secret_value()
    return None if settings.spark_remote else local_secret(settings.state, "spark")


def _client(door: _Door) -> SparkSession:
    from pyspark.errors.exceptions.connect import SparkConnectException

    held = _CLIENTS.get(door)
    if held is not None and not cast("Any", held).is_stopped and _listens(door.told):
        try:
            held.conf.get("spark.sql.session.timeZone")
            return held
        except SparkConnectException:
            cast("Any", held).client.close()  # the server started anew and knows this session no longer
    if not _CLIENTS:
        atexit.register(close_clients)  # when the interpreter ends, a channel no longer closes
    _CLIENTS[door] = _open(door)
    return _CLIENTS[door]


def _open(door: _Door) -> SparkSession:
    from pyspark.errors.exceptions.connect import SparkConnectException, SparkConnectGrpcException
    from pyspark.logger import PySparkLogger
    from pyspark.sql.connect.session import SparkSession as Client

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(
            name
        ).disabled = True  # they write every error a second time, with the server's stack, to standard error
    if not _listens(door.told):
        raise ServiceFailed("spark.unreachable", f"Spark at {door.told} does not answer", now=door.now)
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # functions and columns are Connect's
    client = cast("SparkSession", Client(door.whole, hook_factories=[_own_answers(Client)]))
    try:
        _ = client.version
    except (SparkConnectException, SparkConnectGrpcException) as error:
        cast("Any", client).client.close()  # else it asks for the server again when the process ends
        told = re.search(r'details = "(.*?)"', str(error))
        text = f"Spark at {door.told} does not answer: {told[1] if told else str(error).splitlines()[0]}"
        raise ServiceFailed("spark.unreachable", text[:300], now=door.now) from None
    return client


def _own_answers(client: type[Any]) -> type[Any]:
    """What a command returns, a checkpoint, belongs to the session that sent the command: the client gives it
    to the session that is active in the thread, which may be of another server.
    """

    class Own(client.Hook):
        def __init__(self, session: Any) -> None:
            self.session = session

        def on_execute_plan(self, request: Any) -> Any:
            client._active_session.session = self.session
            return request

    return Own


def answers(settings: Settings, spark: SparkSession) -> bool:
    """Whether the server of a client takes connections and this session computes."""
    try:
        return _listens(settings.spark_address) and spark.sql("SELECT 1").collect()[0][0] == 1
    except Exception:  # whatever a client says whose server or session is gone
        return False


def _listens(address: str) -> bool:
    """Whether somebody listens at Spark's address: of a server that is gone the client would ask for ten
    minutes.
    """
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or SPARK_PORT), timeout=5):
            return True
    except OSError:
        return False


SMALL = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.ui.explainMode": "simple",
}
"""How few rows are worked on: what planning saves there costs more than the work (docs/decisions/0085)."""
_LARGE = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
_CHOSEN: WeakKeyDictionary[SparkSession, bool] = WeakKeyDictionary()


def plan_for(spark: SparkSession, settings: Settings, rows: int) -> None:
    """Plan what comes next for so many rows: few are interpreted in one task, many are compiled, with the
    server's own settings else.
    """
    large = rows >= settings.codegen_from_records
    if _CHOSEN.get(spark) == large:
        return
    cast("Any", spark.conf)._set_all(_LARGE if large else SMALL, silent=False)
    for name in SMALL.keys() - _LARGE if large else ():
        spark.conf.unset(name)
    _CHOSEN[spark] = large


def spark_jobs(settings: Settings) -> int:
    """How many jobs the embedded server has run since it started, as its own pages count them."""
    try:
        app = spark_pages(settings, "")[0]["id"]
        jobs = spark_pages(settings, f"/{app}/jobs")
    except (urllib.error.URLError, IndexError) as error:
        raise EnvironmentFailed(
            "spark.pages", f"Spark's pages do not answer: {error}", now="citylake up"
        ) from None
    return 1 + max((int(j["jobId"]) for j in jobs), default=-1)


def spark_pages(settings: Settings, path: str) -> Any:
    """What the embedded server's pages say at a path below `api/v1/applications`, by their own secret."""
    url = f"http://127.0.0.1:{settings.port_spark_ui}/api/v1/applications{path}"
    basic = b64encode(f"citylake:{local_secret(settings.state, 'spark-pages')}".encode()).decode()
    asked = urllib.request.Request(url, headers={"Authorization": f"Basic {basic}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)
