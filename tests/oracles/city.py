"""The truth of a synthetic city, as its generator yields it before anything is planted: what the oracles
reckon from.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from citylake.contract.load import load_contracts
from citylake.core.settings import ROOT
from citylake.synthetic.generate import months_of, orders
from citylake.synthetic.world import World

SEEDS = tuple(int(s) for s in os.environ.get("CITYLAKE_SEEDS", "2016").split(","))
MONTHS, SCALE = 3, 0.3
DOCS = Path(__file__).resolve().parents[2] / "docs" / "analysts"


@dataclass(frozen=True)
class City:
    """One city by its seed; the same seed gives the same rows as the deliveries that the lake received."""

    seed: int
    months: int
    scale: float

    @cached_property
    def _rows(self) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = {}
        world = World(self.seed, self.scale, load_contracts(ROOT))
        for month in months_of(self.months):
            for order, rows in orders(world, month):
                marks = {
                    "_delivery": order.delivery,
                    "_period": order.period,
                    "_sent_at": order.sent_at.isoformat(),
                }
                found.setdefault(order.contract.id, []).extend({**row, **marks} for row in rows)
        return found

    def rows(self, dataset: str) -> list[dict[str, str]]:
        """True rows of a dataset in the order of its deliveries, with `_delivery`, `_period` and
        `_sent_at`.
        """
        return self._rows.get(dataset, [])
