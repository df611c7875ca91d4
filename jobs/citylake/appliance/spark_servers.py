"""The two Spark servers of a lake: the lake's own, which writes, and the readers', which only answers."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import SecretStr

from citylake.appliance.door import CLASSES, door_jar
from citylake.appliance.jars import jar_paths, spark_home
from citylake.appliance.processes import Service
from citylake.core.errors import EnvironmentFailed
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.storage.delta import KEPT_FOR_GOOD

LOOPBACK = "127.0.0.1"


def spark_conf(settings: Settings) -> dict[str, str]:
    """Settings of every Spark process of the lake: Delta on S3A, create-only commits, Beijing time, ANSI."""
    s3a = "spark.hadoop.fs.s3a."
    fixed = {
        "spark.sql.extensions": f"io.delta.sql.DeltaSparkSessionExtension,{CLASSES['door']}",
        # A text could name the environment, and with it keys: ${env:AWS_SECRET_ACCESS_KEY}.
        "spark.sql.variable.substitute": "false",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "Asia/Shanghai",
        "spark.sql.ansi.enabled": "true",
        # INT96, the default, has no statistics and no zone, and readers drop it.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.execution.pythonUDF.arrow.enabled": "false",
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        # Ports that Spark opens for itself ask for a secret that it makes at each start.
        "spark.authenticate": "true",
        "spark.connect.grpc.binding.address": LOOPBACK,
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


def lake_server(settings: Settings) -> Service:
    """Spark Connect with the lake's keys, for the lake's own processes: it asks for their token."""
    conf = {
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.connect.grpc.binding.port": str(settings.port_spark),
        "spark.sql.warehouse.dir": str(settings.state / "warehouse"),
        "spark.ui.port": str(settings.port_spark_ui),
        "spark.ui.filters": CLASSES["pages"],
    }
    jars = ",".join(map(str, [*jar_paths(), door_jar()]))
    command = _submit(settings, "connect.service.SparkConnectServer", conf, ["--jars", jars])
    secrets = {
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": local_secret(settings.state, "spark"),
        "CITYLAKE_PAGES_SECRET": local_secret(settings.state, "spark-pages"),
    }
    ports = {"port_spark": settings.port_spark, "port_spark_ui": settings.port_spark_ui}
    return Service("spark", command, {**_environment(settings.keys), **secrets}, ports)


def readers_server(settings: Settings, home: Path, jars: list[Path]) -> Service:
    """Spark Connect and JDBC over released views, with a reader's keys and the door closed.

    `home`: what the process may write; its account needs no other folder of the lake.
    """
    conf = {
        "spark.driver.memory": settings.readers_memory,
        "spark.driver.maxResultSize": "512m",
        # Hive looks for the class that knows its users among the properties of the JVM alone.
        "spark.driver.extraJavaOptions": (
            f"-Xss4m -XX:+ExitOnOutOfMemoryError -Dderby.system.home={home}"
            f" -Dhive.server2.custom.authentication.class={CLASSES['passwords']}"
        ),
        "spark.local.dir": str(home / "local"),
        "spark.sql.warehouse.dir": str(home / "warehouse"),
        "spark.sql.artifact.isolation.enabled": "false",
        "spark.sql.runSQLOnFiles": "false",
        "spark.ui.enabled": "false",
        "spark.extraListeners": CLASSES["limit"],
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.port": str(settings.port_readers),
        "spark.connect.grpc.interceptor.classes": CLASSES["requests"],
        "spark.hive.server2.thrift.port": str(settings.port_jdbc),
        "spark.hadoop.hive.server2.thrift.port": str(settings.port_jdbc),
        "spark.hadoop.hive.server2.thrift.bind.host": LOOPBACK,
        "spark.hadoop.hive.server2.authentication": "CUSTOM",
        "spark.sql.thriftServer.incrementalCollect": "true",
        "spark.sql.thriftServer.queryTimeout": f"{settings.readers_seconds}s",
        # Every session of Hive asks for its metastore, which stays empty; without these three it fails to
        # make one, for 20 seconds.
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:sessions;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
    }
    # Delta under the JDBC server works with the jars on the driver's class path only.
    paths = ":".join(map(str, jars))
    command = _submit(settings, "hive.thriftserver.HiveThriftServer2", conf, ["--driver-class-path", paths])
    env = {
        **_environment(settings.reader),
        "HOME": str(home),
        "CITYLAKE_DOOR_SECRET": local_secret(settings.state, "door"),
        "CITYLAKE_DOOR_USERS": str(home / "users"),
        "CITYLAKE_DOOR_SECONDS": str(settings.readers_seconds),
        **_directory(settings),
    }
    ports = {"port_readers": settings.port_readers, "port_jdbc": settings.port_jdbc}
    return Service("readers", command, env, ports, account=settings.readers_account)


def _directory(settings: Settings) -> dict[str, str]:
    if settings.readers_ldap_url is None:
        return {}
    return {
        "CITYLAKE_DOOR_LDAP_URL": settings.readers_ldap_url,
        "CITYLAKE_DOOR_LDAP_DN": settings.readers_ldap_dn or "",
    }


def _environment(keys: tuple[str, SecretStr]) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": keys[0],
        "AWS_SECRET_ACCESS_KEY": keys[1].get_secret_value(),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_HOME": str(spark_home()),
    }


def _submit(settings: Settings, kind: str, conf: dict[str, str], extra: list[str]) -> list[str]:
    if shutil.which("java") is None:
        raise EnvironmentFailed("java.missing", "no java on the path", now="install JDK 17")
    pairs = [part for k, v in {**spark_conf(settings), **conf}.items() for part in ("--conf", f"{k}={v}")]
    program = str(spark_home() / "bin" / "spark-submit")
    return [program, *extra, *pairs, "--class", f"org.apache.spark.sql.{kind}", "spark-internal"]
