"""Local processes: one supervisor for each, which starts it, writes its log, and starts it again when it
crashes.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from citylake.core.errors import EnvironmentFailed

CRASHES, WITHIN = 5, 300.0  # a process that crashes this often in so many seconds stays down


@dataclass(frozen=True)
class Service:
    """A process to run: its command, what it adds to the environment, and the ports it listens on."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)  # setting -> port
    restart: bool = True
    account: str | None = None  # another account of this machine that runs it, which only root can choose


def start(service: Service, state: Path) -> bool:
    """Start a service under its supervisor; False when it already runs. A taken port is an error that names
    its setting.
    """
    if running(service.name, state):
        return False
    for setting, port in service.ports.items():
        if not port_free(port):
            name = f"CITYLAKE_{setting.upper()}"
            raise EnvironmentFailed(
                "port.taken",
                f"port {port} is taken by another process",
                where=service.name,
                now=f"set {name} to a free port",
            )
    (state / "run").mkdir(parents=True, exist_ok=True)
    (state / "logs").mkdir(parents=True, exist_ok=True)
    spec = state / "run" / f"{service.name}.json"
    spec.touch(mode=0o600)
    spec.write_text(json.dumps(asdict(service)), "utf-8")
    command = [sys.executable, "-m", "citylake.appliance.processes", str(state), service.name]
    with (state / "logs" / f"{service.name}.supervisor.log").open("ab") as log:
        child = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    _write_pid(state, service.name, child.pid)
    return True


def port_free(port: int) -> bool:
    """Whether a loopback port can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listening(port: int) -> bool:
    """Whether something answers on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(ready: Callable[[], bool], service: str, state: Path, seconds: float) -> None:
    """Probe until ready; an error with the log when the supervisor ends or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        if not running(service, state):
            break
        time.sleep(0.1)
    log = state / "logs" / f"{service}.log"
    raise EnvironmentFailed(
        "service.not_ready",
        f"{service} did not become ready in {seconds:.0f} s",
        where=log.name,
        now=f"read logs/{log.name} in the state folder",
    )


def _born(pid: int) -> str | None:
    """The start time of a process in clock ticks: a recycled number has another."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _write_pid(state: Path, name: str, pid: int) -> None:
    (state / "run" / f"{name}.pid").write_text(json.dumps({"pid": pid, "born": _born(pid)}), "utf-8")


def running(name: str, state: Path) -> int | None:
    """The process id of a service's supervisor while it runs."""
    try:
        held = json.loads((state / "run" / f"{name}.pid").read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return int(held["pid"]) if held["born"] is not None and _born(int(held["pid"])) == held["born"] else None


def stop(name: str, state: Path, seconds: float = 30) -> bool:
    """Stop a service and wait for its end; False when it did not run."""
    pid = running(name, state)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + seconds
    while running(name, state) is not None and time.monotonic() < end:
        time.sleep(0.05)
    if running(name, state) is not None:
        os.killpg(pid, signal.SIGKILL)
    (state / "run" / f"{name}.pid").unlink(missing_ok=True)
    return True


def supervise(state: Path, name: str) -> int:
    """Run a service until told to stop; start it again when it ends by itself."""
    os.umask(0o077)  # data, logs and databases of a service are for its owner
    spec = Service(**json.loads((state / "run" / f"{name}.json").read_text("utf-8")))
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def end(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        if child is not None:
            _signal_group(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    crashes: list[float] = []
    while not stopping:
        with (state / "logs" / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                spec.command,
                env={**os.environ, **spec.env},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/" if spec.account else state,
                process_group=0,
                user=spec.account,
                group=pwd.getpwnam(spec.account).pw_gid if spec.account else None,
                extra_groups=[] if spec.account else None,
            )
        _wait(child, lambda: stopping)
        _signal_group(child, signal.SIGKILL)  # what the process started must not outlive it
        if not spec.restart:
            break
        crashes = [t for t in crashes if time.monotonic() - t < WITHIN] + [time.monotonic()]
        if len(crashes) > CRASHES:
            return 1
    return 0


def _wait(child: subprocess.Popen[bytes], stopping: Callable[[], bool]) -> None:
    """Wait for a child; one that was told to stop gets ten seconds before it is killed."""
    deadline: float | None = None
    while child.poll() is None:
        if stopping() and deadline is None:
            deadline = time.monotonic() + 10
        if deadline is not None and time.monotonic() > deadline:
            _signal_group(child, signal.SIGKILL)
        try:
            child.wait(0.2)
        except subprocess.TimeoutExpired:
            continue


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1]), sys.argv[2]))
