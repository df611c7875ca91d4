"""A released table without a JVM, for DuckDB, pandas and polars: the version that a release pins, moments in
Beijing time, with the keys of a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from citylake.core.errors import LakeError, did_you_mean
from citylake.core.settings import Settings, load_settings
from citylake.release.query import in_beijing
from citylake.release.release import find_release, latest, shown_tables
from citylake.storage.delta import delta_options
from citylake.storage.store import open_store

if TYPE_CHECKING:
    from deltalake import DeltaTable


def read(
    title: str,
    *,
    release: int | None = None,
    columns: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> pa.Table:
    """The rows of a table such as `credit.entity_file` as the present release, or an earlier one, shows it.

    Columns that hold moments bear the zone Asia/Shanghai. Errors: LakeError `table.unknown`,
    `release.unknown`, `release.none`.
    """
    rows = _opened(title, release, settings or load_settings()).to_pyarrow_table(
        columns=None if columns is None else list(columns)
    )
    told = [in_beijing(rows.column(name)) for name in rows.column_names]
    fields = [rows.schema.field(n).with_type(c.type) for n, c in zip(rows.column_names, told, strict=True)]
    return pa.table(told, schema=pa.schema(fields))


def _opened(title: str, number: int | None, settings: Settings) -> DeltaTable:
    from deltalake import DeltaTable

    name, secret = settings.reader
    reader = settings.model_copy(update={"s3_access_key": name, "s3_secret_key": secret})
    store = open_store(reader, make=False)
    shown = shown_tables(settings, latest(store) if number is None else find_release(store, number))
    if title not in shown:
        raise LakeError(
            "table.unknown",
            f"the release shows no table {title}{did_you_mean(title, shown)}",
            now="citylake sql 'SHOW VIEWS IN credit'",
        )
    pin = shown[title]
    address = f"s3://{reader.lake}/{pin['key']}"
    return DeltaTable(address, version=pin["version"], storage_options=delta_options(reader))
