"""Released views on the JDBC server, made through beeline, the client that comes with Spark."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from citylake.core.errors import EnvironmentFailed
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.release.query import DOOR
from citylake.release.release import Release, view_statements


def beeline(settings: Settings, script: str) -> str:
    """Run SQL through the JDBC server and return what beeline prints (CSV)."""
    home = _spark_home()
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as handle:
        handle.write(script)
        handle.flush()
        url = f"jdbc:hive2://127.0.0.1:{settings.port_jdbc}/default"
        command = [
            str(home / "bin" / "beeline"),
            "-u",
            url,
            "-n",
            "analyst",
            "--silent=true",
            "--outputformat=csv2",
            "-f",
            handle.name,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("Error")] or ["beeline failed"]
        raise EnvironmentFailed("jdbc.failed", told[0][:400])
    return done.stdout


def _spark_home() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent


def create_views_over_jdbc(settings: Settings, release: Release) -> None:
    """Make the views of a release on the JDBC server, in a session that names the secret of its door."""
    opened = f"SET {DOOR}={local_secret(settings.state, 'door')};\n"
    beeline(settings, opened + ";\n".join(view_statements(settings, release)) + ";\n")
