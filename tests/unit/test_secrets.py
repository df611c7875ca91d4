"""Secrets of a lake: whole at first use, its owner's alone, never shared between lakes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from citylake.core.errors import EnvironmentFailed
from citylake.core.secrets import create_once, local_secret
from citylake.core.settings import Settings


def test_racing_first_uses_see_one_whole_secret(tmp_path: Path) -> None:
    for i in range(200):
        with ThreadPoolExecutor(8) as pool:
            seen = set(pool.map(lambda _, i=i: create_once(tmp_path / str(i), os.urandom(32)), range(8)))
        assert len(seen) == 1
        assert len(seen.pop()) == 32
    assert len(list(tmp_path.iterdir())) == 200


def test_two_lakes_share_no_secret_and_files_are_the_owners(tmp_path: Path) -> None:
    one, other = (Settings(state=tmp_path / n) for n in "ab")
    assert one.keys[1] != other.keys[1]
    assert one.keys[1] != one.reader[1]
    assert local_secret(one.state, "s3-lake") == one.keys[1].get_secret_value()
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "a" / "secrets").iterdir()} == {0o600}


def test_a_remote_store_needs_its_keys(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="CITYLAKE_S3_SECRET_KEY"):
        _ = Settings(state=tmp_path, s3_endpoint="https://store.example").keys
