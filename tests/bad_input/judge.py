"""What the lake says of a case: hops 2 and 4 in a process of their own, bounded and measured."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from citylake.contract.load import load_contract, load_contracts
from citylake.contract.model import Contract
from citylake.contract.source import read_yaml
from citylake.contract.types import load_types
from citylake.core.errors import ContractError
from citylake.core.settings import ROOT
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import read_manifest
from citylake.ingest.verify import verify
from citylake.ledger.receipts import Finding

from tests.bad_input import container, encoding, hostile, names, structure, values
from tests.bad_input.firm import Case
from tests.judging import decoded

GROUPS = (container, names, encoding, structure, values, hostile)
HERE = Path(__file__).parent
SECONDS, MEBIBYTES = 10.0, 512.0


@dataclass
class Outcome:
    """The refusal's findings, or the rows for bronze; and what it cost."""

    findings: list[Finding]
    rows: pa.Table | None
    seconds: float = 0.0
    mebibytes: float = 0.0
    crash: str = ""


def all_cases() -> list[Case]:
    """Every case of every kind."""
    return sorted((c for g in GROUPS for c in g.cases()), key=lambda c: (c.kind, c.variant))


@lru_cache(maxsize=1)
def base_contracts() -> dict[str, Contract]:
    """The contracts of the project and the generator's own."""
    own = load_contract(read_yaml(HERE / "registry" / "firm.odcs.yaml", HERE), load_types(ROOT))
    return {**load_contracts(ROOT), own.id: own}


def contract_of(case: Case) -> Contract:
    """The contract against which a case is judged."""
    return replace(base_contracts()[case.dataset], **case.contract)


def write(case: Case, folder: Path) -> None:
    """The delivery of a case, and the verdict beside it."""
    for i, (_, body) in enumerate(case.files()):
        (folder / str(i)).write_bytes(body)
    (folder / "manifest.json").write_text(json.dumps(case.manifest()), "utf-8")
    expected = {
        "kind": case.kind,
        "variant": case.variant,
        "expect": case.expect,
        "rule": case.rule,
        "line": case.line,
        "contract": case.contract,
    }
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1), "utf-8")


def judge(case: Case, number: int, folder: Path) -> Outcome:
    """Read a case in a fresh process; a crash, a hang or a lack of memory is an outcome too."""
    write(case, folder)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.bad_input.warm"])
    os.environ["PYTHONPATH"] = str(ROOT)  # the fork server starts with the environment alone
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(case, number, folder, send))
    process.start()
    send.close()
    try:
        done = receive.recv() if receive.poll(SECONDS * 3) else Outcome([], None, SECONDS * 3, 0, "hangs")
    except EOFError:
        done = Outcome([], None, crash="the process died")
    process.kill()
    process.join()
    return done


def _work(case: Case, number: int, folder: Path, send: Any) -> None:
    start = time.monotonic()
    try:
        done = _read(case, number, folder)
    except BaseException as error:  # a crash of any kind is what is looked for
        done = Outcome([], None, crash=f"{type(error).__name__}: {str(error)[:200]}")
    done.seconds = time.monotonic() - start
    done.mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    send.send(done)


def _read(case: Case, number: int, folder: Path) -> Outcome:
    if case.name == "contract.yaml":
        return _contract(folder)
    try:
        manifest = read_manifest((folder / "manifest.json").read_bytes())
    except Unreadable as error:
        return Outcome(list(error.findings), None)
    contract = contract_of(case)
    paths = {entry.name: folder / str(i) for i, entry in enumerate(manifest.files)}
    verified = verify(manifest, contract, paths, ())
    if verified.findings:
        return Outcome(list(verified.findings), None)
    return Outcome([], decoded(contract, manifest, verified.layout, paths, number))


def _contract(folder: Path) -> Outcome:
    path = folder / "contract.yaml"
    path.write_bytes((folder / "0").read_bytes())
    try:
        read_yaml(path, folder)
    except ContractError as error:
        line = int(error.where.rsplit(":", 1)[1])
        return Outcome([Finding(error.rule, "", str(error), "contract.yaml", line)], None)
    return Outcome([], None)
