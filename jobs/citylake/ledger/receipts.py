"""Receipts: the numbered, create-only answers to deliveries; a department's numbers have no gap."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from weakref import WeakKeyDictionary

from citylake.core import formats
from citylake.core.names import receipt_key
from citylake.privacy.masking import without_persons
from citylake.storage.remembered import Entry
from citylake.storage.store import Store

Outcome = Literal["accepted", "refused", "repeat"]
_REVISION = re.compile(r"\.r[0-9]+$")  # the inbox holds other bytes under a used name as <delivery>.r2


@dataclass(frozen=True)
class LandedFile:
    """One file of a delivery, by its content."""

    name: str
    sha256: str
    bytes: int
    records: int


@dataclass(frozen=True)
class Finding:
    """One reason for a refusal, in both languages, and the place in the file."""

    rule: str
    zh: str
    en: str
    where: str = ""  # the file
    line: int | None = None  # where the fault starts; in a workbook the row
    column: str = ""  # header text, or the cell of a workbook
    count: int = 1  # records that show it
    samples: tuple[str, ...] = ()  # up to three, masked

    def __post_init__(self) -> None:
        """Whatever was quoted of a delivery: nothing of a person gets into an answer."""
        for name in ("zh", "en", "where", "column"):
            object.__setattr__(self, name, without_persons(getattr(self, name)))
        object.__setattr__(self, "samples", tuple(without_persons(s) for s in self.samples))


@dataclass(frozen=True)
class Receipt:
    """The answer to one delivery. `number` is also the sequence number of its batch in every table it is
    written to.
    """

    number: int
    department: str
    dataset: str
    delivery: str
    outcome: Outcome
    contract: str
    period: str = ""
    coverage: str = ""
    sent_at: str = ""
    known_at: str = (
        ""  # ISO UTC; the moment from which the lake knows the batch, later than that of every earlier batch
    )
    batch_id: str = ""
    layout: str = ""
    records: int = 0
    attested: bool = True
    corrects: str | None = None
    repeats: int | None = None  # the receipt that accepted the same bytes
    signed_by: str = ""  # fingerprint of the key that signed the manifest
    replaces: int | None = None  # the receipt whose delivery this one replaces under its name
    files: tuple[LandedFile, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def label(self) -> str:
        """How people name it: `market_regulation 0012`."""
        return f"{self.department} {self.number:04d}"


@dataclass(frozen=True)
class Replacement:
    """Whose rows a replacing delivery takes back, and whose it must leave as they are; numbers of
    receipts.
    """

    taken_back: frozenset[int]  # the replaced delivery, its earlier revisions, and what amended them
    later: frozenset[int]  # accepted after the replaced one: what they name holds
    void: frozenset[int]  # everything that any delivery so far replaced


def base_name(delivery: str) -> str:
    """The name under which a delivery and its revisions were sent."""
    return _REVISION.sub("", delivery)


def replacement(receipt: Receipt, admitted: list[Receipt]) -> Replacement | None:
    """What a receipt replaces of the dataset's admitted ones; None when it replaces nothing that silver
    holds.
    """
    accepted = [r for r in admitted if r.number < receipt.number]
    mine = _taken_back(receipt, accepted) if receipt.replaces is not None else set[int]()
    if not mine:
        return None
    void = replaced(accepted)
    later = {r.number for r in accepted if r.number > min(mine)} - mine - void
    return Replacement(frozenset(mine), frozenset(later), frozenset(void | mine))


def replaced(known: list[Receipt]) -> set[int]:
    """Numbers of the accepted receipts whose deliveries others replaced."""
    accepted = [r for r in known if r.outcome == "accepted"]
    return {n for r in accepted if r.replaces is not None for n in _taken_back(r, accepted)}


def replacing(number: int, known: list[Receipt]) -> set[int]:
    """Numbers of the accepted receipts whose deliveries replace that of a receipt."""
    accepted = [r for r in known if r.outcome == "accepted"]
    return {r.number for r in accepted if r.replaces is not None and number in _taken_back(r, accepted)}


def reused(delivery: str, known: Sequence[Receipt]) -> Receipt | None:
    """The last accepted receipt under the name of a delivery."""
    return next(
        (
            r
            for r in reversed(known)
            if r.outcome == "accepted" and base_name(r.delivery) == base_name(delivery)
        ),
        None,
    )


def _taken_back(receipt: Receipt, accepted: list[Receipt]) -> set[int]:
    same = {
        r.delivery: r.number
        for r in accepted
        if r.number < receipt.number and base_name(r.delivery) == base_name(receipt.delivery)
    }
    return {*same.values(), *(r.number for r in accepted if r.number < receipt.number and r.corrects in same)}


_GIVEN: WeakKeyDictionary[Store, dict[str, tuple[list[Entry], list[Receipt]]]] = WeakKeyDictionary()


def receipts(store: Store, department: str) -> list[Receipt]:
    """All receipts of a department in the order of their numbers; none is read twice by one process."""
    log, held = store.log(f"receipts/{department}/"), _GIVEN.setdefault(store, {})
    seen, given = held.get(department, (log, []))
    given = given if seen is log else []
    given += [_read(entry.body) for entry in log[len(given) :]]
    held[department] = log, given
    return list(given)


def dataset_receipts(store: Store, dataset: str) -> list[Receipt]:
    """All receipts of one dataset in order."""
    return [r for r in receipts(store, dataset.split("/")[0]) if r.dataset == dataset]


def answer(store: Store, department: str, draft: Callable[[list[Receipt], int], Receipt]) -> Receipt:
    """Give the next number to what `draft` says, knowing all earlier receipts.

    When another process took the number, the draft is made again over what it wrote; the same delivery gets
    one answer.
    """
    while True:
        earlier = receipts(store, department)
        receipt = draft(earlier, len(earlier) + 1)
        given = next(
            (r for r in earlier if (r.dataset, r.delivery) == (receipt.dataset, receipt.delivery)), None
        )
        if given is not None:
            return given
        numbered = formats.numbered("receipt", asdict(receipt))
        body = json.dumps(numbered, ensure_ascii=False, indent=1, sort_keys=True).encode()
        if store.create(receipt_key(department, receipt.number), body):
            return receipt


def next_known_at(earlier: list[Receipt], dataset: str, sent_at: str) -> str:
    """The later of the sending and one microsecond after the dataset's last batch: no clock, always
    increasing.
    """
    sent = datetime.fromisoformat(sent_at).astimezone(UTC)
    known = [datetime.fromisoformat(r.known_at) for r in earlier if r.dataset == dataset and r.known_at]
    return max([sent, *(k + timedelta(microseconds=1) for k in known)]).isoformat(timespec="microseconds")


def _read(body: bytes) -> Receipt:
    raw = formats.read("receipt", body)
    files = tuple(LandedFile(**f) for f in raw.pop("files"))
    findings = tuple(Finding(**{**f, "samples": tuple(f["samples"])}) for f in raw.pop("findings"))
    return Receipt(**raw, files=files, findings=findings)
