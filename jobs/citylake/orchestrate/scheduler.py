"""A local Airflow: its own home below the state folder, bound to loopback, a few workers, driven over its
REST API.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from citylake.appliance.processes import Service, running, start, stop, wait_until
from citylake.core.errors import EnvironmentFailed
from citylake.core.secrets import create_once, local_secret
from citylake.core.settings import Settings
from citylake.orchestrate.pools import ingest_dags, mart_dags, pools
from citylake.pipeline.plan import load_plan

PARTS = ("airflow-api", "airflow-scheduler", "airflow-dags")
USERS = {"admin": "admin", "steward": "user", "viewer": "viewer"}
"""Users of the scheduler's pages and their roles: a steward answers required actions and starts runs."""

DONE = ("success", "failed")
PAGE = 100


def environment(settings: Settings) -> dict[str, str]:
    """Airflow's settings; the database is disposable, the lake knows what is done."""
    home = settings.state / "airflow"
    base = address(settings)
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.root / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # One more than the cores of the embedded Spark: while a task waits for the store or the scheduler's
        # next round, another computes.
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{u}:{r}" for u, r in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords_file(settings)),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.port_airflow),
        "AIRFLOW__API__BASE_URL": base,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": local_secret(settings.state, "airflow-jwt"),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # The DAGs change with the plan only; every 30 s, the default, took 65 s of CPU in a demo of 800 s.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "OPENLINEAGE_DISABLED": "true",
        "CITYLAKE_ROOT": str(settings.root),
        "CITYLAKE_STATE": str(settings.state),
    }


def password(settings: Settings, user: str) -> str:
    """The random password of one of `USERS`."""
    return local_secret(settings.state, f"airflow-{user}")


def login_told(settings: Settings) -> str:
    """Who may log in, and where this lake's passwords are."""
    return f"log in as {', '.join(USERS)}; passwords: {settings.state / 'secrets'}/airflow-<user>"


def passwords_file(settings: Settings) -> Path:
    """The file (mode 0600) from which the API server learns the passwords."""
    path = settings.state / "secrets" / "airflow-passwords.json"
    create_once(path, json.dumps({u: password(settings, u) for u in USERS}).encode())
    return path


def up(settings: Settings) -> None:
    """Make the database and the pools at first use, then start the three processes and wait for the DAGs."""
    env = environment(settings)
    program = str(Path(sys.executable).parent / "airflow")
    if not (settings.state / "airflow" / "pools.json").exists():
        _once(settings, program, env)
    warm = [sys.executable, "-m", "citylake.orchestrate.warm_scheduler"]
    commands = {
        "airflow-api": [program, "api-server"],
        "airflow-scheduler": warm,
        "airflow-dags": [program, "dag-processor"],
    }
    for name, command in commands.items():
        ports = {"port_airflow": settings.port_airflow} if name == "airflow-api" else {}
        start(Service(name, command, env, ports), settings.state)
    wait_until(lambda: Api(settings).healthy(), "airflow-api", settings.state, 120)


def _once(settings: Settings, program: str, env: dict[str, str]) -> None:
    made = settings.state / "airflow" / "pools.json.part"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(json.dumps(pools(load_plan(settings.root))), "utf-8")
    for arguments in (["db", "migrate"], ["pools", "import", str(made)]):
        done = subprocess.run(
            [program, *arguments], env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EnvironmentFailed("airflow.set_up", f"airflow {arguments[0]} failed: {done.stderr[-400:]}")
    made.rename(settings.state / "airflow" / "pools.json")


def set_going(settings: Settings) -> int:
    """Let every DAG run by its schedule or its assets, as soon as all are parsed; how many there are."""
    api, plan = Api(settings), load_plan(settings.root)
    wanted = {*ingest_dags(plan), *mart_dags(plan), "upkeep", "waivers"}
    wait_for(lambda: wanted <= api.dags().keys(), settings, "the DAGs to be parsed", 120)
    for dag in sorted(d for d, paused in api.dags().items() if paused):
        api.unpause(dag)
    return len(wanted)


def address(settings: Settings) -> str:
    """Where the scheduler's pages are."""
    return f"http://127.0.0.1:{settings.port_airflow}"


def down(settings: Settings) -> None:
    """Stop the scheduler's processes."""
    for name in PARTS:
        stop(name, settings.state)


class Api:
    """The few calls of Airflow's REST API that are needed."""

    def __init__(self, settings: Settings) -> None:
        """Talks to the local API server."""
        self._base = address(settings)
        self._login = {"username": "admin", "password": password(settings, "admin")}
        self._token: str | None = None

    def healthy(self) -> bool:
        """Whether the API server answers."""
        try:
            return self.call("GET", "/api/v2/monitor/health")["metadatabase"]["status"] == "healthy"
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def dags(self) -> dict[str, bool]:
        """Every parsed DAG, and whether it is paused."""
        return {d["dag_id"]: d["is_paused"] for d in self._all("/api/v2/dags", "dags")}

    def unpause(self, dag: str) -> None:
        """Let a DAG run by its schedule; a timetable whose last moment has passed starts one run at once."""
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def run_now(self, dag: str, *, paused: bool) -> None:
        """Let a DAG do its work now, once: by its schedule when it was paused until now, else by a manual
        run.
        """
        if paused:
            self.unpause(dag)
        else:
            self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None})

    def runs(self) -> list[dict[str, Any]]:
        """All runs of all DAGs that the scheduler remembers, also those of earlier days."""
        return self._all("/api/v2/dags/~/dagRuns", "dag_runs")

    def working(self) -> list[dict[str, Any]]:
        """The tasks that run now."""
        return self._all("/api/v2/dags/~/dagRuns/~/taskInstances", "task_instances", "state=running")

    def _all(self, path: str, key: str, query: str = "") -> list[dict[str, Any]]:
        """Every entry of a listing, page by page: the server cuts a page at its own limit."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", f"{path}?limit={PAGE}&offset={len(found)}&{query}")
            found += page[key]
            if len(found) >= page["total_entries"] or not page[key]:
                return found

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call; the token is asked for at the first."""
        if self._token is None and "monitor" not in path:
            self._token = self._send("POST", "/auth/token", self._login)["access_token"]
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self._token}"} if self._token else {}
        )
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)


def wait_for(condition: Callable[[], bool], settings: Settings, what: str, seconds: float) -> None:
    """Poll until a condition holds; an error when the scheduler ends or the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or not all(running(p, settings.state) for p in PARTS):
            raise EnvironmentFailed(
                "airflow.stuck",
                f"waited {seconds:.0f} s for {what}",
                now="read logs/airflow-*.log in the state folder",
            )
        time.sleep(2)  # each question costs the API server some 50 ms of CPU
