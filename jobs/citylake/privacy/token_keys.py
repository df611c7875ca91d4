"""The key behind tokens: it lies in the lake, closed by the key file that lies outside of it. Neither alone
makes a token, and a new key file changes none.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from citylake.core.errors import EnvironmentFailed
from citylake.core.names import TOKEN_KEY
from citylake.core.secrets import SHORTEST, create_once
from citylake.core.settings import Settings
from citylake.privacy.tokens import Tokens
from citylake.storage.store import Store

_NONCE = 12
CHAIN = "tokens"  # of the evidence: which key files opened the key


@dataclass(frozen=True)
class KeyHeld:
    """What the lake holds of the key: how tokens name it, and the key closed by key files, by fingerprint."""

    key_id: str  # four hexadecimal digits; none in a lake whose tokens were made before keys had names
    closed: dict[str, str]
    format: int = 1


@dataclass(frozen=True)
class Rotated:
    """A key file took the place of another."""

    key_id: str
    before: str  # fingerprints
    after: str


def load_tokens(settings: Settings, store: Store) -> Tokens:
    """The lake's tokens. The embedded default makes a key file of its own (mode 0600) in the state folder.

    Errors: EnvironmentFailed `tokens.no_key`, `tokens.other_key`, `tokens.damaged`.
    """
    key = _key_file(settings)
    held = held_key(store) or _first(store, key)
    return Tokens(_opened(held, key), held.key_id)


def held_key(store: Store) -> KeyHeld | None:
    """The key as the lake holds it; None before the first delivery was decoded."""
    if not store.exists(TOKEN_KEY):
        return None
    try:
        return KeyHeld(**json.loads(store.get(TOKEN_KEY)))
    except (ValueError, TypeError):
        raise _damaged() from None


def establish(store: Store, key: bytes, secret: bytes, key_id: str) -> KeyHeld:
    """Close a key by a key file and keep it; when the lake holds one already, that one."""
    mine = KeyHeld(key_id, {fingerprint(key): _closed(key, secret, key_id)})
    return mine if store.create(TOKEN_KEY, _body(mine)) else held_key(store) or mine


def rotate(settings: Settings, store: Store) -> Rotated:
    """Put a new key file in the place of the old one, which opens nothing any more; tokens stay as they are.

    Whenever it breaks off, the key file that is there opens the key, and it may be run again.
    """
    path, key = key_path(settings), _key_file(settings)
    held = held_key(store) or _first(store, key)
    secret = _opened(held, key)
    try:
        fresh = create_once(path.with_name(f"{path.name}.next"), secrets.token_bytes(SHORTEST))
        both = {fingerprint(k): _closed(k, secret, held.key_id) for k in (key, fresh)}
        store.put(TOKEN_KEY, _body(KeyHeld(held.key_id, both)))
        os.replace(path.with_name(f"{path.name}.next"), path)
    except OSError as error:
        told = f"the key file cannot be replaced: {error.strerror}"
        raise EnvironmentFailed(
            "tokens.not_written", told, where=path.name, now="rotate where it lies"
        ) from None
    after = fingerprint(fresh)
    store.put(TOKEN_KEY, _body(KeyHeld(held.key_id, {after: both[after]})))
    return Rotated(held.key_id, fingerprint(key), after)


def fingerprint(key: bytes) -> str:
    """Tells key files apart and tells nothing of them."""
    return hmac.new(key, b"citylake key file", hashlib.sha256).hexdigest()[:16]


def key_path(settings: Settings) -> Path:
    """Where the key file lies."""
    return settings.token_key_file or settings.state / "token.key"


def _key_file(settings: Settings) -> bytes:
    path = key_path(settings)
    if settings.token_key_file is None and settings.s3_endpoint is None:
        create_once(path, secrets.token_bytes(SHORTEST))
    key = path.read_bytes() if path.is_file() else b""
    if len(key) < SHORTEST:
        raise EnvironmentFailed(
            "tokens.no_key",
            f"the token key is no file of at least {SHORTEST} bytes",
            where=path.name,
            now="set CITYLAKE_TOKEN_KEY_FILE to the key file of this lake",
        )
    return key


def _first(store: Store, key: bytes) -> KeyHeld:
    """A random key; in a lake that had tokens before it had a key of its own the key file made them."""
    if next(iter(store.list(f"evidence/{CHAIN}/")), None) is not None:
        raise _damaged()
    if next(iter(store.list("bronze/")), None) is not None:
        return establish(store, key, key, "")
    secret = secrets.token_bytes(SHORTEST)
    return establish(store, key, secret, hmac.new(secret, b"id", hashlib.sha256).hexdigest()[:4])


def _opened(held: KeyHeld, key: bytes) -> bytes:
    mine = fingerprint(key)
    if mine not in held.closed:
        raise EnvironmentFailed(
            "tokens.other_key",
            f"this key file ({mine}) is not the lake's ({', '.join(held.closed)})",
            now="set CITYLAKE_TOKEN_KEY_FILE to the lake's; after a rotation copy it from where it was done",
        )
    try:
        sealed = b64decode(held.closed[mine], validate=True)
        return _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], held.key_id.encode())
    except (InvalidTag, ValueError):
        raise _damaged() from None


def _closed(key: bytes, secret: bytes, key_id: str) -> str:
    nonce = secrets.token_bytes(_NONCE)
    return b64encode(nonce + _cipher(key).encrypt(nonce, secret, key_id.encode())).decode()


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(hmac.new(key, b"citylake closes the token key", hashlib.sha256).digest())


def _body(held: KeyHeld) -> bytes:
    return json.dumps(asdict(held), indent=1).encode()


def _damaged() -> EnvironmentFailed:
    return EnvironmentFailed(
        "tokens.damaged", f"{TOKEN_KEY} was changed", now="restore it from a copy of the lake"
    )
