"""Statements over JDBC, by the driver that analysts' tools use."""

from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

from citylake.appliance.jars import spark_home
from citylake.core.settings import Settings


def over_jdbc(settings: Settings, user: str, secret: str, statements: list[str]) -> list[str]:
    """What came of each statement on one connection: `OK` and rows, or `ERROR` and its text."""
    url = f"jdbc:hive2://127.0.0.1:{settings.port_jdbc}/default"
    program = [str(Path(__file__).with_name("Jdbc.java")), url, user, secret]
    lines = "\n".join(b64encode(s.encode()).decode() for s in statements)
    command = ["java", "-cp", f"{spark_home()}/jars/*", *program]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-500:]
    return [b64decode(line).decode() for line in done.stdout.split()]
