"""The seal's parts against published examples: RFC 6962 roots (Certificate Transparency's reference tree)
and the
note of Go's `golang.org/x/mod/sumdb/note`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from citylake.core.errors import LakeError
from citylake.ledger.merkle import tree_hash
from citylake.ledger.note import Checkpoint, load_key, open_note, read_checkpoint, sign, verifier
from hypothesis import given
from hypothesis import strategies as st

LEAVES = [
    bytes.fromhex(x)
    for x in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT
    + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfq"
    + "dngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.mark.parametrize(("size", "root"), enumerate(ROOTS))
def test_roots_are_those_of_certificate_transparency(size: int, root: str) -> None:
    assert tree_hash(LEAVES[:size]).hex() == root


def _recursive(entries: list[bytes]) -> bytes:
    """The definition of RFC 6962 as it is written."""
    if len(entries) < 2:
        return hashlib.sha256(b"".join([b"\x00", *entries]) if entries else b"").digest()
    k = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _recursive(entries[:k]) + _recursive(entries[k:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_every_root_is_that_of_the_definition(entries: list[bytes]) -> None:
    assert tree_hash(entries) == _recursive(entries)


def test_a_note_of_another_implementation_opens() -> None:
    assert open_note(GO_NOTE, GO_KEY) == GO_TEXT


@given(st.integers(0, len(GO_NOTE) - 1), st.characters(codec="ascii"))
def test_a_note_with_any_other_character_is_refused_or_says_the_same(at: int, other: str) -> None:
    changed = GO_NOTE[:at] + other + GO_NOTE[at + 1 :]
    assert _opened(changed) in (GO_TEXT, "refused")


def _opened(note: str) -> str:
    """The text of a note, or that its signature was refused."""
    try:
        return open_note(note, GO_KEY)
    except LakeError as error:
        return "refused" if error.rule == "seal.signature" else error.rule


def test_a_checkpoint_is_read_back_and_its_key_is_the_owners_alone(tmp_path: Path) -> None:
    key = load_key(tmp_path / "deep" / "seal.key")
    assert (tmp_path / "deep" / "seal.key").stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path / "deep" / "seal.key").private_bytes_raw() == key.private_bytes_raw()
    said = Checkpoint("citylake/shenyang", 8, tree_hash(LEAVES))
    public = verifier("citylake", key.public_key())
    assert read_checkpoint(sign(said.text, "citylake", key), public) == said
    for other in ("", "a+b+c", verifier("else", key.public_key()), GO_KEY):
        with pytest.raises(LakeError, match=r"seal\.signature"):
            read_checkpoint(sign(said.text, "citylake", key), other)
    with pytest.raises(LakeError, match=r"seal\.form"):
        read_checkpoint(sign("no\ncheckpoint\n", "citylake", key), public)
