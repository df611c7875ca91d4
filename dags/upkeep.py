"""One Airflow DAG for what concerns the whole lake: release, pages, checks."""

from citylake.orchestrate.factory import dags_of

globals().update(dags_of("upkeep"))
