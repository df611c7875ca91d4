"""DAGs from the plan. Every task calls one verb in this process and holds nothing: progress is in the
lake.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, chain, get_parsing_context, task

from citylake.contract.inputs import COVERAGE, MARTS, is_dataset
from citylake.core.settings import ROOT
from citylake.orchestrate.pools import dag_name, ingest_dags, mart_dags
from citylake.pipeline.plan import DatasetPlan, MartPlan, Plan, load_plan

START = datetime(2016, 1, 1, tzinfo=UTC)
# Only what can heal is tried again: the verb raises AirflowFailException for everything else.
ANSWER_WITHIN = timedelta(days=14)
_ASKED = {
    "case": "问题单 case",
    "by": "申请人 asked by",
    "reason": "理由 reason",
    "until": "豁免至 waived until (YYYY-MM-DD)",
}
_DECIDED = {
    "by": "数据管理员 steward's name",
    "reason": "理由 reason",
    "until": "豁免至 waived until (YYYY-MM-DD)",
}
TASK = {"retries": 2, "retry_delay": timedelta(seconds=20), "execution_timeout": timedelta(hours=2)}


def dags_of(kind: str, plan: Plan | None = None) -> dict[str, DAG]:
    """The DAGs of one file by id; when Airflow asks for one DAG only that one is made."""
    found = plan or load_plan(ROOT)
    makers = {
        "ingest": lambda: {name: (_ingest, d) for name, d in ingest_dags(found).items()},
        "marts": lambda: {name: (_mart, (m, found)) for name, m in mart_dags(found).items()},
        "upkeep": lambda: {"upkeep": (_upkeep, found)},
        "steward": lambda: {"waivers": (_waivers, found)},
    }
    asked = get_parsing_context().dag_id
    return {
        name: make(name, subject) for name, (make, subject) in makers[kind]().items() if asked in (None, name)
    }


def silver_asset(dataset: str) -> Asset:
    """What an ingest DAG writes and a mart DAG waits for."""
    return Asset(name=f"silver {dataset}", uri=f"citylake://silver/{dataset}")


def mart_asset(mart: str) -> Asset:
    """What a mart DAG writes."""
    return Asset(name=f"mart {mart}", uri=f"citylake://marts/{mart}")


def _dag(name: str, subject: DatasetPlan, schedule: Any, tags: list[str], **more: Any) -> DAG:
    doc = (
        f"### {subject.title}\n\n{subject.purpose}\n\nOwner: {subject.owner} ({subject.contact}). Contract:"
        f" `{subject.id}`. Comes every {subject.frequency}."
    )
    return DAG(
        dag_id=name,
        dag_display_name=f"{subject.title} {subject.id}",
        doc_md=doc,
        tags=tags,
        schedule=schedule,
        start_date=START,
        catchup=False,
        default_args={**TASK, "owner": subject.contact},
        owner_links={subject.contact: f"mailto:{subject.contact}@city.invalid"},
        **{"max_active_runs": 1, "dagrun_timeout": timedelta(hours=6), **more},
    )


@task
def verb(name: str, subject: str | None = None, facts: dict[str, str] | None = None) -> dict[str, Any]:
    """Call one verb; an error that cannot heal fails at once."""
    from airflow.sdk.exceptions import AirflowFailException

    from citylake.core.errors import LakeError
    from citylake.orchestrate.tasks import run_verb

    try:
        return run_verb(name, subject, **facts or {})
    except LakeError as error:
        if error.retry:
            raise
        raise AirflowFailException(str(error)) from error


def _ingest(name: str, dataset: DatasetPlan) -> DAG:
    """One task for all hops: they share a process and a session, and each tells of its own in the result."""
    with _dag(name, dataset, _cron(dataset.frequency), ["ingest", dataset.department]) as dag:
        verb.override(
            task_id="ingest",
            pool=f"silver_{dag_name(dataset.id)}",
            outlets=[silver_asset(dataset.id)],
            execution_timeout=timedelta(hours=5),
        )("ingest", dataset.id)
    return dag


def _cron(frequency: str) -> str:
    """Daily for what comes monthly (an office may be late), hourly for what comes more often."""
    return "30 2 * * *" if frequency.endswith(("m", "y")) else "30 * * * *"


def _mart(name: str, subject: tuple[MartPlan, Plan]) -> DAG:
    """Builds when all that it reads was looked at again; what tells of all deliveries reads all datasets."""
    mart, plan = subject
    every = (d.id for d in plan.datasets) if COVERAGE in mart.inputs else ()
    read = [i for i in mart.inputs if i.startswith(MARTS) or is_dataset(i)]
    schedule = [_asset(i) for i in (*read, *every)]
    with _dag(name, mart, schedule, ["mart", mart.department]) as dag:
        verb.override(task_id="build", pool=f"mart_{dag_name(mart.id)}", outlets=[mart_asset(mart.id)])(
            "build", mart.id
        )
    return dag


def _asset(name: str) -> Asset:
    return mart_asset(name.removeprefix(MARTS)) if name.startswith(MARTS) else silver_asset(name)


def _upkeep(name: str, plan: Plan) -> DAG:
    whole = DatasetPlan(
        "upkeep", "发布与检查", "lake operators", "lake-operators", "release, pages, checks", "1 d"
    )
    with _dag(name, whole, "0 5 * * *", ["upkeep"]) as dag:
        release = verb.override(task_id="release", pool="releases")("release")
        report = verb.override(task_id="report")("report")
        upkeep = verb.override(task_id="upkeep", pool="releases")("upkeep")
        chain(release, report, upkeep)
    return dag


def _waivers(name: str, plan: Plan) -> DAG:
    """ask -> a steward decides on the scheduler's page of required actions -> the decision goes to the
    evidence of the case.

    Both answers are told, so this is no ApprovalOperator, which would skip what follows a refusal.
    """
    from airflow.providers.standard.operators.hitl import HITLOperator

    whole = DatasetPlan(
        "waivers",
        "问题单豁免",
        "data stewards",
        "data-stewards",
        "a person asks to waive a case, a steward decides",
        "as asked",
    )
    asked = {n: Param(type="string", minLength=2, title=title) for n, title in _ASKED.items()}
    told, answer = "ti.xcom_pull(task_ids='ask')", "ti.xcom_pull(task_ids='decide')"
    decision = {n: f"{{{{ {answer}['params_input']['{n}'] }}}}" for n in _DECIDED}
    decision |= {
        "login": f"{{{{ {answer}['responded_by_user']['id'] }}}}",
        "answer": f"{{{{ {answer}['chosen_options'][0] }}}}",
    }
    with _dag(
        name,
        whole,
        None,
        ["steward"],
        params=asked,
        max_active_runs=16,
        dagrun_timeout=ANSWER_WITHIN + timedelta(hours=6),
    ) as dag:
        ask = verb.override(task_id="ask")(
            "ask_waiver", "{{ params.case }}", {n: f"{{{{ params.{n} }}}}" for n in ("by", "reason", "until")}
        )
        decide = HITLOperator(
            task_id="decide",
            subject=f"{{{{ {told}['subject'] }}}}",
            body=f"{{{{ {told}['body'] }}}}",
            options=["Approve", "Reject"],
            params={n: Param(type="string", minLength=2, title=title) for n, title in _DECIDED.items()},
            response_timeout=ANSWER_WITHIN,
            execution_timeout=None,
            retries=0,  # an answer that never came is not asked for again
        )
        record = verb.override(task_id="record")("answer_waiver", "{{ params.case }}", decision)
        chain(ask, decide, record)
    return dag
