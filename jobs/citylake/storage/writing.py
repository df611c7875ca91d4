"""Rows into a Delta table by delta-rs: one conditional commit with its marker, and no job of Spark.

A table is created empty and then written over the very version whose marker was read (decision 0007): a
second writer of the same batch fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from citylake.core.errors import EnvironmentFailed
from citylake.core.names import Table
from citylake.core.settings import Settings
from citylake.storage.delta import APP, KEPT_FOR_GOOD, delta_options, open_table

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, Schema

WRITABLE = 2  # the writer version up to which a table asks nothing that delta-rs might not know


@dataclass(frozen=True)
class Mark:
    """What a commit bears: what the log tells of it and, of work that is done once, its number for an
    application.
    """

    told: Mapping[str, str]
    number: int | None = None
    app: str = APP

    @property
    def properties(self) -> CommitProperties:
        """As delta-rs takes it."""
        from deltalake import CommitProperties, Transaction

        marker = [] if self.number is None else [Transaction(self.app, self.number)]
        return CommitProperties(custom_metadata=dict(self.told), app_transactions=marker)

    def held(self, opened: DeltaTable) -> bool:
        """Whether a table holds this marker or a later one."""
        return self.number is not None and (opened.transaction_version(self.app) or 0) >= self.number


def create(
    settings: Settings,
    table: Table,
    schema: Schema | pa.Schema,
    properties: Mapping[str, str] = KEPT_FOR_GOOD,
    comment: str = "",
) -> DeltaTable:
    """The table as it stands, made empty when there is none; losing the race to make it is harmless."""
    from deltalake import DeltaTable

    found = open_table(settings, table)
    if found is not None:
        return found
    address, options = table.rust_uri(settings.lake), delta_options(settings)
    DeltaTable.create(
        address,
        schema,
        mode="ignore",
        description=comment or None,
        configuration=dict(properties),
        storage_options=options,
        raise_if_key_not_exists=False,
    )
    return DeltaTable(address, storage_options=options)


def writable(opened: DeltaTable) -> bool:
    """Whether a table asks of its writers only what delta-rs does."""
    asked = opened.protocol()
    return asked.min_writer_version <= WRITABLE and not opened.metadata().partition_columns


def append(opened: DeltaTable, rows: pa.Table, mark: Mark) -> None:
    """Add rows once: a table that holds the marker stays as it is."""
    from deltalake import write_deltalake

    def work() -> None:
        write_deltalake(opened, storable(rows), mode="append", commit_properties=mark.properties)

    once(opened, mark, work)


def overwrite(opened: DeltaTable, rows: pa.Table, mark: Mark) -> None:
    """Put rows, with their columns and comments, in the place of all that a table holds."""
    from deltalake import write_deltalake

    def work() -> None:
        write_deltalake(
            opened,
            storable(rows),
            mode="overwrite",
            schema_mode="overwrite",
            commit_properties=mark.properties,
        )

    once(opened, mark, work)


def once(opened: DeltaTable, mark: Mark, work: Callable[[], None]) -> None:
    """Do work that commits under a marker, unless the table holds it; EnvironmentFailed `table.raced` when
    another writer was first with something else.
    """
    from deltalake.exceptions import CommitFailedError

    if mark.held(opened):
        return
    try:
        work()
    except CommitFailedError:
        opened.update_incremental()
        if not mark.held(opened):
            raise EnvironmentFailed(
                "table.raced", f"{opened.table_uri}: another writer committed first", now="run it again"
            ) from None


def commented(rows: pa.Table, comments: Mapping[str, str]) -> pa.Table:
    """The same rows with a comment at each column, for the log."""
    fields = [f.with_metadata({"comment": comments[f.name]}) for f in rows.schema]
    return pa.table(rows.columns, schema=pa.schema(fields))


def storable(rows: pa.Table) -> pa.Table:
    """The same rows with moments in UTC, the only zone that Delta's log knows, and columns that may be
    empty.
    """
    return rows.cast(pa.schema([f.with_type(_in_utc(f.type)).with_nullable(True) for f in rows.schema]))


def _in_utc(held: pa.DataType) -> pa.DataType:
    return pa.timestamp(held.unit, "UTC") if pa.types.is_timestamp(held) and held.tz else held
