"""What is behind a row, by the plan alone: the named rows give the row again, and no others are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from citylake.audit import walk
from citylake.audit.builds import Build, input_key
from citylake.audit.provenance import Rewriter
from citylake.audit.walk import Rows, behind, onward, restricted
from citylake.contract.inputs import CODES, mart_inputs
from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from citylake.marts.build import input_frames, load_mart, typed
from citylake.storage.spark import checkpoint, checkpoints
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

Made = Callable[[dict[str, DataFrame]], DataFrame]
SALES = [(1, "x", 5), (2, "x", 7), (3, "y", 4), (4, "z", 1), (5, None, 2)]
PLACES = [("x", "north"), ("y", "north"), ("z", "south"), (None, "nowhere"), ("q", "south")]


def _grouped(f: dict[str, DataFrame]) -> DataFrame:
    return f["sales"].groupBy("shop").agg(F.max("amount").alias("most"))


def _joined(f: dict[str, DataFrame]) -> DataFrame:
    return (
        f["sales"].join(F.broadcast(f["places"]), "shop").groupBy("place").agg(F.sum("amount").alias("sum"))
    )


def _aliased(f: dict[str, DataFrame]) -> DataFrame:
    left, right = f["sales"].alias("l"), f["places"].alias("r")
    return left.join(right, F.col("l.shop") == F.col("r.shop"), "left").select("l.*", "place")


def _with_itself(f: dict[str, DataFrame]) -> DataFrame:
    other = f["sales"].select(F.col("id").alias("other"), (F.col("id") - 1).alias("id"))
    return f["sales"].join(other, "id", "left")


def _windowed(f: dict[str, DataFrame]) -> DataFrame:
    return f["sales"].withColumn("share", F.sum("amount").over(Window.partitionBy("shop")))


def _over_a_window(f: dict[str, DataFrame]) -> DataFrame:
    before = F.lag("amount").over(Window.partitionBy("place").orderBy("id"))
    placed = f["sales"].join(f["places"], "shop").select("*", before.alias("before"))
    return placed.where("before > 4").groupBy("place").agg(F.count(F.lit(1)).alias("n"))


def _united(f: dict[str, DataFrame]) -> DataFrame:
    total = f["sales"].groupBy("shop").agg(F.count(F.lit(1)).alias("n")).select(F.col("shop"), "n")
    one = f["places"].select("shop", F.lit(0).cast("bigint").alias("n"))
    return total.union(one).unionByName(total).distinct()


def _matched(f: dict[str, DataFrame]) -> DataFrame:
    return f["sales"].join(f["places"].where("place = 'north'"), "shop", "left_semi")


def _not_matched(f: dict[str, DataFrame]) -> DataFrame:
    return f["sales"].join(f["places"].where("place = 'north'"), "shop", "left_anti")


def _exploded(f: dict[str, DataFrame]) -> DataFrame:
    twice = f["sales"].select("id", F.explode(F.array("amount", F.col("amount") * 2)).alias("v"))
    return twice.groupBy("v").agg(F.min("id").alias("least"))


def _beside_a_total(f: dict[str, DataFrame]) -> DataFrame:
    total = f["sales"].agg(F.sum("amount").alias("total"))
    return f["places"].crossJoin(total).fillna("none", ["shop"])


def _checkpointed(f: dict[str, DataFrame]) -> DataFrame:
    once = checkpoint(_joined(f).withColumn("sum", F.col("sum") + 1))
    return once.join(once.withColumnsRenamed({"sum": "again"}), "place")


def _unpivoted(f: dict[str, DataFrame]) -> DataFrame:
    wide = f["sales"].withColumn("double", F.col("amount") * 2)
    return wide.unpivot(["id"], ["amount", "double"], "what", "value")


BUILDS: dict[str, tuple[Made, tuple[str, ...]]] = {
    "group": (_grouped, ("shop",)),
    "join": (_joined, ("place",)),
    "alias": (_aliased, ("id",)),
    "itself": (_with_itself, ("id",)),
    "window": (_windowed, ("id",)),
    "group over window": (_over_a_window, ("place",)),
    "union": (_united, ("shop", "n")),
    "semi": (_matched, ("id",)),
    "anti": (_not_matched, ("id",)),
    "explode": (_exploded, ("v",)),
    "total": (_beside_a_total, ("shop", "place")),
    "checkpoint": (_checkpointed, ("place",)),
    "unpivot": (_unpivoted, ("id", "what")),
}


def _inputs(spark: Any) -> dict[str, DataFrame]:
    return {
        "sales": spark.createDataFrame(SALES, "id INT, shop STRING, amount INT"),
        "places": spark.createDataFrame(PLACES, "shop STRING, place STRING"),
    }


def _build(spark: Any, made: Made) -> tuple[Build, DataFrame]:
    rewriter = Rewriter(spark)
    frames = {n: rewriter.input(n, f, [F.col(c) for c in f.columns]) for n, f in _inputs(spark).items()}
    with checkpoints(rewriter.checkpoint):
        rows = made(frames)
        return Build(None, {}, rewriter, rewriter.follow(rows)), rows  # pyright: ignore[reportArgumentType]


def _asked(table: pa.Table, keys: tuple[str, ...], at: int) -> Rows:
    asked = Rows(pa.struct([table.schema.field(k) for k in keys]))
    asked.add(table.slice(at, 1).select(list(keys)).to_pylist(), used=True)
    return asked


@pytest.mark.parametrize("name", BUILDS)
def test_the_named_rows_alone_give_each_row_again(spark: Any, name: str) -> None:
    made, keys = BUILDS[name]
    build, rows = _build(spark, made)
    table = rows.toArrow()
    for at in range(table.num_rows):
        asked = _asked(table, keys, at)
        found = behind(build, [F.col(k) for k in keys], asked, table.column_names)
        row = table.slice(at, 1).to_pylist()[0]
        assert row in found.asked
        assert row in made(restricted(build, found)).toArrow().to_pylist(), (row, found.rows)


def _named(spark: Any, name: str, *key: Any) -> dict[str, dict[Any, bool]]:
    made, keys = BUILDS[name]
    build, rows = _build(spark, made)
    table = rows.toArrow()
    at = next(i for i, r in enumerate(table.to_pylist()) if tuple(r[k] for k in keys) == key)
    found = behind(build, [F.col(k) for k in keys], _asked(table, keys, at), keys)
    first = {s.name: {k[0]: u for k, u in r.used.items()} for s, r in found.rows.items() if not s.rows}
    return {**first, **{f"whole {s.name}": {} for s in found.wholes}}


def test_no_other_rows_are_named(spark: Any) -> None:
    assert _named(spark, "group", "x") == {"sales": {1: True, 2: True}}
    assert _named(spark, "group", None) == {"sales": {5: True}}
    assert _named(spark, "join", "north") == {
        "sales": {1: True, 2: True, 3: True},
        "places": {"x": True, "y": True},
    }
    assert _named(spark, "alias", 5) == {"sales": {5: True}, "places": {}}
    assert _named(spark, "itself", 1) == {"sales": {1: True, 2: True}}
    assert _named(spark, "semi", 3) == {"sales": {3: True}, "places": {"y": True}}


def test_a_row_that_was_only_looked_at_says_so(spark: Any) -> None:
    assert _named(spark, "window", 1) == {"sales": {1: True, 2: False}}
    found = _named(spark, "group over window", "north")["sales"]
    assert found == {1: False, 2: True, 3: True}


def test_a_figure_over_all_rows_names_them_when_they_are_few(
    spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {1: True, 2: True, 3: True, 4: True, 5: True}
    assert _named(spark, "total", "x", "north") == {"places": {"x": True}, "sales": every}
    monkeypatch.setattr(walk, "FEW", len(SALES) - 1)
    assert _named(spark, "total", "x", "north") == {"places": {"x": True}, "whole sales": {}}


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_onward_reaches_the_rows_that_name_an_input_row(spark: Any, name: str) -> None:
    made, keys = BUILDS[name]
    build, rows = _build(spark, made)
    table, columns = rows.toArrow(), [F.col(k) for k in keys]
    hit = Rows(pa.struct([("k0", pa.int32()), ("k1", pa.string()), ("k2", pa.int32())]))
    hit.add([{"k0": 2, "k1": "x", "k2": 7}], used=True)
    sales = next(s for s in build.rewriter.inputs if s.name == "sales")
    reached, whole = onward(build, {sales: hit}, columns)
    told = {}
    for at in range(table.num_rows):
        asked = _asked(table, keys, at)
        found = behind(build, columns, asked, keys)
        used = found.rows[sales].used.get((2, "x", 7)) if sales in found.rows else None
        if used is not None:
            told[next(iter(asked.used))] = used
    assert whole == (name == "total")
    assert whole or reached.used == told


UNKNOWN: dict[str, Made] = {
    "limit": lambda f: f["sales"].limit(1),
    "sample": lambda f: f["sales"].sample(0.5),
    "some columns": lambda f: f["sales"].dropDuplicates(["shop"]),
    "intersect": lambda f: f["sales"].intersect(f["sales"]),
    "rollup": lambda f: f["sales"].rollup("shop").count(),
    "window in SQL": lambda f: f["sales"].select(F.expr("sum(amount) OVER (PARTITION BY shop)")),
    "subquery in SQL": lambda f: f["sales"].where("amount > (SELECT 1)"),
    "scalar subquery": lambda f: f["sales"].where(F.col("amount") > f["places"].select(F.lit(1)).scalar()),
    "semi join by a condition": lambda f: f["sales"].join(
        f["places"].select(F.col("shop").alias("s")), F.col("shop") == F.col("s"), "left_semi"
    ),
    "map": lambda f: f["sales"].mapInArrow(lambda batches: batches, "id INT, shop STRING, amount INT"),
    "a checkpoint of its own": lambda f: f["sales"].localCheckpoint(),
    "another table": lambda f: f["sales"].sparkSession.sql("SELECT 1 AS id"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_operator_is_named_never_guessed(spark: Any, name: str) -> None:
    with pytest.raises(LakeError, match=r"not known what rows it looks at"):
        _build(spark, UNKNOWN[name])


def test_no_operator_of_any_mart_is_unknown(lake_settings: Any, store: Any, spark: Any) -> None:
    contracts = load_contracts(lake_settings.root)
    for contract in (c for c in contracts.values() if c.kind == "mart"):
        inputs = mart_inputs(lake_settings.root, contract.id)
        absent = {i: "" if i.startswith(CODES) else "-1" for i in inputs}
        rewriter = Rewriter(spark)
        frames = {
            i: rewriter.input(i, f, input_key(contracts, i, f.columns))
            for i, f in input_frames(spark, lake_settings, store, contracts, contract.id, absent).items()
        }
        with checkpoints(rewriter.checkpoint):
            built = typed(load_mart(lake_settings.root, contract.id).build(frames), contract)
            assert rewriter.follow(built).links, contract.id
