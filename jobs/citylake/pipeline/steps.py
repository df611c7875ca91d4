"""The verbs of the pipeline; each may run twice. The command line and the scheduler call the same
functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from citylake.audit.conservation import batches
from citylake.contract.model import Contract
from citylake.ingest.bronze import decode
from citylake.ingest.receive import receive
from citylake.ledger.evidence import Event, append, events, find, is_held
from citylake.ledger.receipts import Receipt, dataset_receipts, replacement
from citylake.pipeline.lake import Lake, today
from citylake.pipeline.plan import load_plan

if TYPE_CHECKING:
    from citylake.casework.cases import Case


def receive_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Hops 1-3: ask the dataset's source when the settings name one, and answer every waiting delivery."""
    if dataset in lake.settings.sources:
        from citylake.ingest.sources.opening import open_source
        from citylake.ingest.sources.source import fetch

        fetch(lake.store, open_source(lake.settings, lake.settings.sources[dataset]))
    given = receive(lake.store, lake.contracts[dataset], lake.settings.root)
    return {"dataset": dataset, "receipts": [_answer(r) for r in given]}


def _answer(receipt: Receipt) -> dict[str, Any]:
    told = {
        "receipt": receipt.number,
        "delivery": receipt.delivery,
        "outcome": receipt.outcome,
        "records": receipt.records,
    }
    return told | ({"findings": [asdict(f) for f in receipt.findings]} if receipt.findings else {})


def decode_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Hop 4: append every landed batch to bronze."""
    known = events(lake.store, dataset)
    open_ = [r for r in _accepted(lake, dataset) if find(known, "decoded", r.number) is None]
    done = [
        {"receipt": r.number, **decode(lake.settings, lake.store, lake.contracts[dataset], r)} for r in open_
    ]
    return {"dataset": dataset, "batches": done}


def refine_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Hops 5-6: judge, gate and admit every decoded batch, one after the other, since each builds on the
    last.
    """
    known = events(lake.store, dataset)
    waiting = [
        r for r in _accepted(lake, dataset) if find(known, "decoded", r.number) and not _settled(known, r)
    ]
    return {"dataset": dataset, "batches": [_refine_one(lake, lake.contracts[dataset], r) for r in waiting]}


def _settled(known: list[Event], receipt: Receipt) -> bool:
    return find(known, "admitted", receipt.number) is not None or is_held(known, receipt.number)


def _refine_one(lake: Lake, contract: Contract, receipt: Receipt) -> dict[str, Any]:
    from citylake.casework.cases import settle
    from citylake.casework.notice import notify
    from citylake.refine.refine import admit

    refined = _refined(lake, contract, receipt)
    gate = _gated(lake, contract, receipt, refined)
    passed = gate.facts["passed"] or not is_held(events(lake.store, contract.id), receipt.number)
    if passed:
        admit(lake.spark, lake.settings, contract, receipt, refined.facts["counts"])
        append(lake.store, contract.id, "admitted", receipt.number, {})
        settle(lake.settings, lake.store, contract, receipt)
        notify(lake.settings, lake.store, contract, receipt)
    counts = {k: v for k, v in refined.facts["counts"].items() if not k.startswith("rule:")}
    return {"receipt": receipt.number, "passed": passed, **counts}


def _refined(lake: Lake, contract: Contract, receipt: Receipt) -> Event:
    """The refined event; a batch whose gate has spoken is not refined again, silver may already hold it."""
    from citylake.refine.refine import refine

    known = events(lake.store, contract.id)
    held = find(known, "refined", receipt.number)
    if held is not None and find(known, "gate", receipt.number) is not None:
        return held
    admitted = [r for r in dataset_receipts(lake.store, contract.id) if find(known, "admitted", r.number)]
    refined = refine(lake.spark, lake.settings, contract, receipt, replacement(receipt, admitted))
    return append(lake.store, contract.id, "refined", receipt.number, asdict(refined))


def _gated(lake: Lake, contract: Contract, receipt: Receipt, refined: Event) -> Event:
    from citylake.quality.batch import judge_batch

    known = events(lake.store, contract.id)
    held = find(known, "gate", receipt.number)
    if held is not None:
        return held
    decoded = find(known, "decoded", receipt.number)
    rows = decoded.facts["rows"] if decoded else None
    return append(
        lake.store,
        contract.id,
        "gate",
        receipt.number,
        judge_batch(lake.settings.root, contract, rows, refined.facts),
    )


def overrule_gate(lake: Lake, dataset: str, number: int, *, by: str, reason: str) -> dict[str, Any]:
    """A steward lets a held batch in: who and why go to the evidence, then it is admitted as it was
    judged.
    """
    from citylake.casework.overrule import overrule

    overrule(lake.store, lake.contracts[dataset], number, by, reason)
    return refine_dataset(lake, dataset)


def replay_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Bring amended records home: the dataset's new deliveries, the marts that read it, and a release.
    Nothing else runs.
    """
    steps: list[dict[str, Any]] = [
        {"verb": v, **VERBS[v](lake, dataset)} for v in ("receive", "decode", "refine")
    ]
    steps += [
        {"verb": "build", **build_mart(lake, m.id)} for m in load_plan(lake.settings.root).touched(dataset)
    ]
    return {"steps": [*steps, {"verb": "release", **release(lake)}]}


def build_mart(lake: Lake, mart: str) -> dict[str, Any]:
    """Hop 7: build one mart table when an input has a new version, and gate it."""
    from citylake.marts.build import build_table

    return build_table(lake.settings, lake.store, lambda: lake.spark, lake.contracts, mart)


def release(lake: Lake) -> dict[str, Any]:
    """Hop 8: pin all gated versions in one manifest, and seal all that the lake holds."""
    from citylake.ledger.seal import seal
    from citylake.release.release import publish

    done = publish(lake.settings, lake.store, lake.contracts)
    seal(lake.settings, lake.store)
    return done


def keep_up(lake: Lake, *, dry_run: bool = False) -> dict[str, Any]:
    """Upkeep of all tables: counts per table that changes, and the stage tables that go."""
    from citylake.release.upkeep import upkeep

    care = upkeep(lake.settings, lake.store, lake.contracts, dry_run=dry_run)
    changed = [
        {"table": t.table, "removed": len(t.removed), "log_kept": t.log_kept, "pinned": list(t.pinned)}
        for t in care.tables
        if t.removed or not t.log_kept
    ]
    return {"dry_run": dry_run, "tables": len(care.tables), "changed": changed, "stages": len(care.stages)}


def report(lake: Lake) -> dict[str, Any]:
    """Write the offline pages and the audit tables."""
    from citylake.audit.tables import write_tables
    from citylake.audit.timeliness import arrivals
    from citylake.ledger.seal import seal
    from citylake.site.report import write_pages

    found = open_cases(lake)
    answered = batches(lake.store, lake.contracts)
    write_tables(lake.settings, answered, found, arrivals(lake.store, lake.contracts, lake.settings.root))
    seal(lake.settings, lake.store)
    return {"pages": str(write_pages(lake.settings, lake.store, lake.contracts, found, today()))}


def _accepted(lake: Lake, dataset: str) -> list[Receipt]:
    return [r for r in dataset_receipts(lake.store, dataset) if r.outcome == "accepted"]


def open_cases(lake: Lake) -> list[Case]:
    """The cases of every dataset."""
    from citylake.casework.cases import cases

    return [
        x
        for c in lake.contracts.values()
        if c.kind != "mart"
        for x in cases(lake.store, c, lake.settings.root, today())
    ]


def ask_waiver(lake: Lake, case: str, *, by: str, reason: str, until: str) -> dict[str, Any]:
    """Put a case before a steward: the request goes to the evidence, the text to the page where it is
    decided.
    """
    from citylake.casework.cases import ask_waiver, find_case

    found = find_case(lake.store, lake.contracts, lake.settings.root, case, today())
    ask_waiver(lake.store, found, by, reason, date.fromisoformat(until))
    lines = (
        f"**{found.id}** {found.meaning.zh} / {found.meaning.en}",
        f"责任单位 owner: {found.owner} ({found.contact})",
        f"未了记录 records outstanding: {found.outstanding} / {found.rows}",
        f"期限 deadline: {found.deadline}",
        f"申请人 asked by: {by}",
        f"理由 reason: {reason}",
        f"申请豁免至 asked until: {until}",
    )
    return {"subject": f"豁免 waive {found.id}?", "body": "\n\n".join(lines)}


def answer_waiver(
    lake: Lake, case: str, *, answer: str, by: str, reason: str, until: str, login: str
) -> dict[str, Any]:
    """Record what a steward decided about a case, with name, reason and, for a waiver, its last day."""
    from citylake.casework.cases import find_case, refuse_waiver, waive

    found = find_case(lake.store, lake.contracts, lake.settings.root, case, today())
    if answer == "Approve":
        waive(lake.store, found, by, reason, date.fromisoformat(until), login)
    else:
        refuse_waiver(lake.store, found, by, reason, login)
    return {"case": case, "answer": answer}


VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    "receive": receive_dataset,
    "decode": decode_dataset,
    "refine": refine_dataset,
    "build": build_mart,
    "release": release,
    "report": report,
    "upkeep": keep_up,
    "ask_waiver": ask_waiver,
    "answer_waiver": answer_waiver,
}


def run_all(lake: Lake, tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """The whole plan in order, without a scheduler."""
    plan = load_plan(lake.settings.root)
    steps: list[dict[str, Any]] = []
    for dataset in plan.datasets:
        for verb in ("receive", "decode", "refine"):
            steps.append({"verb": verb, **VERBS[verb](lake, dataset.id)})
            tell(f"{verb:8} {dataset.id}")
    for mart in plan.marts:
        steps.append({"verb": "build", **build_mart(lake, mart.id)})
        tell(f"build    {mart.id}")
    steps.append({"verb": "release", **release(lake)})
    return {"steps": steps, "batches": [asdict(b) for b in batches(lake.store, lake.contracts)]}
