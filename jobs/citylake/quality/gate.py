"""The gate's own rules around GX: no rows where rows are due, no numbers, no facts are failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from citylake.quality.judge import Judgement, judge_stored

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


FEW = 20
"""Superseded rows that no share is counted of: a small batch may tell a few things twice."""


def judge_rows(suite: dict[str, Any], schema: StructType, observed: dict[str, Any]) -> Judgement:
    """Judge counted rows; a gate without numbers is closed."""
    if not observed:
        return Judgement(False, (), "nothing was counted")
    return judge_stored(suite, schema, observed)


def batch_facts(counts: dict[str, Any]) -> dict[str, Any]:
    """One row of facts for the batch suite: the equation's two sides and the shares that a contract
    bounds.
    """
    received = counts["received"]
    accounted = counts["accepted"] + counts["duplicate"] + counts["superseded"] + counts["quarantined"]
    # What silver held before is what this batch left as it was, changed or ended.
    before = counts.get("unchanged", 0) + counts.get("change", 0) + counts.get("ended", 0)
    return {
        "received": received,
        "accounted": accounted,
        "decoded": counts["decoded"],
        "quarantine_share": share(counts["quarantined"], received),
        "superseded_share": share(max(0, counts["superseded"] - FEW), received),
        "ended_share": share(counts.get("ended", 0), before),
    }


def share(part: int, whole: int) -> float:
    """part / whole; of nothing, something is everything."""
    if whole == 0:
        return 0.0 if part == 0 else 1.0
    return part / whole
