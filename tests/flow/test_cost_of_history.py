"""What a lake costs that has been running for years: nothing is read twice, by any process."""

from __future__ import annotations

import pytest
from citylake.audit.conservation import batches
from citylake.core.names import evidence_key
from citylake.core.settings import Settings
from citylake.ledger.evidence import append, broken_links, events
from citylake.pipeline.lake import open_lake
from citylake.storage.store import Store, open_store

CHAIN = "construction/component"


@pytest.fixture
def settings(lake_settings: Settings, request: pytest.FixtureRequest) -> Settings:
    name = f"{lake_settings.lake}-{abs(hash(request.node.name)) % 10**8}"
    return lake_settings.model_copy(update={"lake": name})


def _fill(store: Store, count: int, first: int = 1) -> None:
    for n in range(first, first + count):
        append(store, CHAIN, "decoded", n, {"rows": n})
    events(store, CHAIN)


def test_a_new_process_asks_once_for_what_another_one_read(settings: Settings) -> None:
    _fill(open_store(settings), 40)
    again = open_store(settings)
    assert [e.batch for e in events(again, CHAIN)] == list(range(1, 41))
    assert dict(again.requests) == {"list": 1}


def test_an_event_costs_the_same_whatever_came_before(settings: Settings) -> None:
    spent: list[int] = []
    for first in (1, 41):
        store = open_store(settings)
        _fill(store, 40, first)
        spent.append(sum(store.requests.values()))
    assert spent[1] <= spent[0] + 1
    assert broken_links(open_store(settings), CHAIN) == []


def test_who_holds_a_chain_sees_no_more_than_when_it_was_read(settings: Settings) -> None:
    store = open_store(settings)
    _fill(store, 2)
    held = events(store, CHAIN)
    _fill(store, 1, 3)
    assert (len(held), held.last("decoded", 3)) == (2, None)
    assert [e.batch for e in events(store, CHAIN)] == [1, 2, 3]


def test_another_lake_of_the_same_name_is_read_anew(settings: Settings) -> None:
    store = open_store(settings)
    _fill(store, 3)
    for number in range(1, 4):
        store.delete(evidence_key(CHAIN, number))
    other = open_store(settings)
    assert list(events(other, CHAIN)) == []
    append(other, CHAIN, "decoded", 9, {})
    for reader in (store, open_store(settings)):
        assert [e.batch for e in events(reader, CHAIN)] == [9]


def test_a_status_of_many_deliveries_asks_for_no_single_one(settings: Settings) -> None:
    _fill(open_store(settings), 60)
    lake = open_lake(settings)
    batches(lake.store, lake.contracts)
    assert lake.store.requests["get"] == 0
    assert lake.store.requests["list"] <= 2 * len(lake.contracts)
