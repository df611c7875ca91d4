"""A released view on the readers' server, and what came of every attempt, as `make doors` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.release.shown import DOOR
from citylake.storage.spark import reader_session

Told = Callable[[str, str, str, str], None]


@pytest.fixture(scope="session")
def path(spark: Any, lake_settings: Settings) -> str:
    """A Delta table of two versions by its path, as the lake's own statements name it; the reader's keys open
    it.
    """
    address = f"s3a://{lake_settings.lake}/marts/test/asked"
    spark.range(5).write.format("delta").save(address)
    spark.range(9, 10).write.format("delta").mode("append").save(address)
    return f"delta.`{address}`"


@pytest.fixture(scope="session")
def table(readers: Any, path: str, lake_settings: Settings) -> str:
    """A view that the lake made over it, as a release does."""
    address = path.removeprefix("delta.").strip("`")
    with reader_session(lake_settings) as maker:
        maker.conf.set(DOOR, local_secret(lake_settings.state, "door"))
        for statement in (
            "CREATE DATABASE IF NOT EXISTS asked",
            f"CREATE TABLE IF NOT EXISTS asked.behind USING delta LOCATION '{address}'",
            "CREATE OR REPLACE VIEW asked.t AS SELECT * FROM asked.behind VERSION AS OF 0",
        ):
            maker.sql(statement).collect()
    return "asked.t"


@pytest.fixture
def named(table: str, path: str, lake_settings: Settings, tmp_path: Path) -> dict[str, str]:
    """What the braces of a statement stand for; `{file}` holds `canary-4711`, `{out}` does not exist."""
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-4711", "utf-8")
    return {
        "t": table,
        "behind": "asked.behind",
        "path": path,
        "file": str(secret),
        "out": str(tmp_path / "out"),
        "lake": lake_settings.lake,
    }


@pytest.fixture(scope="session")
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    """Notes an attempt: way, statement, what must come, what came; all are printed under `-s`."""
    lines: list[str] = []

    def note(way: str, tried: str, wanted: str, came: str) -> None:
        judged = "as expected" if wanted == came else "WRONG"
        lines.append(f"{way:8} {judged:11} {wanted:8} {came:8} {' '.join(tried.split())}")

    yield note
    if request.config.getoption("capture") == "no":
        print("\n" + "\n".join(lines))
        print(f"{len(lines)} attempts, {sum(' WRONG ' in line for line in lines)} not as expected")
