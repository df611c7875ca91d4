"""A city of two months in which one delivery of twenty is of the kinds that people met elsewhere: some only
written in another way, some that must be refused. The run goes to its end, every delivery is answered, and
silver and marts are those of the clean city but for what was refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from citylake.compile.tables import silver_columns
from citylake.contract.inputs import COVERAGE, MARTS
from citylake.contract.model import Contract
from citylake.core.names import mart, silver
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.receipts import dataset_receipts
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.plan import load_plan
from citylake.pipeline.run import run_all
from citylake.storage.delta import open_table
from citylake.synthetic import generate
from citylake.synthetic.score import score

pytestmark = pytest.mark.slow
SEED, SHARE, LEAST = 2016, 0.05, 16
Change = Callable[[random.Random, Contract, bytes], bytes]


@dataclass(frozen=True)
class Fault:
    """What is done to a delivery's file, and whether it must be refused."""

    name: str
    refused: bool
    change: Change


def _rows(contract: Contract, body: bytes) -> list[list[str]]:
    text = body.decode(contract.encoding).removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=contract.delimiter))


def _written(contract: Contract, rows: list[list[str]], **how: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=contract.delimiter, lineterminator="\r\n", **how).writerows(rows)
    return out.getvalue().encode(contract.encoding)


def _marked(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    """Marks that nobody sees, blanks and guards around every fifth cell."""
    ways = ("\u200b{}", "{}\u3000", " {} ", '="{}"')
    rows = _rows(contract, body)
    for row in rows[1:]:
        for i, text in enumerate(row):
            if text.strip() and '"' not in text and not text.startswith("=") and rng.random() < 0.2:
                row[i] = rng.choice(ways).format(text)
    return _written(contract, rows, quoting=csv.QUOTE_ALL)


def _other_dates(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    """Days as 2016/3/1 0:00, which a spreadsheet makes of them."""
    days = {c.header("") for c in contract.columns if c.type.physical == "DATE"}
    rows = _rows(contract, body)
    places = [i for i, h in enumerate(rows[0]) if h in days]
    for row in rows[1:]:
        for i in (i for i in places if i < len(row)):
            found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", row[i])
            if found:
                row[i] = f"{found[1]}/{int(found[2])}/{int(found[3])} 0:00"
    return _written(contract, rows)


def _headed(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    """A byte order mark, blanks and invisible marks in the header, and rows of commas at the end."""
    rows = _rows(contract, body)
    rows[0] = [f"\u200b{h} " for h in rows[0]]
    rows += [[""] * len(rows[0])] * 3
    return "\ufeff".encode(contract.encoding) + _written(contract, rows)


def _array(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    """The records of a document without the document, as many programs export them."""
    found = json.loads(body, parse_float=str)
    return json.dumps(found[contract.records or "records"], ensure_ascii=True, indent=1).encode()


def _same(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    return body


def _cut(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    return body[: len(body) * 3 // 5]


def _html(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    return "<html><head><title>登录</title></head><body><p>会话已过期</p></body></html>".encode()


def _renamed(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    rows = _rows(contract, body)
    rows[0][rng.randrange(len(rows[0]))] = "新列名"
    return _written(contract, rows)


def _joined(rng: random.Random, contract: Contract, body: bytes) -> bytes:
    """Two exports put into one file, header and all."""
    rows = _rows(contract, body)
    return _written(contract, [*rows, rows[0], *rows[1:]])


ANY = (Fault("junk", False, _same), Fault("cut", True, _cut), Fault("html", True, _html))
CSV = (
    Fault("marked", False, _marked),
    Fault("other_dates", False, _other_dates),
    Fault("headed", False, _headed),
    Fault("renamed", True, _renamed),
    Fault("joined", True, _joined),
)
JSON = (Fault("array", False, _array),)


def _kinds(contract: Contract) -> tuple[Fault, ...]:
    if contract.container:
        return ANY[:1]
    plain = contract.format == "csv" and not (contract.preamble or contract.footer or contract.unpivot)
    return (*ANY, *(CSV if plain else ()), *(JSON if contract.format == "json" else ()))


def _spoil(lake: Lake, inbox: Path) -> dict[str, Fault]:
    """Plant a fault in one delivery of twenty, each kind at least once in turn; delivery -> fault."""
    rng = random.Random(SEED)
    folders = sorted(p.parent for p in inbox.glob("*/*/*/manifest.json"))
    chosen = rng.sample(folders, max(LEAST, round(len(folders) * SHARE)))
    used: Counter[str] = Counter()
    planted: dict[str, Fault] = {}
    for folder in chosen:
        contract = lake.contracts["/".join(folder.parts[-3:-1])]
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if manifest.get("corrects") or _again(folder):
            continue
        fault = min(_kinds(contract), key=lambda f: (used[f.name], rng.random()))
        used[fault.name] += 1
        planted["/".join(folder.parts[-3:])] = fault
        entry = manifest["files"][0]
        body = fault.change(rng, contract, (folder / entry["name"]).read_bytes())
        (folder / entry["name"]).write_bytes(body)
        entry |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
        if fault.name == "junk":
            (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return planted


def _again(folder: Path) -> bool:
    """Whether the office sends these bytes a second time, or sends them cut first."""
    return folder.name in ("2016-W01-001", "2016-W01-002") or folder.parts[-2] == "component_case"


def _known(lake: Lake, contract: Contract) -> Counter[str]:
    """What silver or a mart says, without where it came from."""
    found = open_table(lake.settings, mart(contract.id) if contract.kind == "mart" else silver(contract.id))
    if found is None:
        return Counter()
    names = [c.name for c in (contract.columns if contract.kind == "mart" else silver_columns(contract))]
    table = found.to_pyarrow_table()
    rows = table.filter(_open(table)) if contract.kind != "mart" else table
    return Counter(str(r) for r in rows.select(names).to_pylist())


def _open(table: Any) -> Any:
    import pyarrow.compute as pc

    return pc.is_null(table["_known_to"])  # pyright: ignore[reportAttributeAccessIssue]


def _behind(refused: set[str], lake: Lake) -> set[str]:
    """The marts that read a dataset of a refused delivery, directly or through others; what tells of all
    deliveries reads all.
    """
    plan = load_plan(lake.settings.root)
    found = refused | {m.id for m in plan.marts if COVERAGE in m.inputs}
    while more := {m.id for m in plan.marts if found & {i.removeprefix(MARTS) for i in m.inputs}} - found:
        found |= more
    return found


@dataclass(frozen=True)
class Cities:
    """Two lakes that went through the whole plan, and what was done to the second one's deliveries."""

    clean: Lake
    faulty: Lake
    planted: dict[str, Fault]
    sent: set[str]
    truth: Path
    errors: list[dict[str, Any]]


@pytest.fixture(scope="module")
def cities(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Cities:
    """Generated, spoilt and run; some minutes each."""
    folder = tmp_path_factory.mktemp("cities")
    generate(folder / "clean", months=2, scale=0.15, seed=SEED)
    shutil.copytree(folder / "clean" / "inbox", folder / "faulty" / "inbox")
    clean, faulty = (
        open_lake(lake_settings.model_copy(update={"lake": f"city-{name}"})) for name in ("clean", "faulty")
    )
    planted = _spoil(faulty, folder / "faulty" / "inbox")
    errors: list[dict[str, Any]] = []
    for name, lake in (("clean", clean), ("faulty", faulty)):
        fetch_folder(lake.store, folder / name / "inbox")
        errors += [s for s in run_all(lake)["steps"] if "error" in s]
    sent = {"/".join(p.parts[-4:-1]) for p in (folder / "faulty" / "inbox").glob("*/*/*/manifest.json")}
    return Cities(clean, faulty, planted, sent, folder / "clean" / "truth" / "defects.jsonl", errors)


def test_every_delivery_is_answered_and_the_run_ends(cities: Cities) -> None:
    assert cities.errors == []
    answered = {
        f"{d}/{r.delivery}": r.outcome
        for d, c in cities.faulty.contracts.items()
        if c.kind != "mart"
        for r in dataset_receipts(cities.faulty.store, d)
    }
    assert cities.sent == set(answered)
    must = {k: "refused" if f.refused else "accepted" for k, f in cities.planted.items()}
    assert {k: answered[k] for k in must} == must
    kinds = Counter(f.name for f in cities.planted.values())
    print(f"{len(cities.sent)} deliveries, {len(must)} spoilt: {dict(kinds)}")
    assert len(kinds) >= 7 and len(must) >= SHARE * len(cities.sent)


def test_only_what_was_refused_is_missing(cities: Cities) -> None:
    refused = {"/".join(k.split("/")[:2]) for k, f in cities.planted.items() if f.refused}
    may_differ = _behind(refused, cities.faulty)
    differ: dict[str, int] = {}
    for name, contract in cities.faulty.contracts.items():
        if name not in may_differ:
            clean, faulty = _known(cities.clean, contract), _known(cities.faulty, contract)
            differ[name] = sum(((clean - faulty) + (faulty - clean)).values())
    rows = sum(differ.values())
    print(f"{len(refused)} datasets with a refusal, {len(differ)} tables compared, {rows} rows differ")
    assert {k: n for k, n in differ.items() if n} == {}
    assert len(differ) >= 20


def test_planted_defects_of_the_clean_city_are_found(cities: Cities) -> None:
    lake = cities.clean
    found = score(lake.settings, lake.store, lake.spark, lake.contracts, cities.truth)
    print(f"recall {found.recall:.4f}, false alarms {found.false_alarms} of {found.clean_rows} clean rows")
    print(found.alarms)
    assert found.recall >= 0.99 and found.false_alarm_rate <= 0.0005
    assert not any("co_in_ugm3" in rule for rule in found.alarms)
