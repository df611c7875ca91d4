"""Delta tables for Spark as the files of one version.

delta-rs names the files; Spark then reads Parquet and replays no log of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from citylake.core.names import Table
from citylake.core.settings import Settings
from citylake.storage.delta import delta_options

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame, SparkSession

MANY = 32  # files; above it Spark lists them in a job of its own, and its reader of Delta prunes better


def frame(
    spark: SparkSession,
    settings: Settings,
    table: Table,
    version: int | None = None,
    where: str | None = None,
) -> DataFrame:
    """The rows of a table at a version (the newest by default); with `where` (SQL of comparisons) those for
    which it holds, and files that hold none by their statistics are not opened.

    A table with a feature that changes how its files are read (deletion vectors, mapped columns, partitions),
    and one of many files, is read by Delta itself.
    """
    from deltalake import DeltaTable

    opened = DeltaTable(
        table.rust_uri(settings.lake), version=version, storage_options=delta_options(settings)
    )
    rows = _by_files(spark, opened, where) if _plain(opened) else None
    if rows is None:
        reader = spark.read.format("delta").option("versionAsOf", str(opened.version()))
        rows = reader.load(table.spark_uri(settings.lake))
    return rows.where(where) if where else rows


def _plain(opened: DeltaTable) -> bool:
    """Whether the files of a table, read with its schema, are its rows."""
    protocol = opened.protocol()
    return (
        protocol.min_reader_version == 1
        and not protocol.reader_features
        and not opened.metadata().partition_columns
    )


def _by_files(spark: SparkSession, opened: DeltaTable, where: str | None) -> DataFrame | None:
    """The rows as Parquet files; None when there are too many to name."""
    from pyspark.sql.types import StructType

    files = opened.file_uris(file_pruning_predicate=where)
    shape = StructType.fromJson(json.loads(opened.schema().to_json()))
    if len(files) > MANY:
        return None
    if not files:
        return spark.createDataFrame([], shape)
    return spark.read.schema(shape).parquet(*[f"s3a{f.removeprefix('s3')}" for f in files])
