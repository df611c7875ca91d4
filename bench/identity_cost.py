"""Time and compared pairs of the backbone's matcher on Spark beside splink 5 on DuckDB, for the same records
and truth, in one run.

Both get the same records (`identity.records`) and the same prepared keys: organisation code inside any
identifier, registration number,
brand and trade of the name. splink learns its weights from the records themselves, but for u, which is
counted between organisations;
of its thresholds the one with the best pairwise F1 counts, and its time ends before clusters are made. Spark
may use 4 GiB, DuckDB as
well; both have the machine's cores.
Writes `bench/results/identity_cost.json`.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path
from typing import Any

from identity import World, deliver, given_of, link_city, scores, truth_of
from laboratory import Meter, lake_of, told

MEMORY = "4g"
ROWS_PER_ORGANISATION = 5.9
THRESHOLDS = (0.5, 0.9, 0.99, 0.999, 0.9999)
BLOCKS = ("code", "registration_no", "brand")


def prepared(spark: Any, folder: Path) -> Path:
    """The records with the keys that both matchers compare, and their truth, as Parquet; returns where."""
    from citylake.identity import names
    from citylake.identity.linking import by_identifier
    from citylake.identity.records import records
    from pyspark.sql import functions as F

    given = given_of(spark, folder)
    found = (
        records(given)
        .join(truth_of(given), ["source", "source_key"])
        .withColumn("whole", F.expr(names.whole("name")))
    )
    code = F.when(F.col("id_anchor").startswith("1:"), F.substring("id_anchor", 3, 9))
    keyed = by_identifier(found).select(
        F.col("record_id").alias("unique_id"),
        code.alias("code"),
        "registration_no",
        "whole",
        F.expr(names.core("whole")).alias("core"),
        F.expr(names.branch("whole")).alias("branch"),
        F.expr(names.district("whole")).alias("named"),
        F.expr(f"coalesce({names.in_force('division_code')}, {names.district('whole')})").alias("division"),
        "address",
        "representative",
        "n",
    )
    keyed.coalesce(1).write.mode("overwrite").parquet(f"file://{folder}/prepared")
    return folder / "prepared"


def compared(spark: Any, folder: Path) -> int:
    """How many pairs of a record and an organisation the backbone compares; records with a known identifier
    are compared with none.
    """
    from citylake.identity.linking import by_confirmation, by_identifier, by_keys, candidates
    from citylake.identity.records import records

    known = by_confirmation(by_identifier(by_keys(records(given_of(spark, folder))).localCheckpoint()))
    return candidates(known.localCheckpoint()).select("record_id", "_anchor").distinct().count()


def by_splink(records: Path, cores: int) -> dict[str, Any]:
    """Block, train, predict and cluster with splink 5 on DuckDB."""
    import duckdb
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    start, cpu = time.monotonic(), _cpu()
    db = duckdb.connect(config={"memory_limit": "4GB", "threads": cores})
    _read(db, records)
    blocks = [block_on(b) for b in BLOCKS]
    model = SettingsCreator(
        link_type="dedupe_only", blocking_rules_to_generate_predictions=blocks, comparisons=_comparisons(db)
    )
    linker = Linker(DuckDBAPI(connection=db).register("records"), model, log_level=None)
    linker.training.estimate_probability_two_random_records_match(blocks[:2], recall=0.9)
    for block in (block_on("representative", "division"), blocks[0]):
        linker.training.estimate_parameters_using_expectation_maximisation(block, max_pairs=1_000_000)
    pairs = linker.inference.predict(threshold_match_probability=THRESHOLDS[0])
    spent = {
        "wall_s": round(time.monotonic() - start, 1),
        "cpu_s": round(_cpu() - cpu, 1),
        "pairs_compared": _blocked(db),
    }
    each = [_clustered(db, linker, pairs, t) for t in THRESHOLDS]
    best = max(each, key=lambda r: r["f1"])
    return {
        **spent,
        **best,
        "thresholds": each,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _read(db: Any, records: Path) -> None:
    """Tables `records`, with how many organisations (told apart by identifiers) bear the brand and the whole
    name, and `one_each`, a record per code.
    """
    db.execute(
        "CREATE VIEW given AS SELECT *, nullif(core, '') || '|' || branch AS brand FROM"
        f" read_parquet('{records}/*.parquet')"
    )
    borne = {
        c: (
            f"(SELECT {c}, count(DISTINCT coalesce(code, registration_no)) AS {c}_borne FROM given GROUP BY"
            f" {c})"
        )
        for c in ("brand", "whole")
    }
    db.execute(
        f"CREATE TABLE records AS SELECT * FROM given LEFT JOIN {borne['brand']} USING (brand) LEFT JOIN"
        f" {borne['whole']} USING (whole)"
    )
    db.execute(
        "CREATE TABLE one_each AS SELECT DISTINCT ON (code) * FROM records WHERE code IS NOT NULL ORDER BY"
        " code, unique_id"
    )


def _comparisons(db: Any) -> list[Any]:
    """Blanks are neutral; a name that one organisation bears weighs more than one of several, as in the
    backbone.

    u is counted between organisations: among random records most pairs that share a code are matches, so a
    sample gives u = P(match).
    """
    least, whole, brand = (_by_chance(db, c) for c in ("unique_id", "whole", "brand"))
    names = {
        "whole_l = whole_r AND brand_borne_l <= 1": least,
        "brand_l = brand_r AND brand_borne_l <= 1": least,
        "whole_l = whole_r AND whole_borne_l <= 1": least,
        "whole_l = whole_r": whole,
        "brand_l = brand_r": max(brand - whole, least),
    }
    columns = ("code", "registration_no", "division", "named", "address", "representative")
    return [
        *(_compared_on(c, {f"{c}_l = {c}_r": _by_chance(db, c)}) for c in columns),
        _compared_on("whole", names),
    ]


def _compared_on(column: str, levels: dict[str, float]) -> Any:
    """A comparison of levels in their order, each SQL and its u, and all else."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl

    fixed = [
        cll.CustomLevel(sql, sql).configure(u_probability=u, fix_u_probability=True)
        for sql, u in levels.items()
    ]
    other = cll.ElseLevel().configure(u_probability=1 - sum(levels.values()), fix_u_probability=True)
    return cl.CustomComparison(
        output_column_name=column, comparison_levels=[cll.NullLevel(column), *fixed, other]
    )


def _by_chance(db: Any, column: str) -> float:
    """The share of pairs of two organisations that agree on a column; one pair where none does."""
    same = (
        f"SELECT sum(k * (k - 1)), sum(k) FROM (SELECT count(*) AS k FROM one_each WHERE {column} IS NOT NULL"
        f" GROUP BY {column})"
    )
    agree, known = db.execute(same).fetchone()
    return max(float(agree), 2.0) / float(known * (known - 1))


def _blocked(db: Any) -> int:
    """Pairs that share a block, each once."""
    each = " UNION ".join(
        f"SELECT a.unique_id, b.unique_id FROM records a JOIN records b ON a.{c} = b.{c} AND a.unique_id <"
        " b.unique_id"
        for c in BLOCKS
    )
    row = db.execute(f"SELECT count(*) FROM ({each})").fetchone()
    return int(row[0])


def _clustered(db: Any, linker: Any, pairs: Any, threshold: float) -> dict[str, Any]:
    """Pairwise precision, recall and F1 of the clusters at a threshold."""
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        pairs, threshold_match_probability=threshold
    )
    sizes = {
        k: f"(SELECT sum(k * (k - 1)) FROM (SELECT count(*) AS k FROM c GROUP BY {k}))"
        for k in ("cluster_id, n", "cluster_id", "n")
    }
    linked = f"WITH c AS (SELECT cluster_id, n FROM {clusters.physical_name})"
    both, said, so = db.execute(f"{linked} SELECT {', '.join(sizes.values())}").fetchone()
    p, r = float(both / said), float(both / so)
    return {
        "threshold": threshold,
        "precision": round(p, 6),
        "recall": round(r, 6),
        "f1": round(2 * p * r / (p + r), 6),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure both, print, write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--heavy", action="store_true", help="identifiers are often missing")
    asked = parser.parse_args()
    world = World(2016, int(asked.rows / ROWS_PER_ORGANISATION), 0.2, asked.heavy)
    with lake_of("identity-cost", spark_driver_memory=MEMORY) as (lake, state):
        found, records = _measured(lake, world, state)
    command = f"python bench/identity_cost.py --rows {asked.rows}{' --heavy' if asked.heavy else ''}"
    told("identity_cost", command, {**found, "splink": by_splink(records, os.cpu_count() or 2)})


def _measured(lake: Any, world: World, state: Path) -> tuple[dict[str, Any], Path]:
    """The backbone's figures, and where the records lie for its peer."""
    rows, meter = deliver(world, state / "city"), Meter(lake)
    records = prepared(lake.spark, state / "city")
    linked = meter.step("identity.linking on Spark", rows, lambda: link_city(lake.spark, state / "city"))
    ours = {
        **scores(lake.spark, linked),
        "pairs_compared": compared(lake.spark, state / "city"),
        "cost": meter.steps[-1],
    }
    ours["f1"] = round(2 * ours["precision"] * ours["recall"] / (ours["precision"] + ours["recall"]), 6)
    return {"rows": rows, "backbone": ours}, records


if __name__ == "__main__":
    main()
