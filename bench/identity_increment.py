"""What a monthly increment of the backbone costs beside a run from nothing, by the share of records that
changed, in one run.

Every office's records of a city lie in silver tables as Delta. `marts.kept` builds `credit/entity_record`
whole, twice, then again after
each append of changed rows; at the end the kept rows are compared with a whole build of the same silver.
Changed registers have another
address and representative and, one in five, another name; as many rows of decisions name a counterpart in a
new way.
Writes `bench/results/identity_increment_<organisations>.json`.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from identity import World, deliver, given_of
from laboratory import Meter, lake_of, told

MART = "credit/entity_record"
JUDGEMENTS = "development_reform/identity_judgement"
SHARES = (0.001, 0.001, 0.001, 0.01, 0.01, 0.1)  # the server has compiled what it needs after the first ones


def append(spark: Any, settings: Any, given: dict[str, Any]) -> None:
    """Add rows to the silver tables."""
    from citylake.core.names import silver

    for dataset, frame in given.items():
        frame.coalesce(1).write.format("delta").mode("append").save(silver(dataset).spark_uri(settings.lake))


def changed(given: dict[str, Any], share: float, month: int) -> dict[str, Any]:
    """A share of each source's rows as they become known in a later month, with other values."""
    from pyspark.sql import functions as F

    def of(frame: Any) -> Any:
        some = frame.where(F.abs(F.xxhash64(F.lit(month), *frame.columns)) % 10_000 < int(share * 10_000))
        name = "counterpart_name" if "counterpart_name" in frame.columns else "name"
        renamed = F.concat(F.lit("新"), F.col(name))
        every = "counterpart_name" in frame.columns
        other = {
            name: renamed
            if every
            else F.when(F.abs(F.xxhash64(name)) % 5 == 0, renamed).otherwise(F.col(name))
        }
        other |= {
            c: F.concat(c, F.lit(str(month))) for c in ("address", "representative") if c in frame.columns
        }
        return some.withColumns(other).withColumn(
            "_known_from", F.lit(f"2016-{month:02d}-01").cast("timestamp")
        )

    return {dataset: of(frame) for dataset, frame in given.items()}


def build(lake: Any, code: str = "1") -> Any:
    """All rows of the mart, by way of what is kept; other code builds it whole."""
    from citylake.core.names import silver
    from citylake.marts import kept
    from citylake.storage.delta import version

    module = importlib.import_module(f"citylake.marts.{MART.replace('/', '.')}")
    datasets = [name for name in module.INPUTS if not name.startswith("codes/")]
    at = {name: str(version(lake.settings, silver(name))) for name in datasets} | {"code": code}
    frames = {
        name: lake.spark.read.format("delta").load(silver(name).spark_uri(lake.settings.lake))
        for name in datasets
    }
    return kept.frame(lake.spark, lake.settings, lake.contracts[MART], module, frames, at)


def measure(lake: Any, world: World, state: Path) -> dict[str, Any]:
    """Whole, then an increment per share, then the comparison with a whole build of the last state."""
    spark, settings, meter = lake.spark, lake.settings, Meter(lake)
    rows = deliver(world, state / "city")
    given = given_of(spark, state / "city")
    append(spark, settings, given)
    append(
        spark,
        settings,
        {
            JUDGEMENTS: spark.createDataFrame(
                [], "record_a STRING, record_b STRING, verdict STRING, _known_to TIMESTAMP"
            )
        },
    )
    total = meter.step("whole, first", rows, lambda: build(lake, "0").count())
    meter.step("whole, warm", rows, lambda: build(lake).count())
    for n, share in enumerate(SHARES):
        more = {d: f.localCheckpoint() for d, f in changed(given, share, 3 + n).items()}
        count = sum(f.count() for f in more.values())
        append(spark, settings, more)
        meter.step(f"increment {n + 1}, {share:.1%} changed", count, lambda: build(lake).count())
    incremental = build(lake).localCheckpoint()
    whole = build(lake, "2").localCheckpoint()
    differ = incremental.exceptAll(whole).count() + whole.exceptAll(incremental).count()
    return {
        "rows": rows,
        "records": total,
        "records_at_the_end": whole.count(),
        "rows_that_differ": differ,
        "steps": meter.steps,
    }


def main() -> None:
    """Measure, print, write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--organisations", type=int, default=100_000)
    asked = parser.parse_args()
    with lake_of("identity-increment") as (lake, state):
        found = measure(lake, World(2016, asked.organisations, 0.2), state)
    told(
        f"identity_increment_{asked.organisations}",
        f"python bench/identity_increment.py --organisations {asked.organisations}",
        found,
    )


if __name__ == "__main__":
    main()
