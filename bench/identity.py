"""How well and at what cost the backbone finds out who is who, against the truth of a synthetic city.

Every office's records of a city of organisations go through `identity.records` and `identity.linking` on
Spark; pairs and B-cubed
figures come from the true number of each record. `make score-identity` prints a line per city and writes
`bench/results/identity.json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from pathlib import Path
from random import Random
from typing import Any

from laboratory import Meter, lake_of, told

MONTH = date(2016, 1, 1)
HIDDEN = str.maketrans("沈阳辽宁业务厂机电车国区贸发", "瀋陽遼寧業務廠機電車國區貿發")
LEAST = {"precision": 0.999, "recall": 0.99, "b_cubed_f1": 0.99}


@dataclass(frozen=True)
class World:
    """One city: its seed, how many names differ between offices, and whether identifiers are often
    missing.
    """

    seed: int
    organisations: int
    variants: float
    heavy: bool = False


def rows_of(world: World) -> Iterator[tuple[str, Iterator[dict[str, str]]]]:
    """(dataset, rows) of all eleven sources."""
    from citylake.synthetic import organisations as o
    from citylake.synthetic.decisions import decisions
    from citylake.synthetic.people import entities

    n, seed = world.organisations, world.seed
    yield "market_regulation/legal_entity", entities(seed, n, MONTH)
    yield from o.registers(seed, n, MONTH, world.variants)
    yield "market_regulation/list_entry", o.list_entries(seed, n // 50, n, MONTH)
    yield "court/dishonest_organisation", o.dishonest(seed, n // 100, n, MONTH)
    yield "state_taxation/tax_grade", o.tax_grades(seed, n, 2015, MONTH)
    for kind, share in (("permit", 1.0), ("penalty", 0.5)):
        rows = (
            r
            for w in range(2)
            for r in decisions(
                seed, kind, date(2016, 1, 10) + timedelta(days=7 * w), int(n * share / 2), n, revised=False
            )
        )
        yield f"development_reform/admin_{kind}", (_as_written(world, r, k) for k, r in enumerate(rows))


def _as_written(world: World, row: dict[str, str], number: int) -> dict[str, str]:
    """A decision as a clerk writes it: the name varies, and of four identifiers some are left out (all of
    them in 3 % of heavy rows).
    """
    from citylake.synthetic.organisations import variant
    from citylake.synthetic.people import former_name

    rng = Random(f"{world.seed}/clerk/{number}")
    kept = {
        k: v if rng.random() < (0.5 if world.heavy else 0.8) else ""
        for k, v in row.items()
        if k.startswith("counterpart_") and k != "counterpart_name"
    }
    former = former_name(world.seed, int(row["#organisation"]), row["counterpart_name"])
    name = variant(former if former and rng.random() < 0.3 else row["counterpart_name"], rng, world.variants)
    if world.heavy and rng.random() < 0.1:
        name = name.translate(HIDDEN)
    return row | kept | {"counterpart_name": name}


def deliver(world: World, to: Path) -> int:
    """Write the columns that identity reads as Parquet, one file per dataset; returns the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from citylake.privacy.tokens import Tokens
    from citylake.synthetic.people import TRUTH

    total, tokens = 0, Tokens(b"bench")
    for dataset, rows in rows_of(world):
        found = [
            {
                k: (tokens.organisation_code(v) or None) if "taxpayer_no" in k else v or None
                for k, v in r.items()
            }
            for r in rows
        ]
        columns = [c for c in found[0] if not c.startswith("#")]
        table = pa.table(
            {
                **{c: pa.array([r.get(c) for r in found], pa.string()) for c in columns},
                "_truth": pa.array([int(r[TRUTH] or 0) for r in found]),
            }
        )
        (to / dataset).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, to / dataset / "part.parquet")
        total += len(found)
    return total


def figures(spark: Any, folder: Path) -> dict[str, Any]:
    """Link the city's records, then pairwise and B-cubed figures and how records were linked."""
    return scores(spark, link_city(spark, folder))


def given_of(spark: Any, folder: Path) -> dict[str, Any]:
    """The frames of a delivered city by dataset, as if all became known at once."""
    from citylake.identity.records import SOURCES
    from pyspark.sql import functions as F

    # Plans over this many rows are compiled, as `refine` does for large batches.
    spark.conf.set("spark.sql.codegen.wholeStage", "true")
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
    known = F.lit("2016-02-01").cast("timestamp")
    return {
        s.dataset: spark.read.parquet(f"file://{folder}/{s.dataset}").withColumn("_known_from", known)
        for s in SOURCES
    }


def truth_of(given: dict[str, Any]) -> Any:
    """source, source_key and the true number `n` of every record."""
    from citylake.identity.records import SOURCES, source_key
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    true = [
        given[s.dataset].select(F.lit(s.dataset).alias("source"), source_key(s).alias("source_key"), "_truth")
        for s in SOURCES
    ]
    return reduce(
        DataFrame.unionByName,
        [t.groupBy("source", "source_key").agg(F.min("_truth").alias("n")) for t in true],
    )


def link_city(spark: Any, folder: Path) -> Path:
    """Link every record, write entity_id, method and truth below the folder; returns where."""
    from citylake.identity.linking import link
    from citylake.identity.records import records

    given = given_of(spark, folder)
    judged = spark.createDataFrame([], "record_a STRING, record_b STRING, verdict STRING")
    linked = link(records(given), judged).select("record_id", "source", "source_key", "entity_id", "method")
    linked.join(truth_of(given), ["source", "source_key"]).write.mode("overwrite").parquet(
        f"file://{folder}/linked"
    )
    return folder / "linked"


def scores(spark: Any, path: Path) -> dict[str, Any]:
    """Pairwise precision and recall, B-cubed figures and methods of records with `entity_id`, `method` and
    true number `n`.
    """
    whole = spark.read.parquet(f"file://{path}")
    whole.createOrReplaceTempView("linked")
    one = spark.sql(
        """
        WITH cell AS (SELECT entity_id, n, count(*) AS c FROM linked GROUP BY ALL),
             sized AS (SELECT c, sum(c) OVER (PARTITION BY entity_id) AS e, sum(c) OVER (PARTITION BY n) AS t FROM cell)
        SELECT sum(c * (c - 1)) / 2 AS both, (SELECT sum(e * (e - 1)) / 2 FROM (SELECT count(*) AS e FROM linked GROUP BY entity_id)) AS said,
               (SELECT sum(t * (t - 1)) / 2 FROM (SELECT count(*) AS t FROM linked GROUP BY n)) AS so,
               sum(c * c / e) / sum(c) AS bp, sum(c * c / t) / sum(c) AS br, sum(c) AS records FROM sized"""  # noqa: E501
    ).collect()[0]
    methods = {r["method"]: r["count"] for r in whole.groupBy("method").count().collect()}
    bp, br = float(one["bp"]), float(one["br"])
    return {
        "records": int(one["records"]),
        "pairs": int(one["so"]),
        "precision": round(float(one["both"] / one["said"]), 6),
        "recall": round(float(one["both"] / one["so"]), 6),
        "b_cubed_precision": round(bp, 6),
        "b_cubed_recall": round(br, 6),
        "b_cubed_f1": round(2 * bp * br / (bp + br), 6),
        "methods": methods,
    }


def main() -> None:
    """Score every city, print, write the results; exit 1 when a figure is below what is promised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--organisations", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    worlds = [World(2016 + s, asked.organisations, 0.1 + 0.1 * s) for s in range(asked.seeds)] + [
        World(2020, asked.organisations, 0.4, heavy=True)
    ]
    with lake_of("score-identity") as (lake, state):
        results = _run(lake, worlds, state)
    told(
        "identity",
        f"python bench/identity.py --organisations {asked.organisations} --seeds {asked.seeds}",
        {"cities": results},
    )
    short = [(r["seed"], k) for r in results for k, least in LEAST.items() if r[k] < least]
    print("below what is promised: " + (", ".join(f"{k} of seed {s}" for s, k in short) or "nothing"))
    sys.exit(1 if short else 0)


def _run(lake: Any, worlds: list[World], state: Path) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    meter = Meter(lake)
    for world in worlds:
        folder = state / str(world.seed)
        start = time.monotonic()
        rows = deliver(world, folder)
        print(f"seed {world.seed}: {rows:,} rows generated in {time.monotonic() - start:.0f} s", flush=True)
        found = meter.step(
            f"link {world.organisations:,} organisations", rows, lambda f=folder: figures(lake.spark, f)
        )
        results.append({**world.__dict__, "rows": rows, **found, "cost": meter.steps[-1]})
        print(json.dumps(found), flush=True)
        shutil.rmtree(folder)
    return results


if __name__ == "__main__":
    main()
