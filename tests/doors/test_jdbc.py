"""The release over JDBC: its rows, the remarks of its columns, and users with secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import citylake
import duckdb
import pyarrow as pa
import pytest
from citylake.appliance.readers import add_user, remove_user
from citylake.compile.tables import silver_shape
from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from citylake.pipeline.lake import Lake
from citylake.release.release import latest
from citylake.release.shown import show
from citylake.storage.delta import delta_options
from deltalake import DeltaTable

from tests.doors.jdbc import over_jdbc

REGISTER = "construction/component"
SHOWN = "silver.construction_component"


@pytest.fixture(scope="module")
def served(readers: Any, small_lake: Any) -> Iterator[tuple[Lake, str]]:
    """A small city's lake whose release is shown, and the secret of a user."""
    lake, _ = small_lake
    show(lake.settings, lake.store, latest(lake.store))
    yield lake, add_user(lake.settings, "wang")
    remove_user(lake.settings, "wang")


def _pinned(lake: Lake) -> pa.Table:
    """The rows that the release pins, read without Spark and without a view."""
    pin = latest(lake.store).tables[SHOWN]
    table = DeltaTable(
        f"s3://{lake.settings.lake}/{pin['key']}",
        version=pin["version"],
        storage_options=delta_options(lake.settings),
    )
    return table.to_pyarrow_table()


def test_released_views_are_read_with_the_remarks_of_their_columns(served: tuple[Lake, str]) -> None:
    """What a client such as DBeaver shows of every column."""
    lake, secret = served
    asked = [f"SELECT count(*), count(DISTINCT object_id) FROM {SHOWN}", f"DESCRIBE {SHOWN}"]
    count, described = over_jdbc(lake.settings, "wang", secret, asked)
    rows = _pinned(lake)
    assert rows.num_rows > 100
    assert count == f"OK\n{rows.num_rows}\t{len(set(rows['object_id'].to_pylist()))}"
    remarks = dict(line.split("\t")[::2] for line in described.splitlines()[1:])
    shape = silver_shape(load_contracts(lake.settings.root)[REGISTER])
    assert {c.name: c.comment for c in shape.columns} == remarks


@pytest.mark.parametrize("who", ["nobody", "wang", "citylake"])
@pytest.mark.parametrize("secret", ["", "guessed"])
def test_who_shows_no_secret_asks_nothing(served: tuple[Lake, str], who: str, secret: str) -> None:
    (came,) = over_jdbc(served[0].settings, who, secret, ["SELECT 1"])
    assert came.startswith("ERROR")
    assert "Error validating the login" in came


def test_silver_of_persons_has_no_view(served: tuple[Lake, str]) -> None:
    lake, secret = served
    (views,) = over_jdbc(lake.settings, "wang", secret, ["SHOW VIEWS IN silver"])
    assert "construction_component" in views
    assert "civil_affairs_resident" not in views


def test_a_reader_without_a_jvm_sees_the_release(served: tuple[Lake, str]) -> None:
    lake, _ = served
    rows = citylake.read(SHOWN, columns=["object_id", "_known_from"], settings=lake.settings)
    pinned = _pinned(lake)
    assert sorted(rows["object_id"].to_pylist()) == sorted(pinned["object_id"].to_pylist())
    assert duckdb.sql("SELECT count(*) FROM rows").fetchall() == [(pinned.num_rows,)]
    assert str(rows.to_pandas()["_known_from"].dt.tz) == "Asia/Shanghai"
    assert citylake.read(SHOWN, release=1, settings=lake.settings).num_rows > 0
    with pytest.raises(LakeError) as caught:
        citylake.read("silver.construction_componant", settings=lake.settings)
    assert SHOWN in str(caught.value)
