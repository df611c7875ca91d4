"""A query on a department's PostgreSQL database, run in one read-only transaction that sees one moment.

With a mark only news come. A transaction that was open while we read may commit later, with marks below the
greatest that we saw; so the
next reading begins at the greatest mark of the last reading that was over before any of the transactions open
now began to write
(`pg_snapshot_xmin`, `pg_snapshot_xmax`). A mark that is taken earlier than the first write of its
transaction, as `now()` is, needs an `overlap` as well.
Rows that come twice are recognised by what they hold.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import Literal

from citylake.core.errors import ContractError, LakeError, SourceMissing
from citylake.ingest.manifest_writer import Extract, Order, delivery_name, demand_format, make_manifest
from citylake.ingest.sources.address import Address
from citylake.ingest.sources.source import Found

_ROWS = 10_000
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Query:
    """What to read: a SELECT whose columns bear the names of the contract, and the column that grows, if only
    news shall come.
    """

    text: str
    mark: str = ""
    overlap: str = ""  # an interval that every reading goes back further than the greatest mark seen


@dataclass(frozen=True)
class _Mark:
    """From where rows may be unknown, how many stood there when last read, and the earlier readings that
    still matter.
    """

    low: str | None = None
    rows: int = 0
    seen: tuple[
        tuple[str, int], ...
    ] = ()  # greatest mark of a reading, and the first transaction that it could not see


class QuerySource:
    """The answer to a query as one delivery: all of it, or with a mark what is new since the last
    delivery.
    """

    def __init__(self, address: Address, order: Order, query: Query, state: Path) -> None:
        """ContractError `source.format` when the contract is not plain CSV. `state` keeps the mark."""
        demand_format(order.contract, ("csv",), address.place)
        self._address, self._order, self._query = address, order, query
        self._state = state / "mark.json"

    def deliveries(self) -> Generator[Found, None, None]:
        """The answer, unless nothing is new; SourceMissing, LakeError `source.query`, `source.columns`,
        `source.rows_short`, `source.mark`.
        """
        with tempfile.TemporaryDirectory(prefix="citylake-") as scratch:
            path = Path(scratch) / "rows.csv"
            done = self._extract(path)
            if done is None:
                return
            rows, mark = done
            file = Extract("rows.csv", path, rows)
            delivery = delivery_name(self._order, "sql", file)
            manifest = make_manifest(self._order, delivery, datetime.now(UTC), [file])
            yield Found(
                self._order.contract.id,
                delivery,
                manifest,
                {file.name: partial(shutil.copyfile, path)},
                partial(self._remember, mark),
            )

    def _extract(self, path: Path) -> tuple[int, _Mark] | None:
        """Count and read in one transaction: both see the same moment. None when nothing is new."""
        with _transaction(self._address) as connection:
            layout = self._layout(connection)
            since = self._since()
            counted, mark = self._count(connection, since)
            if self._query.mark and counted == since.rows:
                return None
            rows = self._write(connection, path, layout, since)
        if rows != counted:
            what = f"count(*) is {counted}, the rows that came are {rows}"
            raise LakeError(
                "source.rows_short",
                what,
                where=self._address.place,
                now="a query must give the same rows twice: take out what is random",
            )
        return rows, mark

    def _layout(self, connection: Connection) -> str:
        """The layout of the contract whose columns the query gives; a mark may stand beside them."""
        cursor = connection.execute(f"select * from ({self._query.text}\n) as q limit 0".encode())
        given = sorted(c.name for c in cursor.description or [])
        contract = self._order.contract
        for layout in contract.layouts or {"": ()}:
            names = [c.name for c in contract.layout_columns(layout)]
            if given in (sorted(names), sorted([*names, self._query.mark])):
                return layout
        now = "select " + ", ".join(c.name for c in contract.columns if c.delivered)
        raise ContractError(
            "source.columns",
            f"the columns of the query are not those of {contract.id}",
            where=self._address.place,
            now=now,
        )

    def _count(self, connection: Connection, since: _Mark) -> tuple[int, _Mark]:
        if not self._query.mark:
            return _one(connection, f"select count(*) from ({self._query.text}\n) as q")[0], _Mark()
        mark, source = _quoted(self._query.mark), f"({self._query.text}\n) as q"
        if _one(connection, f"select count(*) from {source} where {mark} is null")[0]:
            what = f"{self._query.mark} is empty in some rows, which would never come"
            raise LakeError(
                "source.mark", what, where=self._address.place, now="take another column, or a full snapshot"
            )
        back = f" - interval {_literal(connection, self._query.overlap)}" if self._query.overlap else ""
        counted, top = _one(
            connection,
            f"select count(*), (max({mark}){back})::text from {source}{self._news(connection, since)}",
        )
        if top is None:
            return counted, since
        low, seen = _horizon(connection, (*since.seen, (top, 0)))
        here = _Mark(low, 0, seen)
        return counted, replace(
            here, rows=_one(connection, f"select count(*) from {source}{self._news(connection, here)}")[0]
        )

    def _news(self, connection: Connection, since: _Mark) -> str:
        """Rows at the mark come again: others may have been written there after the last delivery."""
        return (
            f" where {_quoted(self._query.mark)} >= {_literal(connection, since.low)}"
            if self._query.mark and since.low is not None
            else ""
        )

    def _write(self, connection: Connection, path: Path, layout: str, since: _Mark) -> int:
        """Text as the database writes it: decimals exact, dates by ISO 8601."""
        columns = self._order.contract.layout_columns(layout)
        texts = ", ".join(f"q.{_quoted(c.name)}::text" for c in columns)
        rows = 0
        with (
            path.open("w", encoding=self._order.contract.encoding, newline="") as handle,
            connection.cursor("citylake") as cursor,
        ):
            out = csv.writer(handle, delimiter=self._order.contract.delimiter, lineterminator="\r\n")
            out.writerow([c.header(layout) for c in columns])
            cursor.execute(
                f"select {texts} from ({self._query.text}\n) as q{self._news(connection, since)}".encode()
            )
            while held := cursor.fetchmany(_ROWS):
                out.writerows(held)
                rows += len(held)
        return rows

    def _since(self) -> _Mark:
        if not self._query.mark or not self._state.exists():
            return _Mark()
        held = json.loads(self._state.read_bytes())
        return _Mark(held["low"], held["rows"], tuple((top, int(first)) for top, first in held["seen"]))

    def _remember(self, mark: _Mark) -> None:
        if not self._query.mark:
            return
        self._state.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps({"low": mark.low, "rows": mark.rows, "seen": mark.seen}), "utf-8")
        fresh.replace(self._state)


@contextmanager
def _transaction(address: Address) -> Iterator[Connection]:
    """One repeatable-read, read-only transaction. Texts of the driver may quote values, so only their
    SQLSTATE is told.
    """
    try:
        connection = psycopg.connect(address.uri, connect_timeout=10, application_name="citylake")
    except psycopg.Error:
        now = "check host, user and password of the connection; fetch again later"
        raise SourceMissing(
            "source.unreachable",
            "the database does not answer or refuses the login",
            where=address.place,
            now=now,
        ) from None
    try:
        with connection:
            connection.isolation_level, connection.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            connection.execute("set local datestyle = 'ISO'")
            connection.execute("set local timezone = 'Asia/Shanghai'")
            yield connection
    except psycopg.OperationalError as error:
        what = f"the database broke off (SQLSTATE {error.sqlstate})"
        raise SourceMissing(
            "source.unreachable", what, where=address.place, now="fetch again later"
        ) from None
    except psycopg.Error as error:
        what = f"the database refuses the query (SQLSTATE {error.sqlstate}, {type(error).__name__})"
        raise LakeError(
            "source.query", what, where=address.place, now="mend the query or the user's rights"
        ) from None


def _horizon(
    connection: Connection, readings: tuple[tuple[str, int], ...]
) -> tuple[str | None, tuple[tuple[str, int], ...]]:
    """Where the next reading begins, None for the very start, and the readings from there on; the last of
    `readings` is this one.
    """
    oldest, unseen = _one(
        connection,
        "select pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint from"
        " pg_current_snapshot() as s",
    )
    seen = (*readings[:-1], (readings[-1][0], unseen))
    closed = [i for i, (_, first) in enumerate(seen) if first <= oldest]
    return (seen[closed[-1]][0], seen[closed[-1] :]) if closed else (None, seen)


def _one(connection: Connection, text: str) -> tuple[Any, ...]:
    return connection.execute(text.encode()).fetchone() or ()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(connection: Connection, value: str | None) -> str:
    return Literal(value).as_string(connection)
