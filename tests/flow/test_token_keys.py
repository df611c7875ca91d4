"""The key behind tokens: another is refused, a new file touches no token, the old file opens nothing."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from citylake.audit.losses import losses
from citylake.contract.load import load_contracts
from citylake.core.errors import EnvironmentFailed
from citylake.core.names import TOKEN_KEY, bronze
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.evidence import events
from citylake.pipeline.lake import Lake
from citylake.pipeline.steps import VERBS, rotate_token_key
from citylake.privacy.token_keys import establish, fingerprint, held_key, key_path, load_tokens
from citylake.privacy.tokens import Tokens
from citylake.storage.delta import open_table
from citylake.storage.store import Store, open_store
from citylake.synthetic import generate

PERSONS = {
    "civil_affairs/resident": "resident_id",
    "civil_affairs/movement": "resident_id",
    "market_regulation/legal_entity": "representative",
    "state_taxation/taxpayer": "representative",
}


@pytest.fixture
def lake(lake_settings: Settings, tmp_path: Path, root: Path) -> Lake:
    """An empty lake with a key file of its own."""
    (tmp_path / "token.key").write_bytes(os.urandom(32))
    own = {"lake": "tokenkeys", "token_key_file": tmp_path / "token.key"}
    settings = lake_settings.model_copy(update=own)
    store = open_store(settings)
    for key in list(store.list("")):
        store.delete(key)
    return Lake(settings, store, load_contracts(root))


def _decoded(lake: Lake, folder: Path, months: int) -> None:
    generate(folder, months=months, scale=0.2, defects="off", only=tuple(PERSONS))
    fetch_folder(lake.store, folder / "inbox")
    for dataset in PERSONS:
        for verb in ("receive", "decode"):
            VERBS[verb](lake, dataset)


def _tokens(lake: Lake) -> dict[str, dict[int, set[str]]]:
    """Dataset -> receipt -> the tokens of its persons."""
    found: dict[str, dict[int, set[str]]] = {}
    for dataset, column in PERSONS.items():
        opened = open_table(lake.settings, bronze(dataset))
        assert opened is not None
        for row in opened.to_pyarrow_table(columns=["_receipt", column]).to_pylist():
            if row[column]:
                found.setdefault(dataset, {}).setdefault(row["_receipt"], set()).add(row[column])
    return found


def _joined(tokens: dict[str, dict[int, set[str]]]) -> dict[tuple[str, str], int]:
    """How many persons every two datasets share."""
    whole = {d: set().union(*by.values()) for d, by in tokens.items()}
    return {(a, b): len(whole[a] & whole[b]) for a in whole for b in whole if a < b}


def test_joins_before_a_rotation_are_joins_after_it(lake: Lake, tmp_path: Path) -> None:
    """Deliveries of a month before and a month after: every person keeps one token everywhere."""
    _decoded(lake, tmp_path / "a", 1)
    before, old = _tokens(lake), key_path(lake.settings).read_bytes()
    done = rotate_token_key(lake, by="steward", reason="yearly")
    assert done.before == fingerprint(old) != done.after == fingerprint(key_path(lake.settings).read_bytes())
    _decoded(lake, tmp_path / "b", 2)
    after = _tokens(lake)
    assert all(after[d][r] == t for d, by in before.items() for r, t in by.items())
    register = list(after["civil_affairs/resident"].values())
    assert len(register) == 2 and len(register[0] & register[1]) > 0.9 * len(register[0])
    shared = _joined(before)
    assert shared["civil_affairs/movement", "civil_affairs/resident"] > 0
    assert shared["market_regulation/legal_entity", "state_taxation/taxpayer"] > 0
    assert all(_joined(after)[pair] >= n for pair, n in shared.items())
    mine = load_tokens(lake.settings, lake.store).token("x")[:4]
    assert {t[:4] for by in after.values() for tokens in by.values() for t in tokens} == {mine}
    assert [x for d in PERSONS for x in losses(lake.settings, lake.store, lake.contracts[d])] == []
    told = [(e.event, e.facts) for e in events(lake.store, "tokens")]
    assert [e for e, _ in told] == ["established", "rotated"]
    assert told[1][1] == {"key_id": mine, "before": done.before, "after": done.after} | {
        "by": "steward",
        "reason": "yearly",
    }


def test_the_old_file_opens_nothing_and_is_told_what_to_set(lake: Lake, tmp_path: Path) -> None:
    kept = load_tokens(lake.settings, lake.store).token("x")
    old = tmp_path / "old.key"
    old.write_bytes(key_path(lake.settings).read_bytes())
    rotate_token_key(lake, by="a", reason="b")
    assert load_tokens(lake.settings, lake.store).token("x") == kept
    for file in (old, tmp_path / "foreign"):
        if file.name == "foreign":
            file.write_bytes(os.urandom(32))
        with pytest.raises(EnvironmentFailed, match=r"tokens\.other_key") as told:
            load_tokens(lake.settings.model_copy(update={"token_key_file": file}), lake.store)
        assert "CITYLAKE_TOKEN_KEY_FILE" in told.value.now
        assert fingerprint(file.read_bytes()) in told.value.what
    body = lake.store.get(TOKEN_KEY)
    assert old.read_bytes() not in body and fingerprint(old.read_bytes()).encode() not in body
    assert oct(key_path(lake.settings).stat().st_mode)[-3:] == "600"


class _Broken(Exception):
    pass


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_rotation_that_breaks_off_leaves_a_key_that_opens(
    lake: Lake, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before or after the key is closed anew, and after the file was replaced."""
    kept, count = load_tokens(lake.settings, lake.store).token("x"), iter(range(1, 9))

    def breaks(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            if next(count) == at:
                raise _Broken
            return work(*given)

        return run

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", breaks(Store.put))
        patched.setattr("os.replace", breaks(os.replace))
        with pytest.raises(_Broken):
            rotate_token_key(lake, by="a", reason="b")
    assert load_tokens(lake.settings, lake.store).token("x") == kept
    rotate_token_key(lake, by="a", reason="b")
    assert load_tokens(lake.settings, lake.store).token("x") == kept
    held = held_key(lake.store)
    assert held and list(held.closed) == [fingerprint(key_path(lake.settings).read_bytes())]


def test_an_older_lakes_tokens_stay_as_they_are(lake: Lake) -> None:
    """One that has bronze and no key of its own: its key file made the tokens, which name no key."""
    key = key_path(lake.settings).read_bytes()
    lake.store.put("bronze/civil_affairs/resident/_delta_log/00000000000000000000.json", b"{}")
    assert load_tokens(lake.settings, lake.store).token("x") == Tokens(key).token("x")
    rotate_token_key(lake, by="a", reason="b")
    assert load_tokens(lake.settings, lake.store).token("x") == Tokens(key).token("x")


def test_a_new_lakes_key_file_alone_makes_no_token(lake: Lake) -> None:
    key = key_path(lake.settings).read_bytes()
    assert load_tokens(lake.settings, lake.store).token("x") != Tokens(key).token("x")
    assert Tokens(key).token("x")[:28] not in load_tokens(lake.settings, lake.store).token("x")


def test_racing_first_uses_have_one_key(lake: Lake) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda _: load_tokens(lake.settings, lake.store).token("x"), range(16)))
    assert len(seen) == 1


def _flipped(body: bytes) -> bytes:
    raw = json.loads(body)
    file, sealed = next(iter(raw["closed"].items()))
    changed = bytearray(b64decode(sealed))
    changed[-1] ^= 1
    raw["closed"][file] = b64encode(bytes(changed)).decode()
    return json.dumps(raw).encode()


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "changed": _flipped,
    "another name": lambda b: b.replace(json.loads(b)["key_id"].encode(), b"ffff"),
    "no JSON": lambda b: b[:-9],
    "other fields": lambda b: b'{"a": 1}',
    "gone": lambda b: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_key_makes_no_tokens(lake: Lake, tmp_path: Path, damage: str) -> None:
    generate(tmp_path, months=1, scale=0.1, only=("civil_affairs/movement",))
    fetch_folder(lake.store, tmp_path / "inbox")
    for verb in ("receive", "decode"):
        VERBS[verb](lake, "civil_affairs/movement")
    changed = DAMAGES[damage](lake.store.get(TOKEN_KEY))
    lake.store.delete(TOKEN_KEY) if changed is None else lake.store.put(TOKEN_KEY, changed)
    with pytest.raises(EnvironmentFailed, match=r"tokens\.damaged"):
        load_tokens(lake.settings, lake.store)


def test_a_token_key_is_never_empty_and_never_made_for_a_remote_store(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x" * 31)
    for file in (Path("/dev/null"), tmp_path / "short", tmp_path / "absent"):
        with pytest.raises(EnvironmentFailed, match="32 bytes"):
            load_tokens(lake.settings.model_copy(update={"token_key_file": file}), lake.store)
    elsewhere = {"state": tmp_path / "s", "token_key_file": None, "s3_endpoint": "https://store.example"}
    with pytest.raises(EnvironmentFailed, match="32 bytes"):
        load_tokens(lake.settings.model_copy(update=elsewhere), lake.store)
    assert not (tmp_path / "s" / "token.key").exists()
    own = {"state": tmp_path / "own", "token_key_file": None}
    assert load_tokens(lake.settings.model_copy(update=own), lake.store).token("a")
    assert len((tmp_path / "own" / "token.key").read_bytes()) == 32


def test_a_key_that_is_held_is_not_replaced_by_another_first_use(lake: Lake) -> None:
    first = establish(lake.store, b"k" * 32, b"s" * 32, "abcd")
    assert establish(lake.store, b"l" * 32, b"t" * 32, "0123") == first
