"""The build of a mart as it was released, over frames that name their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

from citylake.audit.provenance import Carried, Rewriter
from citylake.contract.inputs import MARTS
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.ledger.evidence import events
from citylake.marts.build import input_frames, input_rows, load_mart, typed
from citylake.storage.spark import checkpoints, plan_for
from citylake.storage.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from citylake.core.settings import Settings

RECORD = ("_file_id", "_row_no", "_row_hash")  # names a row of silver; of a quarantine the first two do


@dataclass(frozen=True)
class Build:
    """A mart's build: the versions it read, the frames of these, and its rows with what is behind them."""

    contract: Contract
    inputs: dict[str, str]
    rewriter: Rewriter
    rows: Carried


def released_build(
    spark: SparkSession,
    settings: Settings,
    store: Store,
    contracts: dict[str, Contract],
    name: str,
    version: int,
) -> Build:
    """The build that made a version of a mart, run again over the versions that it read."""
    contract = contracts[name]
    inputs = next(
        (
            e.facts["inputs"]
            for e in events(store, name)
            if e.event == "built" and e.facts["version"] == version
        ),
        None,
    )
    if inputs is None:
        raise LakeError(
            "trace.not_built", f"no event tells of version {version} of {name}", now="citylake check"
        )
    plan_for(spark, settings, input_rows(settings, inputs))
    rewriter = Rewriter(spark)
    frames = {
        i: rewriter.input(i, frame, input_key(contracts, i, frame.columns))
        for i, frame in input_frames(spark, settings, store, contracts, name, inputs).items()
    }
    with checkpoints(rewriter.checkpoint):
        built = typed(load_mart(settings.root, name).build(frames), contract)
        return Build(contract, inputs, rewriter, rewriter.follow(built))


def input_key(contracts: dict[str, Contract], name: str, columns: list[str]) -> list[Column]:
    """The columns that name a row of an input: the record of silver, the key of a mart with a hash of what
    the row says, else all of them.
    """
    if name.startswith(MARTS):
        return mart_key(contracts[name.removeprefix(MARTS)])
    return [F.col(c) for c in tuple(c for c in RECORD if c in columns) or columns]


def mart_key(contract: Contract) -> list[Column]:
    """The key of a mart's row and a hash of its cells; floating point may differ in the last digit."""
    exact = [c.name for c in contract.columns if c.type.physical not in ("DOUBLE", "FLOAT")]
    return [*(F.col(k) for k in contract.keys), F.xxhash64(*exact)]
