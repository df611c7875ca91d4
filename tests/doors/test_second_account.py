"""Loopback is no lock: another account of the machine, and whoever has no secret, gets nothing from any port
or file of a lake. A reader's statement ends in time, and a server that ends comes back.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.appliance import readers as readers_room
from citylake.appliance.jars import spark_home
from citylake.appliance.processes import listening, running, start, stop, wait_until
from citylake.core.errors import EnvironmentFailed
from citylake.core.settings import Settings
from citylake.release.query import ask
from citylake.release.release import Release
from citylake.release.shown import show
from citylake.storage.spark import reader_session
from citylake.storage.store import Store

from tests.conftest import free_ports
from tests.doors.directory import directory
from tests.doors.jdbc import over_jdbc

PATHS = ("/", "/buckets/", "/dir/status", "/col/delete?collection=none", "/status", "/api/v1/applications")
TOLD = {("port_s3_master", "/"), ("port_s3_volume", "/status"), ("port_s3", "/status")}
"""Pages of the store about itself: that it lives, how many volumes there are, and how full the disk is."""

ASKED: list[bytes] = []


@pytest.fixture(scope="module")
def apart(lake_settings: Settings, readers: Any) -> Iterator[Settings]:
    """A readers' server that runs as the account `nobody`, three seconds a statement."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a process another account")
    if not readers_room.may_read("nobody", spark_home() / "bin" / "spark-submit"):
        pytest.skip("the project lies where the account nobody reads nothing")
    folder = Path(tempfile.mkdtemp(prefix="citylake-apart-"))
    folder.chmod(0o755)
    port, port_jdbc = free_ports(2)
    name, secret = lake_settings.reader
    listener = socket.create_server(("127.0.0.1", 0))
    directory(listener, ASKED)
    own = {
        "state": folder / "state",
        "s3_endpoint": lake_settings.endpoint,
        "s3_reader_access_key": name,
        "s3_reader_secret_key": secret,
        "readers_account": "nobody",
        "readers_home": folder / "readers",
        "readers_seconds": 3,
        "readers_ldap_url": f"ldap://127.0.0.1:{listener.getsockname()[1]}",
        "readers_ldap_dn": "uid=%s,ou=people,dc=city",
        "port_readers": port,
        "port_jdbc": port_jdbc,
    }
    settings = lake_settings.model_copy(update=own)
    (folder / "state").mkdir(mode=0o700)
    start(readers_room.service(settings), settings.state)
    wait_until(lambda: listening(port_jdbc), "readers", settings.state, 120)
    yield settings
    stop("readers", settings.state)
    listener.close()
    shutil.rmtree(folder)


def _java(settings: Settings) -> int:
    (child,) = Path(f"/proc/{running('readers', settings.state)}/task").glob("*/children")
    return int(child.read_text().split()[0])


def test_the_readers_process_is_another_account(apart: Settings) -> None:
    owner = Path(f"/proc/{_java(apart)}").stat().st_uid
    assert owner == 65534 != os.geteuid()
    assert not readers_room.may_read("nobody", apart.state)
    with reader_session(apart) as session:
        assert ask(session, "select 1", 1).rows == [(1,)]
    own = apart.model_copy(update={"readers_account": "root"})
    with pytest.raises(EnvironmentFailed, match="can read the lake's secrets"):
        readers_room.service(own)


@pytest.mark.parametrize(
    ("user", "secret", "came"),
    [
        ("zhao", "right", "OK\n1"),
        ("zhao", "wrong", "ERROR"),
        ("qian", "right", "ERROR"),
        ("zhao,ou=people,dc=city", "right", "ERROR"),
    ],
)
def test_a_directory_knows_further_users(apart: Settings, user: str, secret: str, came: str) -> None:
    (told,) = over_jdbc(apart, user, secret, ["select 1"])
    assert told.startswith(came)
    assert ASKED[-1].endswith(b",ou=people,dc=city")
    assert ASKED[-1].count(b",ou=") - ASKED[-1].count(rb"\,ou=") == 1, "a name is one part of the whole name"


def test_a_statement_ends_after_its_time(apart: Settings) -> None:
    begun = time.monotonic()
    with reader_session(apart) as session, pytest.raises(Exception, match=r"DOOR\.LIMIT"):
        session.sql(
            "select count(*) from range(3000000) a join range(3000000) b on a.id + b.id < 7"
        ).collect()
    assert time.monotonic() - begun < 60


def test_a_server_that_ends_comes_back_and_shows_the_release(apart: Settings, store: Store) -> None:
    release = Release(1, {})
    assert show(apart, store, release).sql("select mark from citylake.shown").count() == 1
    assert show(apart, store, release, "_r1").sql("select mark from citylake.shown_r1").collect() == [("1",)]
    before = _java(apart)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{before}").exists(), "readers", apart.state, 60)
    wait_until(lambda: listening(apart.port_jdbc), "readers", apart.state, 120)
    assert show(apart, store, release).sql("select mark from citylake.shown").count() == 1


def _ports(settings: Settings) -> dict[int, str]:
    """Each port on which a process of the lake listens, and the setting that named it."""
    sockets = {f"socket:[{line[9]}]": int(line[1].split(":")[1], 16) for line in _listeners()}
    found: set[int] = set()
    for name in ("s3", "spark", "readers"):
        for pid in _family(running(name, settings.state) or 0):
            held = (os.readlink(f) for f in Path(f"/proc/{pid}/fd").iterdir() if f.is_symlink())
            found |= {sockets[link] for link in held if link in sockets}
    named = {getattr(settings, f): f for f in Settings.model_fields if f.startswith("port_")}
    named |= {port + 10_000: f"{f} + 10000" for port, f in named.items()}
    return {port: named.get(port, "of Spark itself") for port in found}


def _listeners() -> list[list[str]]:
    tables = [Path(f"/proc/net/{n}").read_text("utf-8").splitlines() for n in ("tcp", "tcp6")]
    return [fields for table in tables for line in table if (fields := line.split())[3] == "0A"]


def _family(pid: int) -> list[int]:
    children = [c for f in Path(f"/proc/{pid}/task").glob("*/children") for c in f.read_text().split()]
    return [pid, *(p for c in children for p in _family(int(c)))]


def _pages(port: int) -> Iterator[tuple[str, int]]:
    for path in PATHS:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            client.request("GET", path)
            yield path, client.getresponse().status
        except (OSError, http.client.HTTPException):
            yield path, 0
        finally:
            client.close()


def test_no_port_answers_who_shows_no_secret(lake_settings: Settings, readers: Any) -> None:
    """Every port on which a process of the lake listens, found by the kernel, not by a list."""
    ports = _ports(lake_settings)
    assert {"port_s3", "port_spark", "port_readers", "port_jdbc", "of Spark itself"} <= set(ports.values())
    pages = {(name, path): status for port, name in ports.items() for path, status in _pages(port)}
    assert {page for page, status in pages.items() if 200 <= status < 400} <= TOLD
    spec = json.loads((lake_settings.state / "run" / "s3.json").read_text("utf-8"))
    bare = {k: v for k, v in os.environ.items() if not k.startswith("WEED_")}
    assert lake_settings.lake not in _folders(spec["command"][0], lake_settings, bare)
    known = _folders(spec["command"][0], lake_settings, {**bare, **spec["env"]})
    assert lake_settings.lake in known, "the same question with the store's certificate"


def _folders(weed: str, settings: Settings, env: dict[str, str]) -> str:
    """What the store's own shell tells of its folders."""
    shell = ["timeout", "20", weed, "shell", f"-master=127.0.0.1:{settings.port_s3_master}"]
    asked = subprocess.run(
        shell, env=env, input="fs.ls /buckets\n", capture_output=True, text=True, check=False
    )
    return asked.stdout


def test_another_account_enters_no_folder(apart: Settings) -> None:
    (apart.state / "store").mkdir(exist_ok=True)
    (apart.state / "store" / "rows").write_text("canary-4711", "utf-8")
    found = subprocess.run(
        ["find", str(apart.state), "-type", "f"],
        user="nobody",
        group=65534,
        extra_groups=[],
        capture_output=True,
    )
    assert found.stdout == b""
    assert apart.state.stat().st_mode & 0o077 == 0
