"""What a task leaves to the Spark server: nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql.connect.session import SparkSession

TASK = """
from citylake.orchestrate import tasks
from citylake.pipeline import steps
steps.VERBS["count"] = lambda lake: {"rows": lake.spark.range(3).count(), "session": lake.spark.session_id}
done = tasks.run_verb("count")
print(done["rows"], done["session"])
"""


def test_a_task_ends_its_session(lake_settings: Settings) -> None:
    """Else the server would keep it, and the plans in it, for an hour: a scheduler's task ends without the
    interpreter's exit.
    """
    done = subprocess.run(
        [sys.executable, "-c", TASK], capture_output=True, text=True, timeout=120, check=True
    )
    rows, session = done.stdout.split()
    assert rows == "3"
    with pytest.raises(SparkConnectGrpcException, match="SESSION_CLOSED"):
        SparkSession(
            f"{lake_settings.spark_address}/;user_id=citylake;session_id={session}"
            f";token={local_secret(lake_settings.state, 'spark')}"
        ).range(1).count()
