"""Nobody delivers for another department: sources are bound, signatures are by the department's own key."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from citylake.casework.amend import amend
from citylake.casework.withdraw import retry
from citylake.contract.load import lint, load_contracts
from citylake.contract.model import Contract
from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.ingest.manifest import read_manifest
from citylake.ingest.manifest_writer import Order
from citylake.ingest.prepare import prepare
from citylake.ingest.receive import receive
from citylake.ingest.signature import NAMESPACE, SIGNATURE, SIGNERS
from citylake.ingest.sources.folder import fetch_folder
from citylake.ingest.sources.opening import open_source
from citylake.ingest.sources.source import fetch
from citylake.ledger.evidence import append, events
from citylake.ledger.receipts import Receipt, dataset_receipts
from citylake.messages.advice import advice
from citylake.pipeline.lake import Lake
from citylake.pipeline.steps import receive_dataset
from citylake.storage.store import Store, open_store
from pydantic import SecretStr

from tests.flow.deliveries import REGISTER, components

GRID, WEATHER = "construction/grid", "weather/station_hourly"
SENT = datetime(2016, 4, 1, tzinfo=BEIJING)
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH's client is not installed")


@pytest.fixture
def store(lake_settings: Settings) -> Store:
    """A bucket of its own, empty."""
    found = open_store(lake_settings.model_copy(update={"lake": "whodelivers"}))
    for key in list(found.list("")):
        found.delete(key)
    return found


@pytest.fixture
def lake(lake_settings: Settings, store: Store, tmp_path: Path, root: Path) -> Lake:
    """The lake of that bucket, whose notes lie in a folder of this test."""
    own = {"lake": "whodelivers", "state": tmp_path / "state"}
    return Lake(lake_settings.model_copy(update=own), store, load_contracts(root))


# ---- sources ----


def _drop(root: Path, dataset: str, delivery: str = "2016-03-001") -> None:
    folder = root / dataset / delivery
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"x")
    (folder / "manifest.json").write_text(json.dumps({"dataset": dataset, "delivery": delivery}), "utf-8")


def _brought(store: Store) -> set[str]:
    return {"/".join(k.split("/")[1:3]) for k in store.list("inbox/")}


def test_a_folder_brings_what_it_is_bound_to_and_tells_the_rest_once(lake: Lake, tmp_path: Path) -> None:
    for dataset in (REGISTER, WEATHER, "civil_affairs/resident", "constructionx/component"):
        _drop(tmp_path / "box", dataset)
    settings = lake.settings.model_copy(update={"sources": {REGISTER: f"{tmp_path / 'box'}"}})
    done = [receive_dataset(replace(lake, settings=settings), REGISTER) for _ in range(2)]
    assert _brought(lake.store) == {REGISTER}
    assert [len(d["not_brought"]) for d in done] == [3, 3]
    told = [e.facts for e in events(lake.store, "sources")]
    assert {t["dataset"] for t in told} == {WEATHER, "civil_affairs/resident", "constructionx/component"}
    assert len(told) == 3 and all(len(t["manifest"]) == 64 for t in told)


@pytest.mark.parametrize(
    ("departments", "brought"),
    [
        ("weather", {WEATHER}),
        ("weather,construction", {WEATHER, REGISTER}),
        ("*", {WEATHER, REGISTER, "civil_affairs/resident"}),
        ("weath", set()),
    ],
)
def test_a_place_says_whose_deliveries_it_holds(
    lake: Lake, tmp_path: Path, departments: str, brought: set[str]
) -> None:
    for dataset in (REGISTER, WEATHER, "civil_affairs/resident"):
        _drop(tmp_path / "box", dataset)
    source = open_source(lake.settings, f"{tmp_path / 'box'}#departments={departments}")
    assert fetch(lake.store, source) == len(brought)
    assert _brought(lake.store) == brought
    assert len(source.foreign) == 3 - len(brought)


def test_a_place_that_says_nothing_is_not_opened(lake: Lake, tmp_path: Path) -> None:
    _drop(tmp_path / "box", WEATHER)
    for said in ("", "#departments=", "#departments=,"):
        with pytest.raises(LakeError, match=r"source\.unbound") as told:
            open_source(lake.settings, f"{tmp_path / 'box'}{said}")
        assert "#departments=" in told.value.now


def test_a_connection_is_bound_by_the_settings_and_by_nobody_else(lake: Lake, tmp_path: Path) -> None:
    for dataset in (REGISTER, WEATHER):
        _drop(tmp_path / "box", dataset)
    uri = SecretStr(f"file://{tmp_path / 'box'}#departments=weather")
    settings = lake.settings.model_copy(update={"connections": {"met": uri}})
    with pytest.raises(LakeError, match=r"source\.option"):
        open_source(settings, "met#departments=construction")
    with pytest.raises(LakeError, match=r"source\.unbound"):
        open_source(settings, "met", "construction")
    assert fetch(lake.store, open_source(settings, "met")) == 1
    assert _brought(lake.store) == {WEATHER}


def test_a_database_delivers_for_no_department_beside_its_own(lake: Lake) -> None:
    uri = SecretStr("postgresql://u:p@127.0.0.1/x#departments=weather")
    settings = lake.settings.model_copy(update={"connections": {"db": uri}})
    asked = "&period=2016-03&query=select 1"
    with pytest.raises(LakeError, match=r"source\.unbound"):
        open_source(settings, f"db#dataset=development_reform/admin_permit{asked}")


def test_the_command_brings_the_rest_and_ends_with_what_to_do(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citylake.cli import delivery

    for dataset in (REGISTER, WEATHER):
        _drop(tmp_path / "box", dataset)
    monkeypatch.setattr("citylake.pipeline.lake.open_lake", lambda: lake)
    with pytest.raises(LakeError, match=r"source\.foreign") as told:
        delivery.fetch(f"{tmp_path / 'box'}#departments=weather")
    assert f"{REGISTER} 2016-03-001" in told.value.what and told.value.now
    assert _brought(lake.store) == {WEATHER}


# ---- signatures ----


@pytest.fixture
def city(tmp_path: Path, root: Path) -> Path:
    """A project whose contract of components demands signatures; construction and weather have keys."""
    to = tmp_path / "project"
    shutil.copytree(root / "schemas", to / "schemas")
    path = to / "schemas" / f"{REGISTER}.odcs.yaml"
    kind = "  - {property: kind, value: register}\n"
    signed = f"{kind}  - {{property: signed, value: required}}\n"
    path.write_text(path.read_text("utf-8").replace(kind, signed), "utf-8")
    for name in ("construction", "weather", "stranger"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name)]
        subprocess.run(make, check=True)
    lines = [
        f'{n} namespaces="{NAMESPACE}" {(tmp_path / f"{n}.pub").read_text("utf-8")}'
        for n in ("construction", "weather")
    ]
    (to / SIGNERS).write_text("".join(lines), "utf-8")
    return to


Hand = Callable[..., Receipt]


@pytest.fixture
def hand(city: Path, store: Store, tmp_path: Path) -> Hand:
    """A function: prepare a delivery, sign it, change it, send it; the answer."""
    contract = load_contracts(city)[REGISTER]

    def send(name: str, key: str | None, change: Callable[[Path], Any] = lambda folder: None) -> Receipt:
        file = tmp_path / f"{name}.csv"
        file.write_bytes(components({"210102011900000001": "完好", "210102011900000002": "完好"}))
        out = tmp_path / "out" / name
        order = Order(contract, name[:7])
        signer = tmp_path / key if key else None
        assert prepare(order, name, [file], SENT, out, key=signer) == ()
        change(out / REGISTER / name)
        fetch_folder(store, out)
        receive(store, contract, city, lambda: True)
        return next(r for r in dataset_receipts(store, REGISTER) if r.delivery == name)

    return send


def _fingerprint(key: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


@needs_ssh
def test_the_departments_own_signature_is_accepted_and_its_key_recorded(
    hand: Hand, store: Store, tmp_path: Path, city: Path
) -> None:
    assert lint(city) == []
    given = hand("2016-03-001", "construction")
    assert given.outcome == "accepted"
    assert given.signed_by == _fingerprint(tmp_path / "construction.pub")
    event = next(e for e in events(store, REGISTER) if e.event == "received")
    assert event.facts["signed_by"] == given.signed_by
    assert [f.name for f in given.files] == ["2016-03-001.csv"]


def _later(folder: Path) -> None:
    """Another moment of sending in a manifest that is signed."""
    path = folder / "manifest.json"
    path.write_text(path.read_text("utf-8").replace("2016-04-01T", "2016-04-02T"), "utf-8")


def _other_bytes(folder: Path) -> None:
    """Another file of the same size, and a manifest that says so."""
    file, path = next(folder.glob("*.csv")), folder / "manifest.json"
    old = json.loads(path.read_bytes())["files"][0]["sha256"]
    file.write_bytes(file.read_bytes().replace("完好".encode("gb18030"), "丢失".encode("gb18030")))
    import hashlib

    new = hashlib.sha256(file.read_bytes()).hexdigest()
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def _of_another_use(folder: Path) -> None:
    """The department's own key signed the manifest for something else."""
    (folder / SIGNATURE).unlink()
    key = folder.parents[4] / "construction"
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", "git", str(folder / "manifest.json")]
    subprocess.run(command, check=True, capture_output=True)


REFUSALS: dict[str, tuple[str | None, Callable[[Path], Any], str]] = {
    "unsigned": (None, lambda f: None, "signature.missing"),
    "signature taken away": ("construction", lambda f: (f / SIGNATURE).unlink(), "signature.missing"),
    "a stranger's key": ("stranger", lambda f: None, "signature.unknown_key"),
    "another department's key": ("weather", lambda f: None, "signature.other_department"),
    "manifest changed": ("construction", _later, "signature.bad"),
    "file and manifest changed": ("construction", _other_bytes, "signature.bad"),
    "signature empty": ("construction", lambda f: (f / SIGNATURE).write_bytes(b""), "signature.bad"),
    "signature damaged": (
        "construction",
        lambda f: (f / SIGNATURE).write_bytes((f / SIGNATURE).read_bytes()[:-60]),
        "signature.bad",
    ),
    "no signature at all": ("construction", lambda f: (f / SIGNATURE).write_bytes(b"yes"), "signature.bad"),
    "huge": ("construction", lambda f: (f / SIGNATURE).write_bytes(b"A" * 200_000), "signature.bad"),
    "signed for another use": ("construction", _of_another_use, "signature.bad"),
}


@needs_ssh
@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_signed_by_the_department_is_refused_with_its_reason(hand: Hand, case: str) -> None:
    key, change, rule = REFUSALS[case]
    given = hand("2016-03-001", key, change)
    assert given.outcome == "refused"
    assert given.findings[0].rule == rule
    assert advice(rule) != advice("")
    assert hand("2016-03-002", "construction").outcome == "accepted"


@needs_ssh
def test_the_bytes_of_a_file_count_though_the_manifest_is_signed(hand: Hand) -> None:
    given = hand("2016-03-001", "construction", lambda f: next(f.glob("*.csv")).write_bytes(b"x"))
    assert given.outcome == "refused"
    assert "delivery.bytes" in {f.rule for f in given.findings}


@needs_ssh
def test_a_key_that_is_no_longer_the_departments_signs_nothing(hand: Hand, city: Path) -> None:
    assert hand("2016-03-001", "construction").outcome == "accepted"
    signers = city / SIGNERS
    lines = signers.read_text("utf-8").splitlines()
    signers.write_text(f"{lines[1]}\n", "utf-8")
    assert hand("2016-04-001", "construction").findings[0].rule == "signature.unknown_key"
    expired = (
        lines[0]
        .replace("construction ", 'construction valid-before="20160101",', 1)
        .replace(",namesp", ",namesp")
    )
    signers.write_text(f"{expired}\n", "utf-8")
    assert hand("2016-04-002", "construction").outcome == "refused"
    signers.unlink()
    assert hand("2016-04-003", "construction").findings[0].rule == "signature.unknown_key"


@needs_ssh
def test_a_signature_that_nobody_demands_must_hold_too(lake: Lake, tmp_path: Path, city: Path) -> None:
    contract = replace(load_contracts(city)[REGISTER], signed=False)
    for n, key in enumerate((None, "construction", "weather"), start=1):
        file = tmp_path / f"{n}.csv"
        file.write_bytes(components({f"21010201190000000{n}": "完好"}))
        signer = tmp_path / key if key else None
        order = Order(contract, f"2016-0{n}")
        assert prepare(order, f"2016-0{n}-001", [file], SENT, tmp_path / "o", key=signer) == ()
    fetch_folder(lake.store, tmp_path / "o")
    receive(lake.store, contract, city, lambda: True)
    given = dataset_receipts(lake.store, REGISTER)
    assert [(r.outcome, bool(r.signed_by)) for r in given] == [
        ("accepted", False),
        ("accepted", True),
        ("refused", True),
    ]


@needs_ssh
def test_what_failed_in_the_lake_is_handed_over_again_without_the_department(
    hand: Hand, store: Store, city: Path
) -> None:
    """The very files that were signed; others of the same hand-over are refused."""
    contract = load_contracts(city)[REGISTER]
    first = hand("2016-03-001", "construction")
    append(
        store, REGISTER, "failed", first.number, {"hop": "decode", "kind": "x", "where": "x", "findings": []}
    )
    again = retry(store, contract, first.number, "steward", "mended")
    place, name = f"inbox/{REGISTER}/{again}/", first.files[0].name
    honest = store.get(f"{place}manifest.json")
    store.put(f"{place}manifest.json", honest.replace(b"2016-04-01T", b"2016-04-02T"))
    assert read_manifest(honest).delivery == again
    receive(store, contract, city, lambda: True)
    assert dataset_receipts(store, REGISTER)[-1].findings[0].rule == "signature.missing"
    once = place.replace("again", "once")
    store.put(once + name, store.get(place + name))
    store.put(f"{once}manifest.json", honest.replace(b"again", b"once"))
    receive(store, contract, city, lambda: True)
    assert dataset_receipts(store, REGISTER)[-1].outcome == "accepted"


@needs_ssh
def test_the_lake_signs_no_amendment_for_a_department(hand: Hand, store: Store, city: Path) -> None:
    contract: Contract = load_contracts(city)[REGISTER]
    hand("2016-03-001", "construction")
    with pytest.raises(LakeError, match=r"amend\.signed"):
        amend(store, contract, "2016-03-001", b"x", SENT)


@needs_ssh
def test_prepare_leaves_nothing_to_send_when_it_cannot_sign(city: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "a.csv", tmp_path / "out"
    file.write_bytes(components({"210102011900000001": "完好"}))
    order = Order(load_contracts(city)[REGISTER], "2016-03")
    (tmp_path / "none").write_text("no key", "utf-8")
    os.chmod(tmp_path / "none", 0o600)
    for key in (tmp_path / "absent", tmp_path / "none"):
        with pytest.raises(LakeError, match=r"prepare\.signature"):
            prepare(order, "2016-03-001", [file], SENT, out, key=key)
        assert not list(out.rglob("*.csv"))
