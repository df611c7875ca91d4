"""What every mart stands on: the datasets behind it, what of them is in, what is held back or still waits."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.contract.inputs import COVERAGE
from citylake.marts.counting import count_sure

INPUTS = ("ledger/coverage",)


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per mart and dataset behind it, directly or through other marts.

    `covered_from` and `covered_to` bound the periods of what is in (both days included). Held: its gate said
    no, so no mart shows its rows; `held_periods` names the periods in which it is missing.
    """
    state, period = F.col("state"), F.concat_ws("/", "period_from", "period_to")
    return (
        inputs[COVERAGE]
        .groupBy("mart", "dataset")
        .agg(
            count_sure(state == "admitted").alias("admitted"),
            count_sure(state == "held").alias("held"),
            count_sure(state == "waiting").alias("waiting"),
            F.min(F.when(state == "admitted", F.col("period_from"))).alias("covered_from"),
            F.max(F.when(state == "admitted", F.col("period_to"))).alias("covered_to"),
            _listed(F.when(state == "held", period)).alias("held_periods"),
            _listed(F.when(state == "held", F.col("delivery"))).alias("held_deliveries"),
        )
    )


def _listed(text: Column) -> Column:
    """The distinct texts in order, parted by a blank; NULL when there is none."""
    return F.nullif(F.array_join(F.array_sort(F.collect_set(text)), " "), F.lit(""))
