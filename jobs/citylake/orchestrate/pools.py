"""One writer slot for every table."""

from __future__ import annotations

from typing import Any

from citylake.pipeline.plan import DatasetPlan, MartPlan, Plan


def dag_name(identity: str) -> str:
    """A dataset's or mart's id as part of a DAG id or pool name."""
    return identity.replace("/", "__")


def ingest_dags(plan: Plan) -> dict[str, DatasetPlan]:
    """The ingest DAGs by id."""
    return {f"ingest_{dag_name(d.id)}": d for d in plan.datasets}


def mart_dags(plan: Plan) -> dict[str, MartPlan]:
    """The mart DAGs by id."""
    return {f"mart_{dag_name(m.id)}": m for m in plan.marts}


def pools(plan: Plan) -> dict[str, dict[str, Any]]:
    """All pools in the form that `airflow pools import` reads."""
    names = [
        *(f"silver_{dag_name(d.id)}" for d in plan.datasets),
        *(f"mart_{dag_name(m.id)}" for m in plan.marts),
        "releases",
    ]
    return {n: {"slots": 1, "description": f"single writer of {n}", "include_deferred": True} for n in names}
