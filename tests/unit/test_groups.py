"""Which batches are judged in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from citylake.refine.judging import groups
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class _Receipt:
    number: int
    records: int


@given(st.lists(st.integers(0, 100)), st.integers(1, 120))
def test_groups_keep_order_and_stay_small(sizes: list[int], most: int) -> None:
    given_ones: list[Any] = [_Receipt(n, size) for n, size in enumerate(sizes)]
    found = list(groups(given_ones, dict(enumerate(sizes)), most))
    assert [r for group in found for r in group] == given_ones
    assert all(len(group) == 1 or sum(r.records for r in group) < most for group in found)
    assert all(sum(r.records for r in (*a, b[0])) >= most for a, b in pairwise(found))
