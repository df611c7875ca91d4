"""The release over JDBC: its rows, the remarks of its columns, and users with secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import citylake
import duckdb
import pytest
from citylake.appliance.readers import add_user, remove_user
from citylake.compile.tables import silver_shape
from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.pipeline.lake import open_lake
from citylake.pipeline.steps import release
from citylake.release.release import latest
from citylake.release.shown import show

from tests.doors.jdbc import over_jdbc
from tests.flow.deliveries import REGISTER, components, send

KEYS = [f"2101020119{n:06d}" for n in range(50)]


@pytest.fixture(scope="module")
def served(
    readers: Any, lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, str]]:
    """A lake that released one register, and the secret of a user."""
    lake = open_lake(lake_settings)
    folder = Path(tmp_path_factory.mktemp("jdbc"))
    send(lake, folder, REGISTER, "2016-04-001", components(dict.fromkeys(KEYS, "完好")), 50, 1)
    release(lake)
    show(lake_settings, lake.store, latest(lake.store))
    yield lake_settings, add_user(lake_settings, "wang")
    remove_user(lake_settings, "wang")


def test_released_views_are_read_with_the_remarks_of_their_columns(served: tuple[Settings, str]) -> None:
    """What a client such as DBeaver shows of every column."""
    settings, secret = served
    asked = ["SELECT count(*) FROM silver.construction_component", "DESCRIBE silver.construction_component"]
    count, described = over_jdbc(settings, "wang", secret, asked)
    assert count == "OK\n50"
    remarks = dict(line.split("\t")[::2] for line in described.splitlines()[1:])
    shape = silver_shape(load_contracts(settings.root)[REGISTER])
    assert {c.name: c.comment for c in shape.columns} == remarks


@pytest.mark.parametrize("who", ["nobody", "wang", "citylake"])
@pytest.mark.parametrize("secret", ["", "guessed"])
def test_who_shows_no_secret_asks_nothing(served: tuple[Settings, str], who: str, secret: str) -> None:
    (came,) = over_jdbc(served[0], who, secret, ["SELECT 1"])
    assert came.startswith("ERROR")
    assert "Error validating the login" in came


def test_silver_of_persons_has_no_view(served: tuple[Settings, str]) -> None:
    settings, secret = served
    (views,) = over_jdbc(settings, "wang", secret, ["SHOW VIEWS IN silver"])
    assert "construction_component" in views
    assert "civil_affairs_resident" not in views


def test_a_reader_without_a_jvm_sees_the_release(served: tuple[Settings, str]) -> None:
    rows = citylake.read(
        "silver.construction_component", columns=["object_id", "_known_from"], settings=served[0]
    )
    assert sorted(rows["object_id"].to_pylist()) == KEYS
    assert duckdb.sql("SELECT count(DISTINCT object_id) FROM rows").fetchall() == [(50,)]
    assert str(rows.to_pandas()["_known_from"].dt.tz) == "Asia/Shanghai"
    assert citylake.read("silver.construction_component", release=1, settings=served[0]).num_rows == 50
    with pytest.raises(LakeError) as caught:
        citylake.read("silver.construction_componant", settings=served[0])
    assert "silver.construction_component" in str(caught.value)
