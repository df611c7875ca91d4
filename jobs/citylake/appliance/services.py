"""The embedded lake: SeaweedFS as S3 server, Spark Connect, and on request the JDBC server, all on
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

from pydantic import SecretStr

from citylake.appliance.door import CLASS, door_jar
from citylake.appliance.jars import jar_paths, spark_home
from citylake.appliance.processes import Service, listening, running, start, stop, wait_until
from citylake.contract.load import load_contracts
from citylake.core.errors import EnvironmentFailed
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.privacy.roles import store_config
from citylake.storage.delta import KEPT_FOR_GOOD

NAMES = ("jdbc", "spark", "s3")

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


def up(settings: Settings, *, jdbc: bool = False) -> None:
    """Start what the settings do not place elsewhere, and wait until it answers."""
    settings.state.mkdir(parents=True, exist_ok=True)
    settings.state.chmod(0o700)
    started: list[str] = []
    for service in _wanted(settings, jdbc=jdbc):
        if start(service, settings.state):
            started.append(service.name)
    for name in started:
        wait_until(lambda n=name: _ready(settings, n), name, settings.state, 90)
    if "s3" in started:
        from citylake.storage.store import open_store

        open_store(settings)


def _wanted(settings: Settings, *, jdbc: bool) -> list[Service]:
    wanted = [] if settings.s3_endpoint else [_s3(settings)]
    wanted += [] if settings.spark_remote else [_spark(settings)]
    return [*wanted, _jdbc(settings)] if jdbc else wanted


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
        "jdbc": {
            "address": f"127.0.0.1:{settings.port_jdbc}",
            "up": running("jdbc", settings.state) is not None,
        },
    }


def _ready(settings: Settings, name: str) -> bool:
    if name != "s3":
        return listening({"spark": settings.port_spark, "jdbc": settings.port_jdbc}[name])
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
    ]
    # Without these keys the filer and the volumes answer anybody on the machine over HTTP.
    signed = {f"WEED_{n}": local_secret(settings.state, n.lower()) for n in STORE_TOKENS}
    return Service("s3", command, {"WEED_MASTER_VOLUME_GROWTH_COPY_1": str(BUCKET_VOLUMES), **signed}, ports)


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise EnvironmentFailed("s3.binary", "the embedded S3 server is not installed", now="make setup")
    return found


def spark_conf(settings: Settings) -> dict[str, str]:
    """Settings of every Spark process of the lake: Delta on S3A, create-only commits, Beijing time, ANSI."""
    s3a = "spark.hadoop.fs.s3a."
    fixed = {
        "spark.sql.extensions": f"io.delta.sql.DeltaSparkSessionExtension,{CLASS}",
        # A text could name the environment, and with it keys: ${env:AWS_SECRET_ACCESS_KEY}.
        "spark.sql.variable.substitute": "false",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "Asia/Shanghai",
        "spark.sql.ansi.enabled": "true",
        # INT96, the default, has no statistics and no zone, and readers drop it.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.execution.pythonUDF.arrow.enabled": "false",
        "spark.sql.warehouse.dir": str(settings.state / "warehouse"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": settings.spark_driver_memory,
        f"{s3a}endpoint": settings.endpoint,
        f"{s3a}endpoint.region": settings.s3_region,
        f"{s3a}path.style.access": "true",
        f"{s3a}connection.ssl.enabled": str(settings.endpoint.startswith("https")).lower(),
        # Two drivers on one table lose commits without it; see docs/decisions/0005-commit-safety.md.
        f"{s3a}performance.flags": "create",
        f"{s3a}aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider"
        ),
    }
    defaults = {
        f"spark.databricks.delta.properties.defaults.{name.removeprefix('delta.')}": value
        for name, value in KEPT_FOR_GOOD.items()
    }
    return {**fixed, **defaults, **settings.spark_conf}


def _environment(keys: tuple[str, SecretStr]) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": keys[0],
        "AWS_SECRET_ACCESS_KEY": keys[1].get_secret_value(),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(spark_home()),
    }


def _submit(settings: Settings, kind: str, conf: dict[str, str], extra: list[str]) -> list[str]:
    pairs = [part for k, v in {**spark_conf(settings), **conf}.items() for part in ("--conf", f"{k}={v}")]
    return [str(spark_home() / "bin" / "spark-submit"), *extra, *pairs, "--class", kind, "spark-internal"]


def _spark(settings: Settings) -> Service:
    if shutil.which("java") is None:
        raise EnvironmentFailed("java.missing", "no java on the path", now="install JDK 17")
    conf = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(settings.port_spark),
        "spark.ui.port": str(settings.port_spark_ui),
        "spark.sql.catalogImplementation": "in-memory",
    }
    jars = ",".join(str(p) for p in [*jar_paths(), door_jar()])
    command = _submit(
        settings, "org.apache.spark.sql.connect.service.SparkConnectServer", conf, ["--jars", jars]
    )
    return Service(
        "spark",
        command,
        _environment(settings.keys),
        {"port_spark": settings.port_spark, "port_spark_ui": settings.port_spark_ui},
    )


def _jdbc(settings: Settings) -> Service:
    home = settings.state / "jdbc"
    home.mkdir(parents=True, exist_ok=True)
    conf = {
        "spark.hive.server2.thrift.port": str(settings.port_jdbc),
        "spark.hadoop.hive.server2.thrift.port": str(settings.port_jdbc),
        "spark.hadoop.hive.server2.thrift.bind.host": "127.0.0.1",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={home}",
        # Every session of Hive asks for its metastore, which stays empty; without these three it fails to
        # make one, for 20 seconds.
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:sessions;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.ui.enabled": "false",
    }
    # Delta under the JDBC server works with the jars on the driver's class path only.
    paths = ":".join(str(p) for p in [*jar_paths(), door_jar()])
    command = _submit(
        settings,
        "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
        conf,
        ["--driver-class-path", paths],
    )
    return Service(
        "jdbc",
        command,
        {**_environment(settings.reader), "CITYLAKE_DOOR_SECRET": local_secret(settings.state, "door")},
        {"port_jdbc": settings.port_jdbc},
    )
