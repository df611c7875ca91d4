"""The Airflow DAG in which a data steward decides: waivers of cases."""

from citylake.orchestrate.factory import dags_of

globals().update(dags_of("steward"))
