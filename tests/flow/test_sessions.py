"""What a task leaves to the Spark server: nothing."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.storage.spark import connect, reader_session
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


def test_a_checkpoint_stays_with_the_server_that_made_it(lake_settings: Settings, readers: Any) -> None:
    """Whichever of the two clients was opened or asked last, in any thread."""
    spark = connect(lake_settings)

    def rows() -> int:
        with reader_session(lake_settings) as reader:
            assert reader.sql("SELECT 1").collect()[0][0] == 1
            return spark.range(3).localCheckpoint().localCheckpoint().count()

    assert rows() == 3
    assert readers.sql("SELECT 1").collect()[0][0] == 1
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(rows).result() == 3
