"""The local services and the store that they stand on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from citylake.appliance.doctor import CHECKS, checks, conditional_winners
from citylake.appliance.processes import Service, listening, port_free, running, start, stop, wait_until
from citylake.appliance.services import up
from citylake.core.errors import EnvironmentFailed
from citylake.core.settings import Settings
from citylake.storage.store import Store


def test_a_second_up_changes_nothing(lake_settings: Settings) -> None:
    before = {n: running(n, lake_settings.state) for n in ("s3", "spark")}
    up(lake_settings)
    assert {n: running(n, lake_settings.state) for n in ("s3", "spark")} == before


def test_doctor_finds_nothing_wrong(lake_settings: Settings, spark: object) -> None:
    assert [f for f in checks(lake_settings) if not f.ok] == []


@pytest.mark.parametrize(
    ("check", "mode", "account", "ok"),
    [
        ("state folder", 0o700, None, True),
        ("state folder", 0o755, None, False),
        ("state folder", 0o710, None, False),
        ("readers' account", 0o700, None, True),
        ("readers' account", 0o700, "nobody", True),
        ("readers' account", 0o755, "nobody", False),
        ("readers' account", 0o700, "root", False),
        ("readers' account", 0o700, "no-such-account", False),
    ],
)
def test_doctor_tells_who_may_enter_the_state_folder(
    lake_settings: Settings, check: str, mode: int, account: str | None, ok: bool
) -> None:
    if account is not None and os.geteuid() != 0:
        pytest.skip("only root can ask as another account")
    with tempfile.TemporaryDirectory() as folder:  # tests' own folder lets no other account in
        Path(folder).chmod(mode)
        settings = lake_settings.model_copy(update={"state": Path(folder), "readers_account": account})
        found = CHECKS[check](settings)
    assert (found.name, found.ok, bool(found.mend)) == (check, ok, True)


def test_buckets_are_not_counted_by_the_free_disk(lake_settings: Settings, store: Store) -> None:
    """The store's own count: room for a thousand buckets, and few volumes taken by those that are here."""
    assert store.create("doctor/volumes", b"a")
    spec = json.loads((lake_settings.state / "run" / "s3.json").read_text("utf-8"))
    command = [spec["command"][0], "shell", f"-master=127.0.0.1:{lake_settings.port_s3_master}"]
    told = subprocess.run(
        command, env={**os.environ, **spec["env"]}, input="volume.list\n", capture_output=True, text=True
    ).stdout
    counts = re.search(r"hdd\(volume:(\d+)/(\d+)", told)
    assert counts is not None, told[:300]
    assert int(counts[2]) - int(counts[1]) > 2000
    assert len(re.findall(rf"volume Id:\d+, .*Collection:{lake_settings.lake},", told)) == 2


def test_one_of_many_writers_creates(store: Store) -> None:
    assert conditional_winners(store) == 1


def test_create_gives_the_first_writer_the_key(store: Store) -> None:
    assert store.create("doctor/first", b"a")
    assert not store.create("doctor/first", b"b")
    assert store.get("doctor/first") == b"a"
    assert store.get_range("doctor/first", 0, 1) == b"a"
    assert list(store.list("doctor/first")) == ["doctor/first"]
    assert store.size("doctor/none") is None


def _listener(port: int) -> Service:
    code = (
        f"import socket,time; s=socket.socket(); s.setsockopt(1,2,1); s.bind(('127.0.0.1',{port}));"
        " s.listen(); time.sleep(600)"
    )
    return Service("listener", ["python3", "-c", code], ports={"port_listener": port})


def test_a_crashed_process_is_started_again_and_stop_frees_the_port(tmp_path: Path) -> None:
    port = 39871
    start(_listener(port), tmp_path)
    wait_until(lambda: listening(port), "listener", tmp_path, 20)
    child = int(
        Path(f"/proc/{running('listener', tmp_path)}/task/{running('listener', tmp_path)}/children")
        .read_text()
        .split()[0]
    )
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    wait_until(lambda: listening(port) and not Path(f"/proc/{child}").exists(), "listener", tmp_path, 20)
    assert stop("listener", tmp_path)
    assert port_free(port)
    assert not stop("listener", tmp_path)


def test_a_taken_port_names_port_and_setting(tmp_path: Path, lake_settings: Settings) -> None:
    with pytest.raises(EnvironmentFailed) as told:
        start(Service("other", ["true"], ports={"port_s3": lake_settings.port_s3}), tmp_path)
    assert str(lake_settings.port_s3) in str(told.value)
    assert "CITYLAKE_PORT_S3" in str(told.value)
