"""One Airflow DAG per mart table, started by the assets that it reads."""

from citylake.orchestrate.factory import dags_of

globals().update(dags_of("marts"))
