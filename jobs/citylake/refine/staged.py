"""The stage of a batch: what its contract's SELECT made of it, and the operations that bring silver up to
date, as Parquet files that wait for the gate. Both are read back, so the SELECT runs once per batch.

An attempt writes into a folder of its own that only its `refined` event names: what an attempt left that
broke off is never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from citylake.compile.select import Compiled, compile_contract
from citylake.compile.tables import silver_shape
from citylake.contract.model import Contract
from citylake.core.names import Table, stage
from citylake.core.settings import Settings
from citylake.ledger.evidence import Event
from citylake.ledger.receipts import Receipt
from citylake.refine.flag_bits import flag_bits
from citylake.refine.rules import as_judged
from citylake.storage.evolve import conformed
from citylake.storage.store import Store

# Files are moved to their place as each task ends: on an object store a move is a copy, and one is enough.
_WRITTEN = {
    "mapreduce.fileoutputcommitter.algorithm.version": "2",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}


@dataclass(frozen=True)
class Stage:
    """The stage of one attempt at a batch; no attempt: an older lake's, one Delta table of operations."""

    settings: Settings
    store: Store
    compiled: Compiled  # as it judged the batch; its contract is today's
    receipt: Receipt
    attempt: str | None
    few: bool = False  # whether rows that are written pass through the memory of this process

    @property
    def contract(self) -> Contract:
        """The contract of the batch's dataset."""
        return self.compiled.contract

    @property
    def _table(self) -> Table:
        return stage_table(self.contract, self.receipt)

    def address(self, name: str) -> str:
        """Where Spark finds rows of this attempt."""
        return f"{self._table.spark_uri(self.settings.lake)}/{self.attempt}/{name}"

    def write(self, name: str, rows: DataFrame) -> DataFrame:
        """Write rows, and give them back as they were written."""
        if self.few:
            return self.keep(name, rows.sparkSession, rows.toArrow())
        rows.write.options(**_WRITTEN).parquet(self.address(name))
        return rows.sparkSession.read.schema(rows.schema).parquet(self.address(name))

    def keep(self, name: str, spark: SparkSession, rows: pa.Table) -> DataFrame:
        """Write rows that are in memory, and give them back as they were written."""
        self.store.put(self._key(name), _parquet(rows))
        return spark.read.schema(from_arrow_schema(rows.schema)).parquet(self.address(name))

    def rows(self, name: str) -> pa.Table | None:
        """The rows that passed through memory when they were written; None where there are none such."""
        if self.attempt is None or not self.store.exists(self._key(name)):
            return None
        return pq.read_table(pa.BufferReader(self.store.get(self._key(name))))

    def _key(self, name: str) -> str:
        return f"{self._table.key}/{self.attempt}/{name}/rows.parquet"

    def judged(self, spark: SparkSession) -> DataFrame | None:
        """The judged rows; None where an older lake kept none."""
        if self.attempt is None:
            return None
        return spark.read.parquet(self.address("judged"))

    def operations(self, spark: SparkSession) -> DataFrame:
        """The operations in today's shape of silver; an older contract may have staged them."""
        if self.attempt is None:
            frame = spark.read.format("delta").load(self._table.spark_uri(self.settings.lake))
        else:
            frame = spark.read.parquet(self.address("operations"))
        bits = partial(flag_bits, self.settings, self.contract)
        return conformed(frame, silver_shape(self.contract), bits)


def new_stage(settings: Settings, store: Store, compiled: Compiled, receipt: Receipt, *, few: bool) -> Stage:
    """The stage of a new attempt at few rows or many."""
    return Stage(settings, store, compiled, receipt, uuid4().hex, few)


def _parquet(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    return sink.getvalue().to_pybytes()


def stage_of(settings: Settings, store: Store, contract: Contract, receipt: Receipt, refined: Event) -> Stage:
    """The stage that the `refined` event of a batch names."""
    today = compile_contract(contract, settings.root)
    judged = as_judged(store, today, refined.facts.get("rules"))
    return Stage(settings, store, judged, receipt, refined.facts.get("stage"))


def stage_table(contract: Contract, receipt: Receipt) -> Table:
    """Where the stages of one batch lie."""
    return stage(f"{contract.id}/{receipt.number:08d}")
