"""The JVM artefacts: fetched once by Spark's own resolver, checked against `infra/jars.lock`, used by local
path.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from citylake.core.errors import EnvironmentFailed
from citylake.core.project import base

LOCK = base("infra/jars.lock")
COORDINATES = (
    "io.delta:delta-spark_4.2_2.13:4.4.0",
    "io.delta:delta-storage:4.4.0",
    "org.apache.hadoop:hadoop-aws:3.5.0",
    # The S3 modules of the SDK that hadoop-aws 3.5.0 was built with, instead of its bundle of about 600 MB.
    "software.amazon.awssdk:s3:2.35.4",
    "software.amazon.awssdk:sts:2.35.4",
    "software.amazon.awssdk:s3-transfer-manager:2.35.4",
    "software.amazon.awssdk:apache-client:2.35.4",
    "software.amazon.awssdk:netty-nio-client:2.35.4",
    "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1",
)
VERSION = re.compile(r"-[0-9][^-]*(-[A-Za-z0-9.]+)*\.jar$")


def spark_home() -> Path:
    """The folder of the installed pyspark."""
    import importlib.util

    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise EnvironmentFailed("jars.pyspark", "pyspark is not installed", now="make setup")
    return Path(spec.origin).parent


def locked() -> dict[str, str]:
    """File name -> sha256."""
    lines = (
        line.split() for line in LOCK.read_text("utf-8").splitlines() if line and not line.startswith("#")
    )
    return {name: digest for name, digest in lines}


def cache() -> Path:
    """Where the checked jars lie; another lock is another folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "citylake" / "jars" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]


def jar_paths() -> list[Path]:
    """The jars in the cache; an error with its mend when one is missing."""
    paths = [cache() / name for name in locked()]
    missing = [p.name for p in paths if not p.exists()]
    if missing:
        raise EnvironmentFailed(
            "jars.missing", f"{len(missing)} jars are not in the cache, first {missing[0]}", now="make setup"
        )
    return paths


def wrong_jars() -> list[str]:
    """Names of cached jars whose bytes differ from the lock."""
    return [p.name for p in jar_paths() if _sha256(p) != locked()[p.name]]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(into: Path) -> list[Path]:
    """Resolve the coordinates into a folder; what pyspark itself carries is left out."""
    held = sorted({VERSION.sub("", p.name) for p in (spark_home() / "jars").glob("*.jar")})
    left_out = [
        "software.amazon.awssdk:bundle",
        "*:hadoop-client-api",
        "*:hadoop-client-runtime",
        *(f"*:{name}" for name in held),
    ]
    command = [
        str(spark_home() / "bin" / "spark-submit"),
        "--conf",
        f"spark.jars.ivy={into}",
        "--packages",
        ",".join(COORDINATES),
    ]
    # spark-submit resolves before it looks for the class, so a class that does not exist ends it right after.
    command += ["--exclude-packages", ",".join(left_out), "--class", "none.Resolve", "none.jar"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted((into / "jars").glob("*.jar"))
    if not found:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise EnvironmentFailed(
            "jars.fetch",
            f"the JVM artefacts could not be fetched\n{tail}",
            now="check the way to the artefact registry",
        )
    return found


def set_up() -> str:
    """Fill the cache if need be; refuses a jar that differs from the lock."""
    target = cache()
    if all((target / name).exists() for name in locked()):
        return f"{len(locked())} jars in the cache"
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        found = {p.name: p for p in fetch(Path(folder))}
        wrong = [n for n, digest in locked().items() if n not in found or _sha256(found[n]) != digest]
        if wrong:
            raise EnvironmentFailed(
                "jars.lock", f"differs from infra/jars.lock: {', '.join(wrong)}", now="do not use these files"
            )
        target.mkdir(parents=True, exist_ok=True)
        for name in locked():
            shutil.copy2(found[name], target / f"{name}.part")
            (target / f"{name}.part").rename(target / name)
    return f"{len(locked())} jars fetched and checked"


def write_lock() -> None:
    """Resolve anew and write `infra/jars.lock`."""
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        found = fetch(Path(folder))
        head = [f"# {c}" for c in COORDINATES]
        LOCK.write_text("\n".join([*head, *(f"{p.name} {_sha256(p)}" for p in found)]) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--lock"]:
        write_lock()
    try:
        sys.stdout.write(set_up() + "\n")
    except EnvironmentFailed as error:
        sys.exit(str(error))
