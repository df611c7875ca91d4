"""Step 5: judge a batch of bronze once, and stage the operations of the MERGE that brings silver up to date.

Nothing touches silver before the gate; `refine.admit` runs that MERGE.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from citylake.compile.select import Compiled
from citylake.compile.suite import rows_suite
from citylake.compile.tables import silver_shape
from citylake.contract.model import Contract
from citylake.core.calendar import first_day
from citylake.core.names import silver
from citylake.core.settings import Settings
from citylake.ledger.receipts import Receipt, Replacement
from citylake.quality.metrics import plan, with_key_counts
from citylake.refine import rows
from citylake.refine.flag_bits import flag_bits
from citylake.refine.judging import Judged, judge
from citylake.storage import reading
from citylake.storage.delta import holds, open_table
from citylake.storage.evolve import follow
from citylake.storage.spark import plan_for


@dataclass(frozen=True)
class Refined:
    """What was counted while the stage was written, and the shape that the counts belong to."""

    counts: dict[str, int]
    observed: dict[str, Any]  # the gate's numbers, by planned metric
    schema: str  # JSON of the accepted rows' StructType
    rules: str  # fingerprint of the rules that judged; their text is kept under `rules_key`
    stage: str  # the attempt whose stage is admitted


def refine(
    spark: SparkSession,
    settings: Settings,
    batch: Judged,
    replacing: Replacement | None = None,
) -> Refined:
    """Deduplicate and compare a judged batch in the one action that writes its operations."""
    stage, judged = batch.stage, batch.rows
    compiled, contract, receipt = stage.compiled, stage.contract, stage.receipt
    plan_for(spark, settings, batch.size)
    follow_silver(spark, settings, contract)
    counts, seen, actions, ends = (
        Observation(f"{n} {receipt.label}") for n in ("batch", "gate", "actions", "endings")
    )
    ranked = rows.rank(judged, compiled, tuple(f.sha256 for f in receipt.files)).observe(
        counts, *rows.batch_counts(compiled)
    )
    suite = rows_suite(contract)
    counted = with_key_counts(ranked.where("_disposition = 'accepted'"), suite)
    accepted = counted.observe(seen, *plan(suite, counted))
    current, start = current_silver(spark, settings, contract), _valid_from(contract, receipt)
    later = _named_later(spark, settings, compiled, replacing)
    compared = rows.compare(
        accepted, current, contract, start, _protected(spark, settings, contract, receipt, later)
    ).observe(actions, *rows.action_counts(), F.count(F.lit(1)).alias("compared"))
    operations = rows.operations(compared, compiled, current.columns, start)
    held = _Batch(spark, settings, compiled, receipt, judged, current)
    ending = held.ended(start, ends)
    if ending is None and replacing is not None:
        ending = held.withdrawn(replacing, later, ends)
    whole = operations if ending is None else operations.unionByName(ending)
    stage.write("operations", rows.stored(whole, current))
    found = {**counts.get, **actions.get, **(ends.get if ending is not None else {"ended": 0})}
    numbers = {k: int(v or 0) for k, v in found.items()}
    assert stage.attempt is not None
    return Refined(numbers, dict(seen.get), counted.schema.json(), compiled.fingerprint, stage.attempt)


@dataclass(frozen=True)
class _Batch:
    """A judged batch beside what silver holds now."""

    spark: SparkSession
    settings: Settings
    compiled: Compiled
    receipt: Receipt
    judged: DataFrame
    current: DataFrame

    def ended(self, start: str | None, seen: Observation) -> DataFrame | None:
        """Operations for the keys that a full delivery of a register no longer names; None for any other."""
        contract = self.compiled.contract
        full = contract.kind == "register" and self.receipt.coverage == "full"
        if not full or start is None or not holds(open_table(self.settings, silver(contract.id)), 1):
            return None
        missing = self._missing(self.current, self.judged, seen)
        return rows.endings(missing, self.compiled, self.current.columns, start)

    def withdrawn(self, replacing: Replacement, later: DataFrame | None, seen: Observation) -> DataFrame:
        """Operations for the keys of a replaced delivery that its replacement no longer names."""
        brought = self.current.where(F.col("_receipt").isin(*replacing.taken_back))
        named = self.judged.select(*self.compiled.contract.keys)
        missing = self._missing(brought, named if later is None else named.unionByName(later), seen)
        earlier = _earlier(self.spark, self.settings, self.compiled.contract, replacing)
        return rows.withdrawals(missing, earlier, self.compiled, self.current.columns)

    def _missing(self, held: DataFrame, named: DataFrame, seen: Observation) -> DataFrame:
        known_at = F.lit(self.receipt.known_at).cast("timestamp")
        missing = rows.missing_keys(held, named, self.compiled.contract, known_at)
        claimed = rows.without_claims(missing, self.judged, self.compiled)
        return claimed.observe(seen, F.count(F.lit(1)).alias("ended"))


def follow_silver(spark: SparkSession, settings: Settings, contract: Contract) -> None:
    """Create the silver table of a contract or bring it to the contract's shape."""
    shape, bits = silver_shape(contract), partial(flag_bits, settings, contract)
    follow(spark, settings, silver(contract.id), shape, bits)


def _protected(
    spark: SparkSession, settings: Settings, contract: Contract, receipt: Receipt, later: DataFrame | None
) -> DataFrame | None:
    """Keys that a batch leaves as they are: later deliveries name them, or their version ended later."""
    ended = _ended(spark, settings, contract, receipt)
    found = [keys for keys in (later, ended) if keys is not None]
    return reduce(DataFrame.unionByName, found) if found else None


def _named_later(
    spark: SparkSession, settings: Settings, compiled: Compiled, replacing: Replacement | None
) -> DataFrame | None:
    """Keys of the sound records of deliveries that came after a replaced one."""
    if replacing is None or not replacing.later:
        return None
    return (
        judge(spark, settings, compiled, sorted(replacing.later))
        .where(compiled.clean)
        .select(*compiled.contract.keys)
        .distinct()
    )


def _earlier(
    spark: SparkSession, settings: Settings, contract: Contract, replacing: Replacement
) -> DataFrame:
    """What silver knew, before the replaced delivery, from deliveries that still hold."""
    history = reading.frame(spark, settings, silver(contract.id))
    known = history.where(
        F.col("_known_to").isNotNull()
        & ~F.col("_receipt").isin(*replacing.void)
        & (F.col("_receipt") < min(replacing.taken_back))
    )
    return rows.last_versions(known, contract)


def current_silver(spark: SparkSession, settings: Settings, contract: Contract) -> DataFrame:
    """What silver holds as true now: one row per key."""
    open_row = "_known_to IS NULL" + (" AND _valid_to IS NULL" if contract.kind == "register" else "")
    return reading.frame(spark, settings, silver(contract.id), where=open_row)


def _ended(spark: SparkSession, settings: Settings, contract: Contract, receipt: Receipt) -> DataFrame | None:
    """Keys of versions known now that ended after the period of a part or a correction of a register; full
    deliveries come in order.
    """
    start = _valid_from(contract, receipt)
    if start is None or (receipt.coverage == "full" and receipt.corrects is None):
        return None
    known = reading.frame(spark, settings, silver(contract.id), where="_known_to IS NULL")
    return known.where(F.col("_valid_to") > F.lit(start).cast("date")).select(*contract.keys)


def _valid_from(contract: Contract, receipt: Receipt) -> str | None:
    """The first day of a register's period."""
    return first_day(receipt.period).isoformat() if contract.kind == "register" else None
