"""The analysts' door: an extension of Spark that lets queries through, compiled at set-up."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from citylake.appliance.jars import cache, spark_home
from citylake.core.errors import EnvironmentFailed
from citylake.core.project import base

CLASSES = {
    name.lower(): f"citylake.door.{name}" for name in ("Door", "Requests", "Passwords", "Limit", "Pages")
}
"""What Spark is told to load: rules over plans, requests, users, time, and its own pages."""


def door_jar() -> Path:
    """The jar of the door, compiled at first use; another source or another Spark is another jar."""
    source = base("infra/door")
    files = sorted(p for p in source.iterdir() if p.suffix in (".java", ".txt"))
    digest = hashlib.sha256(importlib.metadata.version("pyspark").encode())
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    jar = cache().parent / f"door-{digest.hexdigest()[:16]}.jar"
    if not jar.exists():
        _compile(files, jar)
    return jar


def _compile(files: list[Path], jar: Path) -> None:
    compiler = shutil.which("javac")
    if compiler is None:
        raise EnvironmentFailed("java.compiler", "no javac on the path", now="install JDK 17")
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        sources = [str(f) for f in files if f.suffix == ".java"]
        command = [compiler, "-nowarn", "-d", folder, "-cp", f"{spark_home()}/jars/*", *sources]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EnvironmentFailed("door.compile", f"the door was not compiled: {done.stderr[:300]}")
        jar.parent.mkdir(parents=True, exist_ok=True)
        part = Path(folder) / "door.jar"
        with zipfile.ZipFile(part, "w") as packed:
            for path in sorted(Path(folder).rglob("*.class")):
                packed.write(path, path.relative_to(folder))
            for file in (f for f in files if f.suffix == ".txt"):
                packed.write(file, f"citylake/door/{file.name}")
        shutil.copy2(part, jar.with_suffix(".part"))
        jar.with_suffix(".part").rename(jar)


if __name__ == "__main__":
    print(door_jar().name)
