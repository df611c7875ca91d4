"""Refuses settings that nobody meant: names that are none, a profile that is none, a remote lake in part.

Every line says what to set. No value is shown: it may be a secret.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from citylake.core.errors import EnvironmentFailed, did_you_mean

if TYPE_CHECKING:
    from citylake.core.settings import Settings

PREFIX = "CITYLAKE_"
BESIDE = {
    "CITYLAKE_ACCEPT": "tests write what came as what is expected",
    "CITYLAKE_DOOR_LDAP_DN": "the readers' server: what a directory calls a user",
    "CITYLAKE_DOOR_LDAP_URL": "the readers' server: the directory",
    "CITYLAKE_DOOR_SECONDS": "the readers' server: how long a statement runs",
    "CITYLAKE_DOOR_SECRET": "the readers' server knows the lake by it",
    "CITYLAKE_DOOR_USERS": "the readers' server: the file of its users",
    "CITYLAKE_HISTORIES": "tests: how many histories",
    "CITYLAKE_PAGES_SECRET": "Spark's pages know a person by it",
    "CITYLAKE_SEEDS": "tests: of which cities",
}
"""Names of the environment that are no settings of a lake."""

PUBLISHED = {"citylake", "citylake-local-only", "minioadmin", "admin", "password", "changeme", "secret"}
"""Keys that anybody can read in a manual, or in an older version of this lake."""


def refuse_unknown_names(fields: Iterable[str]) -> None:
    """EnvironmentFailed `settings.unknown` for a variable CITYLAKE_* that means nothing or is blank."""
    known = {PREFIX + f.upper() for f in fields} | set(BESIDE)
    given = {n.upper(): v for n, v in sorted(os.environ.items()) if n.upper().startswith(PREFIX)}
    unknown = [f"there is no setting {n}{did_you_mean(n, sorted(known))}" for n in given if n not in known]
    blank = [f"{n} is set to nothing: give it a value or unset it" for n in given if not given[n].strip()]
    _refuse("settings.unknown", [*unknown, *blank])


def refuse_unknown_profile(name: str, folders: Iterable[Path]) -> None:
    """EnvironmentFailed `settings.profile` for a profile without a file."""
    known = sorted({p.stem for folder in folders for p in folder.glob("*.toml")})
    if name not in known:
        told = f"there is no profile '{name[:40]}'{did_you_mean(name, known)}"
        _refuse("settings.profile", [f"{told}; set CITYLAKE_PROFILE to one of {', '.join(known)}"])


def refuse_half_a_lake(settings: Settings) -> None:
    """EnvironmentFailed `settings.remote` for a remote lake that lacks an address, a key or encryption."""
    _refuse("settings.remote", [*_missing(settings), *_guessable(settings), *_in_plain_text(settings)])


def _missing(settings: Settings) -> Iterator[str]:
    """What a lake whose services are elsewhere cannot make itself; of a remote store its keys."""
    set_here = settings.model_fields_set
    keys = ("s3_access_key", "s3_secret_key")
    readers = ("s3_reader_access_key", "s3_reader_secret_key")
    elsewhere = ("s3_endpoint", *keys, *readers, "spark_remote", "spark_token")
    needed = (*elsewhere, "token_key_file") if not settings.embedded else keys if settings.s3_endpoint else ()
    for name in needed:
        if name not in set_here or getattr(settings, name) is None:
            yield f"{PREFIX}{name.upper()} is not set, and this lake's services are not made here: set it"
    if settings.token_key_file is not None and not settings.token_key_file.is_file():
        yield f"{PREFIX}TOKEN_KEY_FILE names no file: set it to the key file of this lake"


def _guessable(settings: Settings) -> Iterator[str]:
    pairs = (
        ("s3_secret_key", settings.s3_access_key, settings.s3_secret_key),
        ("s3_reader_secret_key", settings.s3_reader_access_key, settings.s3_reader_secret_key),
    )
    for name, access, secret in pairs:
        text = secret.get_secret_value() if secret else None
        if text is not None and (text.lower() in PUBLISHED or text == access or len(text) < 16):
            yield f"{PREFIX}{name.upper()} can be guessed: set a random one of at least 16 characters"
    if settings.s3_reader_secret_key and settings.s3_reader_access_key == settings.s3_access_key:
        yield f"{PREFIX}S3_READER_ACCESS_KEY is the lake's own: set the key of an identity that only reads"


def _in_plain_text(settings: Settings) -> Iterator[str]:
    """Addresses on other machines that are spoken to without TLS."""
    store, spark = settings.s3_endpoint, settings.spark_remote
    open_ones = [("S3_ENDPOINT", store, "https://")] if store and urlsplit(store).scheme != "https" else []
    if spark and "use_ssl=true" not in spark.lower():
        open_ones.append(("SPARK_REMOTE", spark, "/;use_ssl=true"))
    readers = settings.readers_remote.get_secret_value() if settings.readers_remote else None
    if readers and "use_ssl=true" not in readers.lower():
        open_ones.append(("READERS_REMOTE", readers, "/;use_ssl=true"))
    for name, address, secure in open_ones:
        if not settings.allow_plain_http and not _on_this_machine(address):
            yield f"{PREFIX}{name} is not encrypted: use {secure}, or set {PREFIX}ALLOW_PLAIN_HTTP=true"


def _on_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse(rule: str, lines: list[str]) -> None:
    if lines:
        raise EnvironmentFailed(rule, "\n".join(lines), now="docs/engineers/settings.md lists every setting")
