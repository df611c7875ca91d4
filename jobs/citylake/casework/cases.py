"""Cases: quarantined records of one batch that broke one rule, with owner, deadline and what became of them.

open -> notified -> amended | waived -> replayed -> closed. Nothing is stored but events; a state is what they
add up to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from citylake.casework.history import History
from citylake.casework.whole_batch import Obstacle, obstacles, sent_again, taken_back
from citylake.compile.bronze import record_reference
from citylake.compile.select import Compiled, compile_contract
from citylake.contract.model import Bilingual, Contract
from citylake.core.calendar import beijing_day
from citylake.core.errors import LakeError
from citylake.core.names import bronze, case_chain, quarantine
from citylake.core.settings import Settings
from citylake.ledger.batches import ADMITTED, WITHDRAWN, batch_state
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event, append, events, find
from citylake.ledger.receipts import Receipt, dataset_receipts, replacing
from citylake.messages.letter import deadline
from citylake.refine.rules import judged_by
from citylake.storage.delta import open_table
from citylake.storage.store import Store

Ref = str  # as `record_reference` makes it


@dataclass(frozen=True)
class Case:
    """One to-do about refused records."""

    id: str  # <dataset>/<receipt>/<rule>
    dataset: str
    receipt: int
    delivery: str
    rule: str
    meaning: Bilingual
    owner: str
    contact: str
    rows: int
    outstanding: int
    state: str
    since: str  # day of the sending
    deadline: str
    waiver: dict[str, str] | None = None
    closed_on: str = ""  # day on which the last record was resolved, by the lake's clock

    def age(self, today: date) -> int:
        """Days from the sending to the closing, or to a day while it is open."""
        end = date.fromisoformat(self.closed_on) if self.closed_on else today
        return (end - date.fromisoformat(self.since)).days

    def late(self, today: date) -> bool:
        """Whether its deadline passed before it was closed; a waived case is not late."""
        end = self.closed_on or today.isoformat()
        return self.state != "waived" and bool(self.deadline) and end > self.deadline


def cases(store: Store, contract: Contract, root: Path, today: date) -> list[Case]:
    """Every case of a dataset by receipt and rule; `today` decides whether a waiver has expired."""
    given = {r.number: r for r in dataset_receipts(store, contract.id) if r.outcome == "accepted"}
    known, told = events(store, contract.id), events(store, case_chain(contract.id))
    today_rules = compile_contract(contract, root)
    admitted = [r for r in given.values() if find(known, ADMITTED, r.number)]
    void = taken_back(list(given.values()), admitted)
    found: list[Case] = []
    for receipt in given.values():
        state = batch_state(receipt, known)
        reasons = _refused(store, today_rules, _judged(known, receipt, state))
        again = sent_again(receipt, state, admitted)
        over = receipt.number in void or state == WITHDRAWN or bool(again)
        ends = frozenset({*again, *replacing(receipt.number, list(given.values()))})
        for reason in (*reasons, *obstacles(known, receipt)):
            done = over or (reason.whole and state == ADMITTED)
            ended_by = ends | {receipt.number} if reason.whole else ends
            history = History(
                told,
                known,
                given,
                receipt,
                reason.rule,
                today,
                done=done,
                ends=ended_by,
                in_silver=state == ADMITTED,
            )
            found.append(_case(contract, receipt, reason, history, root))
    return found


def _judged(known: Chain, receipt: Receipt, state: str) -> Event | None:
    """The event of a batch's judgement, once its gate spoke."""
    spoken = state == ADMITTED or find(known, "gate", receipt.number) is not None
    return find(known, "refined", receipt.number) if spoken else None


def _refused(store: Store, today: Compiled, refined: Event | None) -> list[Obstacle]:
    """The rules that refused records of a batch, as they stood when they judged it."""
    counts: dict[str, int] = refined.facts["counts"] if refined else {}
    if refined is None or not counts.get("quarantined"):
        return []
    rules = judged_by(store, today, refined).values()
    broken = [(r, counts.get(f"rule:{r.id}", 0)) for r in rules if r.severity == "error"]
    return [Obstacle(r.id, r.meaning, n) for r, n in broken if n]


def _case(
    contract: Contract,
    receipt: Receipt,
    reason: Obstacle,
    history: History,
    root: Path,
) -> Case:
    left = history.outstanding
    return Case(
        f"{contract.id}/{receipt.number:04d}/{reason.rule}",
        contract.id,
        receipt.number,
        receipt.delivery,
        reason.rule,
        reason.meaning,
        contract.owner.name,
        contract.owner.contact,
        reason.rows,
        reason.rows if left is None else left,
        history.state,
        receipt.sent_at[:10],
        deadline(receipt, root) or "",
        history.waiver,
        beijing_day(history.closed_at) if history.closed_at else "",
    )


def find_case(store: Store, contracts: dict[str, Contract], root: Path, case_id: str, today: date) -> Case:
    """The case of that id; LakeError `case.unknown` when there is none."""
    dataset = "/".join(case_id.split("/")[:2])
    found = (
        [c for c in cases(store, contracts[dataset], root, today) if c.id == case_id]
        if dataset in contracts
        else []
    )
    if not found:
        raise LakeError("case.unknown", f"there is no case {case_id}", now="list them with `citylake cases`")
    return found[0]


def waive(store: Store, case: Case, by: str, reason: str, until: date, login: str = "") -> None:
    """Record that a named person accepts the refusal of these records until a day; `login` is who the
    scheduler's page knows that person as.
    """
    _tell(
        store, case, "waived", by, reason, {"until": until.isoformat()} | ({"login": login} if login else {})
    )


def ask_waiver(store: Store, case: Case, by: str, reason: str, until: date) -> None:
    """Record that a named person asks a steward to waive a case until a day."""
    _tell(store, case, "waiver_asked", by, reason, {"until": until.isoformat()})


def refuse_waiver(store: Store, case: Case, by: str, reason: str, login: str = "") -> None:
    """Record that a named steward did not waive a case."""
    _tell(store, case, "waiver_refused", by, reason, {"login": login} if login else {})


def _tell(store: Store, case: Case, event: str, by: str, reason: str, more: dict[str, str]) -> None:
    """Append an event of a case; the same told again by a task that was tried twice stands once."""
    if not by.strip() or not reason.strip():
        raise LakeError("case.waiver", "a waiver needs a name and a reason", where=case.id, now="give both")
    facts = {"receipt": case.receipt, "rule": case.rule, "by": by, "reason": reason, **more}
    told = [
        e
        for e in events(store, case_chain(case.dataset))
        if (e.facts.get("receipt"), e.facts.get("rule")) == (case.receipt, case.rule)
    ]
    if not told or (told[-1].event, told[-1].facts) != (event, facts):
        append(store, case_chain(case.dataset), event, None, facts)


def settle(settings: Settings, store: Store, contract: Contract, receipt: Receipt) -> None:
    """After a batch was admitted: when it amends another, write down which of that one's records it
    resolved.
    """
    corrected = next(
        (
            r
            for r in dataset_receipts(store, contract.id)
            if r.delivery == receipt.corrects and r.outcome == "accepted"
        ),
        None,
    )
    if corrected is None:
        return
    resolved = _resolved(settings, store, contract, corrected)
    outstanding: dict[str, int] = {}
    for ref, reasons in refused_records(settings, contract, corrected).items():
        for rule in reasons if ref not in resolved else []:
            outstanding[rule] = outstanding.get(rule, 0) + 1
    facts = {"corrects": corrected.number, "resolved": sorted(resolved), "outstanding": outstanding}
    append(store, case_chain(contract.id), "replayed", receipt.number, facts)


def _resolved(settings: Settings, store: Store, contract: Contract, corrected: Receipt) -> set[Ref]:
    """References of a batch's records that any admitted amendment replaced by a record that was not refused
    again.
    """
    known = events(store, contract.id)
    amending = [
        r
        for r in dataset_receipts(store, contract.id)
        if r.corrects == corrected.delivery and find(known, "admitted", r.number)
    ]
    found: set[Ref] = set()
    for receipt in amending:
        again = {":".join(ref.split(":")[:2]) for ref in refused_records(settings, contract, receipt)}
        found |= {
            row["_amends"]
            for row in _bronze(settings, contract, receipt)
            if row["_amends"] and record_reference(row["_file_id"], row["_row_no"]) not in again
        }
    return found


def _bronze(settings: Settings, contract: Contract, receipt: Receipt) -> list[dict[str, Any]]:
    table = open_table(settings, bronze(contract.id))
    if table is None:
        return []
    return table.to_pyarrow_table(
        columns=["_file_id", "_row_no", "_amends"], filters=[("_receipt", "=", receipt.number)]
    ).to_pylist()


def refused_records(settings: Settings, contract: Contract, receipt: Receipt) -> dict[Ref, list[str]]:
    """Reference -> rules of every quarantined record of a batch."""
    table = open_table(settings, quarantine(contract.id))
    if table is None:
        return {}
    rows = table.to_pyarrow_table(columns=["_receipt", "_file_id", "_row_no", "record", "reasons"])
    mine = rows.filter(pc.equal(rows["_receipt"], receipt.number)).to_pylist()  # pyright: ignore[reportAttributeAccessIssue]
    cell = contract.unpivot["name"] if contract.unpivot else None
    return {
        record_reference(
            r["_file_id"], r["_row_no"], json.loads(r["record"]).get(cell) if cell else None
        ): list(r["reasons"])
        for r in mine
    }
