"""Time and compared pairs of the backbone's matcher on Spark beside splink 5 on DuckDB, for the same records and truth, in one run.

Both get the same records (`identity.records`) and the same prepared keys: organisation code inside any identifier, registration number,
brand and trade of the name. splink learns its weights from the records themselves; of its thresholds the one with the best pairwise F1
counts, and its time ends before clusters are made. Spark may use 4 GiB, DuckDB as well; both have the machine's cores.
Writes `bench/results/identity_cost.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import time
from pathlib import Path
from typing import Any

from floor_and_pipeline import ROOT, Meter
from identity import World, deliver, given_of, link_city, scores, truth_of

MEMORY = "4g"
ROWS_PER_ORGANISATION = 5.9
THRESHOLDS = (0.5, 0.9, 0.99, 0.999)


def prepared(spark: Any, folder: Path) -> Path:
    """The records with the keys that both matchers compare, and their truth, as Parquet; returns where."""
    from citylake.identity import names
    from citylake.identity.linking import by_identifier
    from citylake.identity.records import records
    from pyspark.sql import functions as F

    given = given_of(spark, folder)
    found = records(given).join(truth_of(given), ["source", "source_key"]).withColumn("whole", F.expr(names.whole("name")))
    code = F.when(F.col("id_anchor").startswith("1:"), F.substring("id_anchor", 3, 9))
    keyed = by_identifier(found).select(
        F.col("record_id").alias("unique_id"), code.alias("code"), "registration_no", "whole", F.expr(names.core("whole")).alias("core"),
        F.expr(names.branch("whole")).alias("branch"), "division_code", "address", "representative", "n",
    )  # fmt: skip
    keyed.coalesce(1).write.mode("overwrite").parquet(f"file://{folder}/prepared")
    return folder / "prepared"


def compared(spark: Any, folder: Path) -> int:
    """How many pairs of a record and an organisation the backbone compares; records with a known identifier are compared with none."""
    from citylake.identity.linking import by_confirmation, by_identifier, by_keys, candidates
    from citylake.identity.records import records

    known = by_confirmation(by_identifier(by_keys(records(given_of(spark, folder))).localCheckpoint()))
    return candidates(known.localCheckpoint()).select("record_id", "_anchor").distinct().count()


def by_splink(records: Path, cores: int) -> dict[str, Any]:
    """Block, train, predict and cluster with splink 5 on DuckDB."""
    import duckdb
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    start, cpu = time.monotonic(), _cpu()
    db = duckdb.connect(config={"memory_limit": "4GB", "threads": cores})
    db.execute(f"CREATE TABLE records AS SELECT * FROM read_parquet('{records}/*.parquet')")
    levels = [
        cll.NullLevel("whole"), cll.ExactMatchLevel("whole"),
        cll.CustomLevel("core_l = core_r AND branch_l = branch_r", "brand and trade"), cll.JaroWinklerLevel("whole", 0.95), cll.ElseLevel(),
    ]  # fmt: skip
    blocks = [block_on("code"), block_on("registration_no"), block_on("core", "branch")]
    exact = [cl.ExactMatch(c) for c in ("code", "registration_no", "division_code", "address", "representative")]
    name = cl.CustomComparison(output_column_name="name", comparison_levels=levels)
    model = SettingsCreator(link_type="dedupe_only", blocking_rules_to_generate_predictions=blocks, comparisons=[*exact, name])
    api = DuckDBAPI(connection=db)
    linker = Linker(api.register("records"), model, log_level=None)
    linker.training.estimate_probability_two_random_records_match(blocks[:2], recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=10_000_000)
    for block in (blocks[0], blocks[2]):
        linker.training.estimate_parameters_using_expectation_maximisation(block)
    pairs = linker.inference.predict(threshold_match_probability=THRESHOLDS[0])
    spent = {"wall_s": round(time.monotonic() - start, 1), "cpu_s": round(_cpu() - cpu, 1), "pairs_compared": _blocked(db)}
    each = [_clustered(db, linker, pairs, t) for t in THRESHOLDS]
    best = max(each, key=lambda r: r["f1"])
    return {**spent, **best, "thresholds": each, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def _blocked(db: Any) -> int:
    """Pairs that share a block, each once."""
    on = ("a.code = b.code", "a.registration_no = b.registration_no", "a.core = b.core AND a.branch = b.branch")
    each = " UNION ".join(f"SELECT a.unique_id, b.unique_id FROM records a JOIN records b ON {x} AND a.unique_id < b.unique_id" for x in on)
    row = db.execute(f"SELECT count(*) FROM ({each})").fetchone()
    return int(row[0])


def _clustered(db: Any, linker: Any, pairs: Any, threshold: float) -> dict[str, Any]:
    """Pairwise precision, recall and F1 of the clusters at a threshold."""
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_probability=threshold)
    sizes = {k: f"(SELECT sum(k * (k - 1)) FROM (SELECT count(*) AS k FROM c GROUP BY {k}))" for k in ("cluster_id, n", "cluster_id", "n")}
    linked = f"WITH c AS (SELECT cluster_id, n FROM {clusters.physical_name})"
    both, said, so = db.execute(f"{linked} SELECT {', '.join(sizes.values())}").fetchone()
    p, r = float(both / said), float(both / so)
    return {"threshold": threshold, "precision": round(p, 6), "recall": round(r, 6), "f1": round(2 * p * r / (p + r), 6)}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure both, print, write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--heavy", action="store_true", help="identifiers are often missing")
    asked = parser.parse_args()
    state = ROOT / ".citylake" / "identity-cost"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    os.environ |= {"CITYLAKE_STATE": str(state), "CITYLAKE_SPARK_DRIVER_MEMORY": MEMORY}
    world = World(2016, int(asked.rows / ROWS_PER_ORGANISATION), 0.2, asked.heavy)
    result = _measure(world, state)
    told = {"command": f"python bench/identity_cost.py --rows {asked.rows}{' --heavy' if asked.heavy else ''}", "cores": os.cpu_count(), **result}
    (ROOT / "bench" / "results" / "identity_cost.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(told, ensure_ascii=False, indent=1))


def _measure(world: World, state: Path) -> dict[str, Any]:
    from citylake.lake.services import down, up
    from citylake.lake.settings import load_settings
    from citylake.run import open_lake

    settings = load_settings()
    up(settings)
    lake = open_lake(settings)
    try:
        rows, meter = deliver(world, state / "city"), Meter(lake)
        records = prepared(lake.spark, state / "city")
        linked = meter.step("identity.linking on Spark", rows, lambda: link_city(lake.spark, state / "city"))
        ours = {**scores(lake.spark, linked), "pairs_compared": compared(lake.spark, state / "city"), "cost": meter.steps[-1]}
    finally:
        lake.spark.stop()  # a client that outlives its server retries for ten minutes
        down(settings)
    ours["f1"] = round(2 * ours["precision"] * ours["recall"] / (ours["precision"] + ours["recall"]), 6)
    return {"rows": rows, "backbone": ours, "splink": by_splink(records, os.cpu_count() or 2)}


if __name__ == "__main__":
    main()
