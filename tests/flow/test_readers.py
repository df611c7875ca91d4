"""Every table of the lake, read by four readers that share no code: delta-rs, DuckDB, pyarrow and Spark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_delta
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

_EXTENSION = next((Path(duckdb_extension_delta.__file__).parent / "extensions").rglob("*.duckdb_extension"))
Said = dict[str, Any]  # "rows" and, of every moment, column -> (number, earliest, latest) in UTC


@pytest.fixture(scope="module")
def tables(small_lake: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every Delta table of the lake by its key, copied to a folder, without the files of older versions."""
    lake, to = small_lake[0], tmp_path_factory.mktemp("tables")
    keys = [k for k in lake.store.sizes() if not k.startswith(("stage/", "doctor/"))]
    for key in (k for k in keys if "/_delta_log/" in k):
        _copy(lake, key, to)
    found = {str(p.parent.relative_to(to)): p.parent for p in sorted(to.rglob("_delta_log"))}
    for name, path in found.items():
        for file in _files(path):
            _copy(lake, f"{name}/{file}", to)
    return found


def _copy(lake: Any, key: str, to: Path) -> None:
    (to / key).parent.mkdir(parents=True, exist_ok=True)
    lake.store.download(key, to / key)


def _files(path: Path) -> list[str]:
    return [str(p) for p in pa.table(DeltaTable(path).get_add_actions())["path"].to_pylist()]


def _schema(path: Path) -> pa.Schema:
    return pa.schema(DeltaTable(path).schema().to_arrow())


def _moments(path: Path) -> list[str]:
    return [f.name for f in _schema(path) if pa.types.is_timestamp(f.type)]


def _by_arrow(rows: pa.Table, moments: list[str]) -> Said:
    held = {m: rows[m].cast(pa.timestamp("us", "UTC")).drop_null().sort() for m in moments}
    ends = {m: (_utc(v[0].as_py()), _utc(v[-1].as_py())) if len(v) else (None, None) for m, v in held.items()}
    return {"rows": rows.num_rows, **{m: (len(held[m]), *e) for m, e in ends.items()}}


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _aggregates(moments: list[str], text: str) -> str:
    parts = [f"count({m}), {text.format(f'min({m})')}, {text.format(f'max({m})')}" for m in moments]
    return ", ".join(["count(*)", *parts])


def _said(row: tuple[Any, ...], moments: list[str]) -> Said:
    return {"rows": row[0], **{m: tuple(row[1 + 3 * i : 4 + 3 * i]) for i, m in enumerate(moments)}}


def _by_duckdb(path: Path, moments: list[str]) -> Said:
    text = "strftime({} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f')"
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as connection:
        connection.load_extension(str(_EXTENSION))
        row = connection.sql(f"SELECT {_aggregates(moments, text)} FROM delta_scan('{path}')").fetchone()
    assert row is not None
    return _said(row, moments)


def _by_spark(lake: Any, name: str, moments: list[str]) -> Said:
    text = "date_format(to_utc_timestamp({}, 'Asia/Shanghai'), 'yyyy-MM-dd HH:mm:ss.SSSSSS')"
    address = f"delta.`s3a://{lake.settings.lake}/{name}`"
    return _said(
        tuple(lake.spark.sql(f"SELECT {_aggregates(moments, text)} FROM {address}").first()), moments
    )


def _parquet(tables: dict[str, Path]) -> Iterator[tuple[str, pq.ColumnSchema]]:
    for name, path in tables.items():
        for file in _files(path):
            schema = pq.ParquetFile(path / file).schema
            yield from ((f"{name}: {schema.column(i).path}", schema.column(i)) for i in range(len(schema)))


def test_no_moment_is_written_in_a_form_that_readers_drop(tables: dict[str, Path]) -> None:
    """INT96 has no unit and no zone; Parquet has called it deprecated since 2017."""
    columns = list(_parquet(tables))
    assert [n for n, c in columns if c.physical_type == "INT96"] == []
    assert any("isAdjustedToUTC=true, timeUnit=microseconds" in str(c.logical_type) for _, c in columns)


def test_four_readers_read_the_same_in_every_table(tables: dict[str, Path], small_lake: Any) -> None:
    assert {n.split("/")[0] for n in tables} >= {"bronze", "silver", "quarantine", "marts"}
    for name, path in tables.items():
        moments = _moments(path)
        by_rust = _by_arrow(DeltaTable(path).to_pyarrow_table(), moments)
        files = [str(path / f) for f in _files(path)]
        by_arrow = ds.dataset(files, schema=_schema(path), format="parquet").to_table()
        assert _by_arrow(by_arrow, moments) == by_rust, f"pyarrow: {name}"
        assert _by_duckdb(path, moments) == by_rust, f"duckdb: {name}"
        assert _by_spark(small_lake[0], name, moments) == by_rust, f"spark: {name}"


def test_every_text_can_be_asked_for(tables: dict[str, Path]) -> None:
    """A file can say of its texts that they are views: then it reads whole, and no comparison finds a row."""
    for name, path in tables.items():
        for file in _files(path):
            views = [f.name for f in pq.read_schema(path / file) if pa.types.is_string_view(f.type)]
            assert views == [], f"{name}: {file}"
