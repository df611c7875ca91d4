"""Airflow's scheduler with the verbs' libraries imported first: its local workers are forks and need not import them again.

Great Expectations alone takes 4 s of CPU to import, and a day has some forty tasks. Only libraries that survive a fork
are named here; delta-rs does not.
"""

from __future__ import annotations

import logging
import sys


def main() -> None:
    """Run `airflow scheduler` in this process; task logs are read from disk, so no log server listens."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import boto3  # noqa: F401
    import great_expectations  # noqa: F401
    import pyspark.sql.connect.session  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from airflow.__main__ import main as airflow

    import citylake.quality.engine
    import citylake.run  # noqa: F401

    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]
    airflow()


if __name__ == "__main__":
    main()
