"""What the readers' server shows: the views of a release, made by the lake in a session that opens the door.

The catalogue lives in the server's memory. A mark in it says what it shows, so views are made once per
release and server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from citylake.core.errors import LakeError
from citylake.core.names import Table
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.release.release import Release, name_table, pinned, view_statements
from citylake.storage.spark import connect_as_reader, reader_session
from citylake.storage.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DOOR = "spark.citylake.door"
MARK = "citylake.shown"


def show(settings: Settings, store: Store, release: Release, suffix: str = "") -> SparkSession:
    """A reader's session on a server that shows a release; with a suffix (`_r3`) in schemas of its own beside
    the present one. LakeError `release.elsewhere` where a server of others shows another release.
    """
    reader, tables = connect_as_reader(settings), [] if suffix else audit_tables(store)
    wanted = ",".join([str(release.number), *(t.name for t in tables)])
    if _shown(reader, suffix) != wanted:
        if settings.readers_remote is not None:
            told = f"the readers' server at {settings.readers_address} does not show release {release.number}"
            raise LakeError("release.elsewhere", told, now="`citylake release` where that server runs")
        made = [*view_statements(settings, release, suffix), *audit_statements(settings, tables)]
        _make(settings, made, suffix, wanted)
    return reader


def audit_tables(store: Store) -> list[Table]:
    """The tables of audit that there are; they are shown as they stand."""
    return [Table("audit", key.rstrip("/").rsplit("/", 1)[1]) for key in store.list_folders("audit/")]


def _shown(reader: SparkSession, suffix: str) -> str | None:
    from pyspark.errors import AnalysisException

    try:
        return str(reader.sql(f"SELECT mark FROM {MARK}{suffix}").collect()[0][0])
    except AnalysisException:
        return None


def _make(settings: Settings, made: list[str], suffix: str, mark: str) -> None:
    with reader_session(settings) as maker:
        maker.conf.set(DOOR, local_secret(settings.state, "door"))
        _forget_others(maker, made)
        for statement in made:
            maker.sql(statement).collect()
        maker.sql(f"CREATE DATABASE IF NOT EXISTS {MARK.split('.')[0]}").collect()
        maker.sql(f"CREATE OR REPLACE VIEW {MARK}{suffix} AS SELECT '{mark}' AS mark").collect()


def audit_statements(settings: Settings, tables: Sequence[Table]) -> Iterator[str]:
    """SQL that shows the tables of audit as they stand."""
    if tables:
        yield "CREATE DATABASE IF NOT EXISTS audit"
    for table in tables:
        yield from name_table(settings, table.key)
        source = pinned(settings, table.key)
        yield f"CREATE OR REPLACE VIEW audit.{table.name} AS SELECT * FROM {source}"


def _forget_others(maker: SparkSession, made: list[str]) -> None:
    """Views of these schemas that the release does not have: a table that left it."""
    kept = {s.removeprefix("CREATE OR REPLACE VIEW ").split(" ", 1)[0] for s in made if " VIEW " in s}
    known = {row[0] for row in maker.sql("SHOW DATABASES").collect()}
    for schema in {title.split(".")[0] for title in kept} & known:
        for row in maker.sql(f"SHOW VIEWS IN {schema}").collect():
            if f"{schema}.{row['viewName']}" not in kept:
                maker.sql(f"DROP VIEW {schema}.{row['viewName']}").collect()
