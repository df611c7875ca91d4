"""Airflow's scheduler with the verbs' libraries imported, and what they read of files read, first: its local
workers are forks of it.

Great Expectations alone takes 4 s of CPU to import, and a day has some hundred tasks. Only libraries that
survive a fork
are named here; delta-rs does not.
"""

from __future__ import annotations

import logging
import sys


def main() -> None:
    """Run `airflow scheduler` in this process; task logs are read from disk, so no log server listens."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import boto3
    import great_expectations  # noqa: F401
    import pyspark.sql.connect.session  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from airflow.__main__ import main as airflow

    from citylake.contract.load import load_contracts
    from citylake.core.settings import ROOT

    boto3.client(
        "s3", region_name="local"
    )  # the default session keeps the description of S3; nothing is connected
    load_contracts(ROOT)
    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]
    airflow()


if __name__ == "__main__":
    main()
