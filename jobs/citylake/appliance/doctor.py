"""Checks what the lake stands on; every finding is OK or says its mend."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version

from citylake.appliance.jars import locked, spark_home, wrong_jars
from citylake.appliance.processes import port_free, running
from citylake.appliance.readers import may_read
from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.storage.spark import connect
from citylake.storage.store import Store, open_store


@dataclass(frozen=True)
class Finding:
    """One check."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def checks(settings: Settings) -> list[Finding]:
    """All checks in order; one that cannot be made is a failed one."""
    return [_made(name, check, settings) for name, check in CHECKS.items()]


def _made(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except LakeError as error:
        return Finding(name, False, error.what, error.now)
    except OSError as error:
        return Finding(name, False, str(error), "citylake up")


def _java(_: Settings) -> Finding:
    if shutil.which("java") is None:
        return Finding("java", False, "no java on the path", "install JDK 17")
    text = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', text)
    major = int(found.group(1)) if found else 0
    return Finding("java", major in (17, 21), f"Java {major}", "install JDK 17")


def _jars(_: Settings) -> Finding:
    wrong = wrong_jars()
    return Finding(
        "jars",
        not wrong,
        f"{len(locked())} jars agree with the lock" if not wrong else ", ".join(wrong),
        "make setup",
    )


def _versions(_: Settings) -> Finding:
    server = next(p.name for p in (spark_home() / "jars").glob("spark-connect_*.jar"))
    spark = {version("pyspark"), version("pyspark-client"), server.rsplit("-", 1)[1].removesuffix(".jar")}
    delta = {
        version("delta-spark"),
        *(m.group(1) for n in locked() if (m := re.search(r"delta-spark_.*-([0-9.]+)\.jar", n))),
    }
    ok = len(spark) == len(delta) == 1
    return Finding(
        "versions", ok, f"Spark {'/'.join(sorted(spark))}, Delta {'/'.join(sorted(delta))}", "make setup"
    )


def _ports(settings: Settings) -> Finding:
    mine = {
        "s3": [settings.port_s3],
        "spark": [settings.port_spark, settings.port_spark_ui],
        "readers": [settings.port_readers, settings.port_jdbc],
    }
    taken = [
        str(p)
        for name, ports in mine.items()
        if not running(name, settings.state)
        for p in ports
        if not port_free(p)
    ]
    return Finding(
        "ports",
        not taken,
        "free or ours" if not taken else f"taken by others: {', '.join(taken)}",
        "set CITYLAKE_PORT_…",
    )


def _disk(settings: Settings) -> Finding:
    settings.state.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.state).free / 2**30
    return Finding(
        "disk", free > 2, f"{free:.0f} GiB free", "free at least 2 GiB where the state folder lies"
    )


def _memory(_: Settings) -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding("memory", total > 4, f"{total:.0f} GiB", "4 GiB are needed")


def _state(settings: Settings) -> Finding:
    """The folder holds every secret of the lake; no other account of the machine may enter it."""
    mode = stat.S_IMODE(settings.state.stat().st_mode)
    return Finding("state folder", not mode & 0o077, f"mode {mode:04o}", f"chmod 700 {settings.state}")


def _account(settings: Settings) -> Finding:
    """Behind a hole in the readers' door lies what its account may read."""
    name, mend = "readers' account", "name one that cannot enter the state folder: CITYLAKE_READERS_ACCOUNT"
    if settings.readers_account is None:
        told = "the lake's own: only root can give the server another one"
        return Finding(name, True, told if os.geteuid() else f"the lake's own; {mend}", mend)
    try:
        blind = not may_read(settings.readers_account, settings.state)
    except KeyError:
        return Finding(name, False, f"there is no account {settings.readers_account}", mend)
    told = "cannot" if blind else "can"
    return Finding(name, blind, f"{settings.readers_account} {told} enter the state folder", mend)


def _signatures(settings: Settings) -> Finding:
    """Manifests are signed and proved by OpenSSH."""
    asked = sorted(c.id for c in load_contracts(settings.root).values() if c.signed)
    there = shutil.which("ssh-keygen") is not None
    told = f"{len(asked)} datasets must be signed; ssh-keygen is {'there' if there else 'not there'}"
    return Finding("signatures", there or not asked, told, "install OpenSSH's client")


def _store(settings: Settings) -> Finding:
    open_store(settings)
    return Finding("store", True, settings.endpoint)


def _clock(settings: Settings) -> Finding:
    """Signed requests fail when the clocks are 15 minutes apart."""
    try:
        date = urllib.request.urlopen(settings.endpoint, timeout=5).headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]
    apart = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    return Finding("clock", apart < 60, f"{apart:.0f} s from the store's", "set the clock")


def _conditional(settings: Settings) -> Finding:
    winners = conditional_winners(open_store(settings))
    return Finding(
        "conditional create",
        winners == 1,
        f"{winners} of 8 writers won",
        "use a store that honours If-None-Match",
    )


def conditional_winners(store: Store) -> int:
    """Eight writers create one key at once, and a ninth after them; a sound store lets exactly one win."""
    key = f"doctor/{uuid.uuid4()}"
    with ThreadPoolExecutor(8) as pool:
        won = sum(pool.map(lambda i: store.create(key, f"writer {i}".encode()), range(8)))
    won += store.create(key, b"late writer")
    store.delete(key)
    return won


def _spark(settings: Settings) -> Finding:
    client = connect(settings)
    return Finding("spark", True, f"{client.version} at {settings.spark_address}")


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "java": _java,
    "jars": _jars,
    "versions": _versions,
    "ports": _ports,
    "disk": _disk,
    "memory": _memory,
    "state folder": _state,
    "readers' account": _account,
    "signatures": _signatures,
    "store": _store,
    "clock": _clock,
    "conditional create": _conditional,
    "spark": _spark,
}
