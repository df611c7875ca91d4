"""One Airflow DAG per dataset, of one task: receive, decode, refine. Generated from the plan; no logic, no
heavy import.
"""

from citylake.orchestrate.factory import dags_of

globals().update(dags_of("ingest"))
