"""Signed notes (C2SP signed-note) and the checkpoint of a log (C2SP tlog-checkpoint) as their text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from citylake.core.errors import LakeError

_ED25519 = b"\x01"  # the algorithm byte of the specification


@dataclass(frozen=True)
class Checkpoint:
    """What a log promises: its name, how many entries it has, and their Merkle root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The body of the note: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def load_key(path: Path) -> Ed25519PrivateKey:
    """The lake's signing key; made at first use, whole or not at all, readable by its owner only."""
    if not path.exists():
        _make_key(path)
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # the first of two processes wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def verifier(name: str, key: Ed25519PublicKey) -> str:
    """The public key as people exchange it: `<name>+<hash>+<base64>`."""
    raw = _ED25519 + key.public_bytes_raw()
    return f"{name}+{_key_hash(name, raw).hex()}+{base64.b64encode(raw).decode()}"


def _key_hash(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + raw).digest()[:4]


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The text as a note with one signature; the text ends with a newline."""
    raw = _ED25519 + key.public_key().public_bytes_raw()
    signature = _key_hash(name, raw) + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, verifier: str) -> str:
    """The text of a note that the verifier's key signed; LakeError `seal.signature` when it did not.

    Signatures of other keys (witnesses, time stamps) are allowed and not judged.
    """
    text, _, signatures = note.rpartition("\n\n")
    try:
        name, _, encoded = verifier.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw.removeprefix(_ED25519))
    except ValueError:
        raise _refused("the public key is not a verifier key of C2SP signed-note") from None
    for line in signatures.splitlines():
        if line.startswith(f"\u2014 {name} ") and _signed(line.split(" ")[2], f"{text}\n", name, raw, key):
            return f"{text}\n"
    raise _refused(f"no signature of {name} belongs to this text")


def _signed(encoded: str, text: str, name: str, raw: bytes, key: Ed25519PublicKey) -> bool:
    try:
        signature = base64.b64decode(encoded, validate=True)
        if signature[:4] != _key_hash(name, raw):
            return False
        key.verify(signature[4:], text.encode())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def read_checkpoint(note: str, verifier: str) -> Checkpoint:
    """The checkpoint of a note that the verifier's key signed; LakeError `seal.signature` or `seal.form`."""
    lines = open_note(note, verifier).split("\n")
    try:
        found = Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
    except (IndexError, ValueError):
        raise LakeError(
            "seal.form", "a signed text is no checkpoint", now="give a file of `citylake seal`"
        ) from None
    if found.size < 0 or len(found.root) != hashlib.sha256().digest_size:
        raise LakeError("seal.form", "a signed text is no checkpoint", now="give a file of `citylake seal`")
    return found


def _refused(why: str) -> LakeError:
    return LakeError("seal.signature", why, now="ask the lake's operator for checkpoint and public key again")
