"""The readers' server: who may ask it, where its process lives, and as which account it runs.

Where root installs a lake, `readers_account` names an account of its own that cannot enter the state folder:
then a hole in the door opens nothing but what its keys read.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from citylake.appliance.door import door_jar
from citylake.appliance.jars import jar_paths, spark_home
from citylake.appliance.processes import Service
from citylake.appliance.spark_servers import readers_server
from citylake.core.errors import EnvironmentFailed, LakeError
from citylake.core.secrets import SHORTEST, local_secret
from citylake.core.settings import Settings

NAME = re.compile(r"[a-z][a-z0-9._-]{0,62}")
OWN = "citylake"
"""The user as whom the lake's own command line asks."""


def home(settings: Settings) -> Path:
    """The folder of the readers' process: below the state folder unless it has an account of its own."""
    return settings.readers_home or settings.state / "readers"


def service(settings: Settings) -> Service:
    """The readers' server, its folder made.

    EnvironmentFailed `readers.account` for an account that cannot run it, or that is the lake's own.
    """
    folder = home(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    jars = [*jar_paths(), door_jar()]
    if settings.readers_account is not None:
        _refuse_owner(settings, settings.readers_account)
        jars = _copied(jars, folder / "jars")
    _write_users(settings, {**users(settings), OWN: _hash(local_secret(settings.state, "reader"))})
    if settings.readers_account is not None:
        _give(folder, settings.readers_account)
        _refuse_blind(settings, settings.readers_account)
    return readers_server(settings, folder, jars)


def users(settings: Settings) -> dict[str, str]:
    """Name of each user -> SHA-256 of the secret; users of a directory (LDAP) are not among them."""
    path = home(settings) / "users"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {name: digest for name, _, digest in (line.partition(" ") for line in lines)}


def add_user(settings: Settings, name: str) -> str:
    """Let a user ask; the secret, told once and kept nowhere. A known name gets a new secret."""
    if not NAME.fullmatch(name) or name == OWN:
        raise LakeError("readers.name", f"'{name[:40]}' is no name of a user", now="a-z, then a-z 0-9 . _ -")
    secret = secrets.token_urlsafe(SHORTEST)
    _write_users(settings, {**users(settings), name: _hash(secret)})
    return secret


def remove_user(settings: Settings, name: str) -> None:
    """Refuse a user from the next request on."""
    known = users(settings)
    if name not in known or name == OWN:
        raise LakeError("readers.name", f"there is no user '{name[:40]}'", now="citylake readers list")
    _write_users(settings, {n: d for n, d in known.items() if n != name})


def _hash(secret: str) -> str:
    """A plain hash: secrets are random, of 256 bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _write_users(settings: Settings, known: dict[str, str]) -> None:
    path = home(settings) / "users"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text("".join(f"{n} {d}\n" for n, d in sorted(known.items())), "utf-8")
    if settings.readers_account is not None:
        os.chown(part, pwd.getpwnam(settings.readers_account).pw_uid, -1)
    part.rename(path)


def _copied(jars: list[Path], folder: Path) -> list[Path]:
    """The jars where another account can read them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return [Path(shutil.copy(jar, folder / jar.name)) for jar in jars]


def _refuse_owner(settings: Settings, account: str) -> None:
    """The account exists, and does not enter the state folder."""
    try:
        pwd.getpwnam(account)
    except KeyError:
        raise EnvironmentFailed(
            "readers.account", f"there is no account {account}", now=f"useradd --system {account}"
        ) from None
    local_secret(settings.state, "door")
    if may_read(account, settings.state / "secrets"):
        told = f"the account {account} can read the lake's secrets"
        raise EnvironmentFailed("readers.account", told, now="name an account that is not the lake's own")


def _give(folder: Path, account: str) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, pwd.getpwnam(account).pw_uid, -1)


def _refuse_blind(settings: Settings, account: str) -> None:
    """The account reads what it runs from."""
    needed = (spark_home() / "bin" / "spark-submit", home(settings) / "users")
    blind = [p.name for p in needed if not may_read(account, p)]
    if blind:
        told = f"the account {account} cannot read {', '.join(blind)}"
        raise EnvironmentFailed(
            "readers.account", told, now="install where it can read, set CITYLAKE_READERS_HOME there"
        )


_ASKS = """import os, sys
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[2]))
sys.exit(0 if os.access(sys.argv[3], os.R_OK) else 1)"""


def may_read(account: str, path: Path) -> bool:
    """Whether an account of this machine can read a file or list a folder, as the kernel decides.

    A process of its own becomes that account: one forked from a client of Spark may end before it asks.
    """
    who = pwd.getpwnam(account)
    asked = [sys.executable, "-c", _ASKS, str(who.pw_gid), str(who.pw_uid), str(path)]
    done = subprocess.run(asked, capture_output=True, check=False)
    if done.returncode not in (0, 1) or done.stderr:
        told = f"it cannot be told what the account {account} reads"
        raise EnvironmentFailed("readers.account", told, now="start it as root, or name no account")
    return done.returncode == 0
