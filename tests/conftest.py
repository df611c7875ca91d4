"""Real parts for every test: SeaweedFS and Spark Connect on free ports, started once and stopped at the
end.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from citylake.core.settings import Settings, load_settings
from hypothesis import settings as properties

properties.register_profile("citylake", deadline=None)  # how long a case takes says something of the machine
properties.load_profile("citylake")

PORTS = (
    "port_s3",
    "port_s3_master",
    "port_s3_volume",
    "port_s3_filer",
    "port_spark",
    "port_spark_ui",
    "port_readers",
    "port_jdbc",
    "port_airflow",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file stays with one worker, and so do all files that read the small lake: it is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(config.rootpath / nodeid.split("::")[0])

    return ByFile(config, log)


@cache
def _group(file: Path) -> str:
    return "small_lake" if "small_lake" in file.read_text("utf-8") else str(file)


def free_ports(count: int) -> list[int]:
    """Free ports below 40000: the store listens on each plus 10000 as well. Workers look in ranges of their
    own.
    """
    found: list[int] = []
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    candidate = 21000 + 4000 * worker + os.getpid() % 3000
    while len(found) < count:
        candidate += 3
        with socket.socket() as a, socket.socket() as b:
            try:
                a.bind(("127.0.0.1", candidate))
                b.bind(("127.0.0.1", candidate + 10000))
            except OSError:
                continue
        found.append(candidate)
    return found


@pytest.fixture(scope="session")
def lake_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a fresh lake whose services run."""
    from citylake.appliance.services import down, up
    from citylake.storage.spark import close_clients

    state = tmp_path_factory.mktemp("state")
    values = {
        "CITYLAKE_STATE": str(state),
        **{f"CITYLAKE_{n.upper()}": str(p) for n, p in zip(PORTS, free_ports(len(PORTS)), strict=True)},
    }
    os.environ.update(values)
    load_settings.cache_clear()
    settings = load_settings()
    up(settings)
    yield settings
    close_clients()
    down(settings)
    for name in values:
        os.environ.pop(name, None)
    load_settings.cache_clear()


@pytest.fixture
def other_spark(lake_settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a second Spark server over the same store, for tests that do it harm."""
    from citylake.appliance.services import down, up

    port, port_ui = free_ports(2)
    own = {
        "state": tmp_path,
        "s3_endpoint": lake_settings.endpoint,
        "s3_secret_key": lake_settings.keys[1],
        "token_key_file": lake_settings.state / "token.key",
        "port_spark": port,
        "port_spark_ui": port_ui,
        "spark_driver_memory": "1g",
    }
    settings = lake_settings.model_copy(update=own)
    up(settings)
    yield settings
    down(settings)


@pytest.fixture(scope="session")
def store(lake_settings: Settings):
    """The lake's bucket."""
    from citylake.storage.store import open_store

    return open_store(lake_settings)


@pytest.fixture(scope="session")
def spark(lake_settings: Settings):
    """A client of the Spark Connect server, which plans for few rows."""
    from citylake.storage.spark import connect, plan_for

    client = connect(lake_settings)
    plan_for(client, lake_settings, 0)
    return client


@pytest.fixture(scope="session")
def readers(lake_settings: Settings):
    """The readers' server, and a client of it as the lake's own user."""
    from citylake.appliance.services import up
    from citylake.storage.spark import connect_as_reader

    up(lake_settings, with_readers=True)
    return connect_as_reader(lake_settings)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def small_lake(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory):
    """A small city that went through the whole plan once: (lake, folder of the city)."""
    from citylake.ingest.sources.folder import fetch_folder
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.run import run_all
    from citylake.synthetic import generate

    city = tmp_path_factory.mktemp("city")
    generate(city, months=2, scale=0.3, only=SMALL)
    lake = open_lake(lake_settings)
    fetch_folder(lake.store, city / "inbox")
    run_all(lake)
    return lake, city


@pytest.fixture(scope="session")
def contents():
    """A function: every row of every silver, quarantine and mart table of a lake as sorted text, by table."""
    from citylake.core.names import mart, quarantine, silver
    from citylake.storage.delta import open_table

    def rows(lake: Any) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for c in lake.contracts.values():
            for table in (mart(c.id),) if c.kind == "mart" else (silver(c.id), quarantine(c.id)):
                opened = open_table(lake.settings, table)
                if opened is not None:
                    found[table.title] = sorted(map(str, opened.to_pyarrow_table().to_pylist()))
        return found

    return rows


SMALL = (
    "civil_affairs/resident",
    "market_regulation/legal_entity",
    "construction/component",
    "construction/component_case",
    "statistics/monthly_indicator",
    "weather/station_hourly",
)
