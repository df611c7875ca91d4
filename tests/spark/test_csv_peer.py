"""Spark's own CSV reader as a second peer of the record scanner: generated RFC 4180 files, 0 differences in
records or fields.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.ingest.formats.scanner import scan

FILES = 20_000
# Spark takes the first line end that it meets, also one inside quotes, for that of the file: so CRLF is the
# only one here, as in RFC 4180.
ALPHABET = ("a", "沈", '"', ",", "\r\n", " ", "", "''", "b")
Rows = list[list[str]]


@pytest.fixture
def few_partitions(spark: Any) -> Iterator[None]:
    """Small files share a partition."""
    spark.conf.set("spark.sql.files.openCostInBytes", "256")
    yield
    spark.conf.unset("spark.sql.files.openCostInBytes")


def _write(folder: Path) -> None:
    rng = random.Random(4180)
    for n in range(FILES):
        rows = [
            ["".join(rng.choices(ALPHABET, k=rng.randrange(5))) for _ in range(3)]
            for _ in range(rng.randrange(1, 6))
        ]
        with (folder / f"{n:05d}.csv").open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\r\n").writerows(rows)


def _by_spark(spark: Any, folder: Path) -> dict[str, Rows]:
    from pyspark.sql import functions as F

    frame = (
        spark.read.options(multiLine=True, quote='"', escape='"', header=False)
        .schema("a STRING, b STRING, c STRING")
        .csv(f"file://{folder}")
    )
    columns = [F.coalesce(c, F.lit("")).alias(c) for c in "abc"]
    found: dict[str, Rows] = defaultdict(list)
    for row in (
        frame.select(F.input_file_name().alias("file"), F.monotonically_increasing_id().alias("n"), *columns)
        .orderBy("n")
        .toArrow()
        .to_pylist()
    ):
        found[row["file"][-9:]].append([row["a"], row["b"], row["c"]])
    return found


def _by_scanner(path: Path) -> Rows:
    """As Spark shows them: it makes one LF of a line end inside quotes."""
    return [[f.replace("\r\n", "\n") for f in next(csv.reader([r.body.decode()]))] for r in scan(path, ",")]


@pytest.mark.usefixtures("few_partitions")
def test_the_scanner_agrees_with_spark_on_20000_files(spark: Any, tmp_path: Path) -> None:
    _write(tmp_path)
    found = _by_spark(spark, tmp_path)
    assert len(found) == FILES
    assert {p.name: _by_scanner(p) for p in tmp_path.iterdir()} == found
