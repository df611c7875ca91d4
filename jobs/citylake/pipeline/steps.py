"""The verbs of the pipeline; each may run twice. The command line and the scheduler call the same
functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from citylake.ingest.receive import receive
from citylake.ledger.receipts import Receipt
from citylake.pipeline.hops import decode_dataset, refine_dataset
from citylake.pipeline.lake import Lake, today

if TYPE_CHECKING:
    from citylake.casework.cases import Case
    from citylake.privacy.token_keys import Rotated


HOPS = ("receive", "decode", "refine")
"""The verbs that bring a dataset's deliveries into silver, in order."""


def receive_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Steps 1-3: ask the dataset's source when the settings name one, and answer every waiting delivery."""
    foreign = _fetched(lake, dataset) if dataset in lake.settings.sources else []
    given = receive(lake.store, lake.contracts[dataset], lake.settings.root, lake.answers)
    told = {"dataset": dataset, "receipts": [_answer(r) for r in given]}
    return told | ({"not_brought": foreign} if foreign else {})


def _fetched(lake: Lake, dataset: str) -> list[str]:
    """What the dataset's source offers for its department comes into the inbox; lines for what it offers
    beside.
    """
    from citylake.ingest.sources.bound import tell_foreign
    from citylake.ingest.sources.opening import open_source
    from citylake.ingest.sources.source import fetch

    department = lake.contracts[dataset].department
    source = open_source(lake.settings, lake.settings.sources[dataset], department)
    fetch(lake.store, source)
    return tell_foreign(lake.store, source)


def _answer(receipt: Receipt) -> dict[str, Any]:
    told = {
        "receipt": receipt.number,
        "delivery": receipt.delivery,
        "outcome": receipt.outcome,
        "records": receipt.records,
    }
    return told | ({"findings": [asdict(f) for f in receipt.findings]} if receipt.findings else {})


def ingest_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Steps 1-6 of a dataset, by one process: what each of them did, by verb."""
    return {"dataset": dataset} | {verb: VERBS[verb](lake, dataset) for verb in HOPS}


def overrule_gate(lake: Lake, dataset: str, number: int, *, by: str, reason: str) -> dict[str, Any]:
    """A steward lets a held batch in: who and why go to the evidence, then it is admitted as it was
    judged.
    """
    from citylake.casework.overrule import overrule

    overrule(lake.store, lake.contracts[dataset], number, by, reason)
    return refine_dataset(lake, dataset)


def withdraw_batch(lake: Lake, dataset: str, number: int, *, by: str, reason: str) -> dict[str, Any]:
    """A delivery that silver does not hold is taken back, by name and reason."""
    from citylake.casework.withdraw import withdraw

    event = withdraw(lake.store, lake.contracts[dataset], number, by, reason)
    return {"dataset": dataset, "receipt": number, **event.facts}


def retry_batch(lake: Lake, dataset: str, number: int, *, by: str, reason: str) -> dict[str, Any]:
    """The landed bytes of a failed or held batch are handed over again, by name and reason, and judged."""
    from citylake.casework.withdraw import retry

    delivery = retry(lake.store, lake.contracts[dataset], number, by, reason)
    steps = [VERBS[verb](lake, dataset) for verb in HOPS]
    return {"dataset": dataset, "receipt": number, "delivery": delivery, "steps": steps}


def rotate_token_key(lake: Lake, *, by: str, reason: str) -> Rotated:
    """A new key file for the tokens of persons, with name and reason in the evidence; tokens stay."""
    from citylake.ledger.evidence import append
    from citylake.privacy.token_keys import CHAIN, rotate

    done = rotate(lake.settings, lake.store)
    append(lake.store, CHAIN, "rotated", None, {**asdict(done), "by": by, "reason": reason})
    return done


def build_mart(lake: Lake, mart: str) -> dict[str, Any]:
    """Step 7: build one mart table when an input has a new version, and gate it."""
    from citylake.marts.build import build_table

    return build_table(lake.settings, lake.store, lambda: lake.spark, lake.contracts, mart)


def release(lake: Lake) -> dict[str, Any]:
    """Step 8: pin all gated versions in one manifest, and seal all that the lake holds."""
    from citylake.ledger.seal import seal
    from citylake.release.release import publish

    done = publish(lake.settings, lake.store, lake.contracts)
    seal(lake.settings, lake.store)
    return done


def keep_up(lake: Lake, *, dry_run: bool = False) -> dict[str, Any]:
    """Upkeep of all tables: counts per table that changes, and the stage tables that go."""
    from citylake.ledger.seal import seal
    from citylake.release.upkeep import upkeep

    care = upkeep(lake.settings, lake.store, lake.contracts, dry_run=dry_run)
    if not dry_run:
        seal(lake.settings, lake.store)  # upkeep writes into the logs of tables
    changed = [
        {"table": t.table, "removed": len(t.removed), "log_kept": t.log_kept, "pinned": list(t.pinned)}
        for t in care.tables
        if t.removed or not t.log_kept
    ]
    return {"dry_run": dry_run, "tables": len(care.tables), "changed": changed, "stages": len(care.stages)}


def report(lake: Lake) -> dict[str, Any]:
    """Write the offline pages and the audit tables."""
    from citylake.audit.tables import write_tables
    from citylake.ledger.seal import seal
    from citylake.site.report import gather, write_pages

    site = gather(lake.settings, lake.store, lake.contracts, open_cases(lake), today())
    write_tables(lake.settings, site.batches, site.cases, site.arrivals, site.indicators)
    seal(lake.settings, lake.store)
    return {"pages": str(write_pages(site, lake.settings.state / "pages"))}


def open_cases(lake: Lake, day: date | None = None) -> list[Case]:
    """The cases of every dataset as of a day, today by default."""
    from citylake.casework.cases import cases

    return [
        x
        for c in lake.contracts.values()
        if c.kind != "mart"
        for x in cases(lake.store, c, lake.settings.root, day or today())
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
    "ingest": ingest_dataset,
    "build": build_mart,
    "release": release,
    "report": report,
    "upkeep": keep_up,
    "ask_waiver": ask_waiver,
    "answer_waiver": answer_waiver,
}
