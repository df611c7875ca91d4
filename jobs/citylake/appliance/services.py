"""The embedded lake: SeaweedFS as S3 server, Spark Connect, and on request the readers' server, all on
loopback.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from citylake.appliance import readers
from citylake.appliance.certificates import store_certificates
from citylake.appliance.processes import Service, listening, running, start, stop, wait_until
from citylake.appliance.spark_servers import lake_server
from citylake.contract.load import load_contracts
from citylake.core.errors import EnvironmentFailed
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.privacy.roles import store_config

NAMES = ("readers", "spark", "s3")

STORE_VOLUMES = 4096
"""Volumes of the store, 512 MiB each. Left to itself it divides the free disk by the size of a volume and
gives seven volumes to each bucket:
on a disk with 60 GiB free the eighteenth bucket was refused as an internal error, and with 3 GiB free the
first.
"""

STORE_TOKENS = (
    "JWT_SIGNING_KEY",
    "JWT_SIGNING_READ_KEY",
    "JWT_FILER_SIGNING_KEY",
    "JWT_FILER_SIGNING_READ_KEY",
)
"""Keys that sign the store's own requests over HTTP."""

BUCKET_VOLUMES = 2
"""Volumes that a bucket gets at once, so that two writers need not wait for each other."""


def up(settings: Settings, *, with_readers: bool = False) -> None:
    """Start what the settings do not place elsewhere, and wait until it answers."""
    settings.state.mkdir(parents=True, exist_ok=True)
    settings.state.chmod(0o700)
    started: list[str] = []
    for service in _wanted(settings, with_readers):
        if start(service, settings.state):
            started.append(service.name)
    for name in started:
        wait_until(lambda n=name: _ready(settings, n), name, settings.state, 90)
    if "s3" in started:
        from citylake.storage.store import open_store

        open_store(settings)


def _wanted(settings: Settings, with_readers: bool) -> list[Service]:
    wanted = [] if settings.s3_endpoint else [_s3(settings)]
    wanted += [] if settings.spark_remote else [lake_server(settings)]
    return [*wanted, readers.service(settings)] if with_readers and not settings.readers_remote else wanted


def down(settings: Settings) -> list[str]:
    """Stop what was started here; the names of what ran."""
    return [name for name in NAMES if stop(name, settings.state)]


def status(settings: Settings) -> dict[str, Any]:
    """Per service: where it is and whether it answers."""
    return {
        "s3": {"address": settings.endpoint, "up": _ready(settings, "s3")},
        "spark": {
            "address": settings.spark_address,
            "up": bool(settings.spark_remote) or listening(settings.port_spark),
        },
        "readers": {
            "address": settings.readers_address,
            "up": bool(settings.readers_remote) or running("readers", settings.state) is not None,
        },
    }


def _ready(settings: Settings, name: str) -> bool:
    if name != "s3":
        return listening({"spark": settings.port_spark, "readers": settings.port_jdbc}[name])
    try:
        urllib.request.urlopen(settings.endpoint, timeout=2)
    except urllib.error.HTTPError as error:
        return error.code == 403  # the store asks for a signature: it serves
    except OSError:
        return False
    return True


def _s3(settings: Settings) -> Service:
    data = settings.state / "store"
    data.mkdir(parents=True, exist_ok=True)
    access = settings.state / "s3.json"
    access.touch(mode=0o600)
    identities = json.dumps(store_config(settings, load_contracts(settings.root)))
    if access.read_text("utf-8") != identities:
        access.write_text(identities, "utf-8")
        stop("s3", settings.state)  # the store reads its roles when it starts
    ports = {
        "port_s3": settings.port_s3,
        "port_s3_master": settings.port_s3_master,
        "port_s3_volume": settings.port_s3_volume,
        "port_s3_filer": settings.port_s3_filer,
    }
    command = [
        _weed(),
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.port={settings.port_s3}",
        f"-s3.config={access}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-master.port={settings.port_s3_master}",
        "-master.volumeSizeLimitMB=512",
        f"-volume.port={settings.port_s3_volume}",
        f"-volume.max={STORE_VOLUMES}",
        f"-filer.port={settings.port_s3_filer}",
        # No page of another origin reads the store in a browser, and no use is reported anywhere.
        f"-filer.allowedOrigins={settings.endpoint}",
        f"-s3.allowedOrigins={settings.endpoint}",
        # The HTTP of the master asks nobody for a key, and deletes collections.
        "-disableHttp",
        "-master.telemetry=false",
        f"-filer.localSocket={settings.state / 'run' / 'filer.sock'}",
        f"-s3.localSocket={settings.state / 'run' / 's3.sock'}",
    ]
    # Without these keys the filer and the volumes answer anybody on the machine over HTTP.
    signed = {f"WEED_{n}": local_secret(settings.state, n.lower()) for n in STORE_TOKENS}
    env = {
        "WEED_MASTER_VOLUME_GROWTH_COPY_1": str(BUCKET_VOLUMES),
        **signed,
        **store_certificates(settings.state),
    }
    return Service("s3", command, env, ports)


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise EnvironmentFailed("s3.binary", "the embedded S3 server is not installed", now="make setup")
    return found
