"""What an auditor must find: every kind of object of a lake, changed in every way, is named by the
examination that `citylake check` and `citylake verify` make of it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from citylake.audit.check import check, examine
from citylake.core.names import FOLDERS
from citylake.ledger.seal import current_checkpoint, is_sealed, public_key, seal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Objects = dict[str, bytes]


class Held:
    """A lake's objects in memory."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Size in bytes by key."""
        return {k: len(v) for k, v in sorted(self.objects.items()) if k.startswith(prefix)}

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        return self.objects[key]


@pytest.fixture(scope="module")
def lake(small_lake: Any) -> Any:
    """The small lake; what other tests wrote into it is sealed."""
    seal(small_lake[0].settings, small_lake[0].store)
    return small_lake[0]


@pytest.fixture(scope="module")
def held(lake: Any) -> Objects:
    """Every object of the lake, by key."""
    keys = [k for k in lake.store.sizes() if is_sealed(k) or k.startswith("seals/")]
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(keys, pool.map(lake.store.get, keys), strict=True))


def _kind(key: str) -> str:
    parts = key.split("/")
    if "_delta_log" in parts:
        return f"{parts[0]} log"
    return f"{parts[0]} {key.rsplit('.', 1)[-1] if '.' in parts[-1] else ''}".strip()


def _one_of_each(objects: Objects) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for key in objects:
        kinds[_kind(key)].append(key)
    return kinds


def _digit(body: bytes) -> bytes:
    """The same length, one byte other."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def _stranger(key: str) -> str:
    folder, _, name = key.rpartition("/")
    return f"{folder}/stranger-{name}"


CHANGES: dict[str, Callable[[Objects, str], None]] = {
    "byte": lambda o, k: o.__setitem__(k, _digit(o[k])),
    "last byte": lambda o, k: o.__setitem__(k, o[k][:-1] + bytes([o[k][-1] ^ 1])),
    "cut": lambda o, k: o.__setitem__(k, o[k][: len(o[k]) // 2]),
    "longer": lambda o, k: o.__setitem__(k, o[k] + b"\n"),
    "emptied": lambda o, k: o.__setitem__(k, b""),
    "deleted": lambda o, k: o.__delitem__(k),
    "doubled": lambda o, k: o.__setitem__(_stranger(k), o[k]),
    "renamed": lambda o, k: o.__setitem__(f"{k}.old", o.pop(k)),
}


def _attacks(objects: Objects) -> Iterator[tuple[str, str, Objects]]:
    for (kind, keys), (name, change) in itertools.product(_one_of_each(objects).items(), CHANGES.items()):
        if kind == "kept log" or (kind.startswith("kept ") and name == "deleted"):
            continue  # a table that is kept between builds may be deleted at any time
        for key in {keys[0], keys[-1]}:
            changed = dict(objects)
            change(changed, key)
            yield f"{kind}: {name}", key, changed


def test_an_untouched_lake_is_sound(held: Objects, lake: Any) -> None:
    seen = check(lake.settings, lake.store, lake.contracts)
    assert seen.damages == []
    assert seen.looked_at["records decoded again"] > 1_000
    assert seen.looked_at["objects hashed"] > 100
    assert examine(Held(held), public_key(Held(held))).damages == []


def test_every_kind_of_object_in_every_way(held: Objects) -> None:
    public = public_key(Held(held))
    attacks, silent = 0, list[tuple[str, str]]()
    for name, key, changed in _attacks(held):
        attacks += 1
        told = {d.object for d in examine(Held(changed), public).damages}
        places = (key, f"{key}.old", _stranger(key))
        if not any(o in places or key.startswith(o) for o in told):
            silent.append((name, key))
    assert silent == []
    assert attacks >= 60


def test_every_place_that_the_lake_writes_is_attacked(held: Objects) -> None:
    here = {k.split("/")[0] for k in held}
    assert here <= set(FOLDERS)
    assert {"landing", "receipts", "letters", "evidence", "releases", "bronze", "silver", "marts"} <= here


def test_whole_folders_cut_tails_and_an_empty_lake(held: Objects) -> None:
    public = public_key(Held(held))
    chains = {k.rpartition("/")[0] for k in held if k.startswith("evidence/")}
    for chain in chains:
        whole = {k: v for k, v in held.items() if not k.startswith(f"{chain}/")}
        assert examine(Held(whole), public).damages, chain
    for place in {k.split("/")[0] for k in held} - {"kept"}:
        assert examine(Held({k: v for k, v in held.items() if k.split("/")[0] != place}), public).damages, (
            place
        )
    assert [d.rule for d in examine(Held({}), public).damages] == ["lake.empty"]


def test_a_forged_seal_is_found_by_who_kept_a_checkpoint(held: Objects, lake: Any, tmp_path: Any) -> None:
    kept, public = current_checkpoint(Held(held)), public_key(Held(held))
    assert kept
    assert public
    forged = {k: v for k, v in held.items() if not k.startswith("seals/")}
    forged.pop(next(k for k in forged if k.startswith("letters/")))
    with_own_key = lake.settings.model_copy(update={"state": tmp_path})
    seal(with_own_key, _Writable(forged))  # pyright: ignore[reportArgumentType]
    rules = {d.rule for d in examine(Held(forged), public, against=(kept,)).damages}
    assert "seal.verifier" in rules
    assert rules & {"seal.cut", "seal.rewritten", "seal.signature"}


class _Writable(Held):
    """Objects to which a forger writes."""

    def create(self, key: str, body: bytes) -> bool:
        """Write an object that is not there."""
        return self.objects.setdefault(key, body) is body

    def get_created(self, key: str) -> bytes:
        """The bytes of an object."""
        return self.objects[key]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_any_object(held: Objects, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(k for k in held if not k.startswith("kept/") and held[k])))
    at = data.draw(st.integers(0, len(held[key]) - 1))
    bit = data.draw(st.integers(0, 7))
    body = held[key]
    changed = {**held, key: body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]}
    told = examine(Held(changed), public_key(Held(held))).damages
    assert any(d.object == key or key.startswith("seals/") for d in told), (key, at, bit)
