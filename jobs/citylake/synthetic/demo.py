"""The demo: services, a city's deliveries, every DAG through a real scheduler, release, pages, and what came
of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console

from citylake.appliance.services import up as services_up
from citylake.audit.conservation import batches
from citylake.core.settings import Settings
from citylake.ingest.inbox import waiting
from citylake.ingest.sources.folder import fetch_folder
from citylake.ingest.sources.opening import open_source
from citylake.ingest.sources.source import fetch
from citylake.ledger.batches import SETTLED
from citylake.orchestrate.pools import ingest_dags, mart_dags
from citylake.orchestrate.scheduler import DONE, Api, address, down, login_told, up, wait_for
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.plan import Plan, load_plan
from citylake.release.release import releases
from citylake.synthetic import generate
from citylake.synthetic.offices import offices

REGISTER = ("market_regulation/legal_entity", "2016-03-001")
DECISIONS = ("development_reform/admin_permit", "2016-W09-001")
SLOW, ASK_EVERY = timedelta(seconds=60), timedelta(seconds=10)


def run_demo(
    settings: Settings, show: Callable[[list[Any]], None], out: Console, *, keep: bool = False
) -> int:
    """Exit code 0 when every run succeeded; a second call finds nothing new and starts no scheduler."""
    start = time.monotonic()
    services_up(settings)
    out.print(f"services are up ({time.monotonic() - start:.0f} s)")
    city = settings.state / "city"
    if not (city / "truth" / "defects.jsonl").exists():
        made = _deliver(city)
        out.print(
            f"a city delivered: {made['deliveries']} deliveries, {made['rows']} records, {made['planted']}"
            " planted defects"
        )
    lake = open_lake(settings)
    for name, count in _fetch(lake, city).items():
        out.print(f"fetched {count:3} deliveries from {name}")
    if not _pending(lake):
        out.print(f"nothing new ({time.monotonic() - start:.1f} s)")
        return 0
    failed = schedule(lake, out, keep=keep)
    show(batches(lake.store, lake.contracts))
    _farewell(settings, out, time.monotonic() - start)
    for dag in failed:
        out.print(f"FAIL {dag}: see logs of the run below the state folder")
    return 1 if failed else 0


def _deliver(city: Path) -> dict[str, Any]:
    """A city of two months; the population lies at an SFTP office, the register of March and a week of
    permits with their offices.
    """
    made = generate(city)
    generate(city / "offices" / "later", months=3, defects="off", only=(REGISTER[0], DECISIONS[0]))
    (city / "offices" / "sftp").mkdir()
    (city / "inbox" / "civil_affairs").rename(city / "offices" / "sftp" / "civil_affairs")
    return made


def _fetch(lake: Lake, city: Path) -> dict[str, int]:
    """Step 1 from four kinds of source; number of new deliveries by source."""
    later = city / "offices" / "later" / "inbox"
    period = json.loads((later / DECISIONS[0] / DECISIONS[1] / "manifest.json").read_text("utf-8"))["period"]
    asked = {
        "population_sftp": "",
        "registry_database": (
            f"#dataset={REGISTER[0]}&period={REGISTER[1][:7]}&query=select * from legal_entity"
        ),
        "credit_pages": f"#dataset={DECISIONS[0]}&period={period}&coverage=changes",
    }
    done = {"folder": fetch_folder(lake.store, city / "inbox")}
    with offices(city / "offices", lake.contracts, REGISTER, DECISIONS) as connections:
        settings = lake.settings.model_copy(
            update={"connections": {k: SecretStr(v) for k, v in connections.items()}}
        )
        return done | {
            name: fetch(lake.store, open_source(settings, name + what)) for name, what in asked.items()
        }


def _pending(lake: Lake) -> bool:
    datasets = [c for c in lake.contracts.values() if c.kind != "mart"]
    if any(waiting(lake.store, c.id) for c in datasets) or not releases(lake.store):
        return True
    return any(b.state not in SETTLED for b in batches(lake.store, lake.contracts))


def schedule(lake: Lake, out: Console, *, keep: bool = False) -> list[str]:
    """Start the scheduler, run all ingest DAGs, let assets start the marts, then the upkeep; ids of failed
    DAGs. `keep`: the scheduler and its pages stay.
    """
    plan = load_plan(lake.settings.root)
    api = Api(lake.settings)
    try:
        up(lake.settings)
        wanted = {*ingest_dags(plan), *mart_dags(plan), "upkeep"}
        wait_for(lambda: wanted <= api.dags().keys(), lake.settings, "the DAGs to be parsed", 120)
        out.print(f"the scheduler knows {len(wanted)} DAGs")
        return _run(lake, api, plan, out)
    finally:
        if keep:
            out.print(f"Airflow {address(lake.settings)} stays; make down stops it", highlight=False)
            out.print(login_told(lake.settings), highlight=False)
        else:
            down(lake.settings)


def _run(lake: Lake, api: Api, plan: Plan, out: Console) -> list[str]:
    paused = api.dags()
    for dag in mart_dags(plan):
        api.unpause(dag)
    progress = _Progress(api, out)
    for dag in ingest_dags(plan):
        api.run_now(dag, paused=paused[dag])
    wanted = {*ingest_dags(plan), *mart_dags(plan)}
    wait_for(lambda: progress.finished(wanted), lake.settings, "ingest and marts", 1800)
    api.run_now("upkeep", paused=paused["upkeep"])
    wait_for(lambda: progress.finished({"upkeep"}), lake.settings, "release and pages", 300)
    return sorted(progress.failed)


def _run_key(run: dict[str, Any]) -> tuple[str, str]:
    return run["dag_id"], run["dag_run_id"]


class _Progress:
    """Tells each run's end once, with the share that is done and how long the rest takes at the pace so
    far. Runs that were there before it began are none of its own.
    """

    def __init__(self, api: Api, out: Console) -> None:
        self._api, self._out = api, out
        self._told: set[str] = set()
        self._slow: set[str] = set()
        self._asked = datetime.now(UTC)
        self._before = {_run_key(r) for r in api.runs()}
        self._start = time.monotonic()
        self.failed: set[str] = set()

    def finished(self, wanted: set[str]) -> bool:
        """Whether every wanted DAG has ended a run; a failed ingest ends the waiting for the marts that need
        it.
        """
        runs = [r for r in self._api.runs() if _run_key(r) not in self._before]
        ended = {r["dag_id"]: r["state"] for r in runs if r["state"] in DONE}
        for dag in sorted(ended.keys() - self._told):
            self._told.add(dag)
            self._out.print(
                f"{len(self._told & wanted):3}/{len(wanted)} {ended[dag]:8} {dag:50}"
                f" {self._left(len(wanted - self._told))}",
                highlight=False,
            )
        self.failed |= {d for d, state in ended.items() if state == "failed"}
        self._tell_slow()
        open_runs = [r for r in runs if r["state"] not in DONE]
        return wanted <= ended.keys() or (bool(self.failed) and not open_runs)

    def _tell_slow(self) -> None:
        """Each task that works longer than a minute is named once; the scheduler is asked every ten
        seconds.
        """
        now = datetime.now(UTC)
        if now - self._asked < ASK_EVERY:
            return
        self._asked = now
        for task in self._api.working():
            name = f"{task['dag_id']}.{task['task_id']}"
            began = task.get("start_date")
            if began and name not in self._slow and now - datetime.fromisoformat(began) > SLOW:
                self._slow.add(name)
                self._out.print(f"        works since {SLOW.seconds} s: {name}", highlight=False)

    def _left(self, runs: int) -> str:
        return f"about {runs * (time.monotonic() - self._start) / len(self._told):.0f} s left" if runs else ""


def _farewell(settings: Settings, out: Console, seconds: float) -> None:
    lines = (
        f"S3      {settings.endpoint}   bucket {settings.lake}",
        f"Spark   {settings.spark_address}",
        f"pages   {settings.state / 'pages' / 'index.html'}",
        f"done in {seconds:.0f} s",
        (
            'next    .venv/bin/citylake sql "select * from credit.entity_file limit 5"      then `make'
            " score`, `make down`"
        ),
    )
    for line in lines:
        out.print(line, highlight=False)
