"""The restatement ledger: which rows a new version of a mart added, removed or changed, from what to what,
and which input caused it.

One row per touched key in `audit.restatement`. It holds old and new values itself, so it outlives the
versions that it compares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from citylake.contract.inputs import is_dataset
from citylake.contract.model import Contract
from citylake.core.names import Table, mart, silver
from citylake.core.settings import Settings
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event, append
from citylake.ledger.receipts import dataset_receipts
from citylake.storage import reading, writing
from citylake.storage.delta import commits, open_table
from citylake.storage.store import Store

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

LEDGER = Table("audit", "restatement")
_SCHEMA = pa.schema(
    [
        *(pa.field(n, pa.string()) for n in ("mart", "key", "change", "changed")),
        *(pa.field(n, pa.int64()) for n in ("old_version", "new_version")),
        *(pa.field(n, pa.string()) for n in ("because", "old_built_at", "new_built_at")),
    ]
)


def restate(
    settings: Settings,
    store: Store,
    spark: Callable[[], SparkSession],
    contract: Contract,
    known: Chain,
) -> dict[str, int]:
    """Enter what is not yet in the ledger; `known` is the mart's chain. Returns the counts of the last
    comparison.

    A first version restates nothing, and neither does one that was built from the same inputs; no Spark
    starts for either.
    """
    found: dict[str, int] = {}
    for old, new in _open(known):
        found = _enter(settings, spark(), contract, old, new, because(settings, store, old, new))
        append(
            store,
            contract.id,
            "restated",
            None,
            {"version": new.facts["version"], "previous": old.facts["version"], **found},
        )
    return found


def _open(known: Chain) -> Iterator[tuple[Event, Event]]:
    """Each version that passed and the one that passed before it, as far as the chain does not say that they
    were compared.
    """
    done = {e.facts["version"] for e in known if e.event == "restated"}
    passed = [e for e in known if e.event == "built" and e.facts["gate"]["passed"]]
    return (
        (old, new)
        for old, new in pairwise(passed)
        if new.facts["version"] not in done and old.facts["inputs"] != new.facts["inputs"]
    )


def because(settings: Settings, store: Store, old: Event, new: Event) -> list[dict[str, Any]]:
    """The inputs that differ between two builds; of a dataset the deliveries that came in between."""
    before, after = old.facts["inputs"], new.facts["inputs"]
    changed = {n: (before.get(n), at) for n, at in after.items() if before.get(n) != at}
    return [
        {"input": n, "from": a, "to": b, **_deliveries(settings, store, n, a, b)}
        for n, (a, b) in changed.items()
    ]


def _deliveries(
    settings: Settings, store: Store, dataset: str, old: str | None, new: str
) -> dict[str, list[str]]:
    """The deliveries whose batches made the versions after `old` up to `new` of a silver table; its commits
    name them.
    """
    if not is_dataset(dataset):
        return {}
    batches = {c.get("userMetadata") for c in commits(settings, silver(dataset), int(old or -1), int(new))}
    return {
        "deliveries": [
            r.delivery
            for r in dataset_receipts(store, dataset)
            if r.outcome == "accepted" and r.batch_id in batches
        ]
    }


def _enter(
    settings: Settings,
    spark: SparkSession,
    contract: Contract,
    old: Event,
    new: Event,
    causes: list[dict[str, Any]],
) -> dict[str, int]:
    """One marked append: the same version again adds nothing."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    seen, at = (
        Observation(f"restated {contract.id}"),
        {"old": old.facts["version"], "new": new.facts["version"]},
    )
    frames = {n: reading.frame(spark, settings, mart(contract.id), v) for n, v in at.items()}
    kinds = [F.count_if(F.col("change") == k).alias(k) for k in ("added", "removed", "changed")]
    rows = changes(frames["old"], frames["new"], contract.keys).observe(seen, *kinds)
    facts = {
        "mart": contract.id,
        "because": json.dumps(causes, ensure_ascii=False),
        "old_built_at": old.at,
        "new_built_at": new.at,
    }
    rows = rows.withColumns(
        {k: F.lit(v) for k, v in facts.items()}
        | {f"{n}_version": F.lit(v).cast("bigint") for n, v in at.items()}
    )
    held = open_table(settings, mart(contract.id))
    few = held is not None and held.count() < settings.codegen_from_records
    _append(settings, rows.select(*_SCHEMA.names), f"restated {contract.id}", at["new"], few=few)
    return {k: int(v or 0) for k, v in seen.get.items()}


def _append(settings: Settings, rows: DataFrame, app: str, number: int, *, few: bool) -> None:
    ledger = writing.create(settings, LEDGER, _SCHEMA)
    if few:
        writing.append(ledger, rows.toArrow(), writing.Mark({}, number, app))
        return
    writer = rows.coalesce(1).write.format("delta").mode("append")
    writer.option("txnAppId", app).option("txnVersion", number).save(LEDGER.spark_uri(settings.lake))


def changes(old: DataFrame, new: DataFrame, keys: Sequence[str]) -> DataFrame:
    """`key` (JSON), `change` (added, removed, changed) and `changed` (JSON: column, old, new) of each key
    whose row differs.

    Columns that only one version has are no restatement of a figure and are not compared.
    """
    from pyspark.sql import functions as F

    common = [c for c in new.columns if c in old.columns]
    sides = [
        f.select(F.lit(True).alias(f"_{s}"), *[F.col(c).alias(f"_{s}_{c}") for c in common])
        for s, f in (("old", old), ("new", new))
    ]
    joined = sides[0].join(
        sides[1], [F.col(f"_old_{k}").eqNullSafe(F.col(f"_new_{k}")) for k in keys], "full"
    )
    change = (
        F.when(F.col("_old").isNull(), "added").when(F.col("_new").isNull(), "removed").otherwise("changed")
    )
    key = F.to_json(F.struct(*[F.coalesce(f"_old_{k}", f"_new_{k}").alias(k) for k in keys]))
    cells = _cells([c for c in common if c not in keys])
    touched = joined.select(key.alias("key"), change.alias("change"), cells.alias("_cells")).where(
        "change <> 'changed' OR size(_cells) > 0"
    )
    return touched.select(
        "key", "change", F.to_json("_cells", {"ignoreNullFields": "false"}).alias("changed")
    )


def _cells(columns: list[str]) -> Column:
    """The values that differ, as text."""
    from pyspark.sql import functions as F

    pairs = [
        F.when(
            ~F.col(f"_old_{c}").eqNullSafe(F.col(f"_new_{c}")),
            F.struct(
                F.lit(c).alias("column"),
                F.col(f"_old_{c}").cast("string").alias("old"),
                F.col(f"_new_{c}").cast("string").alias("new"),
            ),
        )
        for c in columns
    ]
    return (
        F.array_compact(F.array(*pairs))
        if pairs
        else F.expr("CAST(array() AS ARRAY<STRUCT<column: STRING, old: STRING, new: STRING>>)")
    )


def restatements(settings: Settings, name: str | None = None) -> list[dict[str, Any]]:
    """The ledger's rows, of one mart table or of all, in the order of their versions."""
    opened = open_table(settings, LEDGER)
    rows = [] if opened is None else opened.to_pyarrow_table().to_pylist()
    wanted = [
        {**r, "changed": json.loads(r["changed"]), "because": json.loads(r["because"])}
        for r in rows
        if name in (None, r["mart"])
    ]
    return sorted(wanted, key=lambda r: (r["mart"], r["new_version"], r["key"]))
