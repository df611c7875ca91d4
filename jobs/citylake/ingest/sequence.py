"""Step 2: a delivery against those that came before it: gaps, repeats, corrections, and a part that calls
itself the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from citylake.contract.derived import words
from citylake.contract.model import Contract
from citylake.core.calendar import SPAN, first_day, last_day
from citylake.ingest.manifest import MANIFEST, Manifest
from citylake.ledger.receipts import Finding, Receipt, reused

_FORMS = (
    (1.5, r"\d{4}-\d{2}-\d{2}", "YYYY-MM-DD"),
    (8.0, r"\d{4}-\d{2}(-\d{2})?", "YYYY-MM-DD"),
    (35.0, r"\d{4}-\d{2}", "YYYY-MM"),
)


def out_of_sequence(manifest: Manifest, contract: Contract, earlier: Sequence[Receipt]) -> Iterator[Finding]:
    """Every reason that the earlier receipts of the dataset give against a delivery."""
    accepted = [r for r in earlier if r.outcome == "accepted"]
    try:
        first_day(manifest.period)
    except ValueError:
        yield Finding(
            "delivery.period",
            f"期别{manifest.period}不存在",
            f"there is no period {manifest.period}",
            MANIFEST,
        )
        return
    yield from _period(manifest, contract)
    yield from _correction(manifest, earlier)
    yield from _reused_name(manifest, contract, accepted)
    full = [r for r in accepted if r.coverage == "full"]
    corrected = next((r for r in accepted if r.delivery == manifest.corrects), None) or _replaced(
        manifest, contract, accepted
    )
    if contract.kind == "register" and manifest.coverage == "full":
        yield from (
            _register(manifest, contract, full) if corrected is None else _earlier_than_last(manifest, full)
        )


def _period(manifest: Manifest, contract: Contract) -> Iterator[Finding]:
    form = next((f for f in _FORMS if contract.frequency_days <= f[0]), None)
    parts = manifest.period.split(SPAN)
    if form and not all(re.fullmatch(form[1], p) for p in parts):
        zh, en = (
            f"期别应为{form[2]},实为{manifest.period}",
            f"the period {manifest.period} is not of the form {form[2]}",
        )
        yield Finding("delivery.period", zh, en, MANIFEST)
    if len(parts) > 1:
        yield from _span(manifest, contract)
    if first_day(parts[-1]) > manifest.sent_at.date():
        zh, en = f"期别{manifest.period}晚于送交日", f"the period {manifest.period} begins after the sending"
        yield Finding("delivery.period_future", zh, en, MANIFEST)


def _span(manifest: Manifest, contract: Contract) -> Iterator[Finding]:
    """Many periods at once, as when history is handed over: of rows that bear their own time."""
    if last_day(manifest.period) < first_day(manifest.period):
        zh, en = f"期别{manifest.period}先止后始", f"the span {manifest.period} ends before it begins"
        yield Finding("delivery.period", zh, en, MANIFEST)
    if contract.kind == "register":
        zh, en = "登记簿只能报送一期的状态", "a register is the state of one period, not of a span"
        yield Finding("delivery.period", zh, en, MANIFEST)
    if any("_period" in words(c.derived or "") for c in contract.columns):
        zh, en = (
            "各行的期别取自清单,只能逐期报送",
            "rows take their time from the period: send one period at a time",
        )
        yield Finding("delivery.period", zh, en, MANIFEST)


def _correction(manifest: Manifest, earlier: Sequence[Receipt]) -> Iterator[Finding]:
    """A delivery may correct one that was accepted (its rows) or refused (it comes again)."""
    if manifest.corrects is not None and all(r.delivery != manifest.corrects for r in earlier):
        zh, en = f"所更正的交付{manifest.corrects}未曾送达", f"corrects {manifest.corrects}, which never came"
        yield Finding("delivery.corrects_unknown", zh, en, MANIFEST)


def _reused_name(manifest: Manifest, contract: Contract, accepted: list[Receipt]) -> Iterator[Finding]:
    held = reused(manifest.delivery, accepted)
    if held is not None and _replaced(manifest, contract, accepted) is not None:
        yield from _replacement(manifest, contract, held)
    elif held is not None and contract.revision != "append":
        zh = f"交付号{manifest.delivery}已用于{held.label},内容不同,待人工确认"
        en = f"{manifest.delivery} was accepted as {held.label} with other bytes: a person must decide"
        yield Finding("delivery.name_reused", zh, en, MANIFEST)


def _replaced(manifest: Manifest, contract: Contract, accepted: list[Receipt]) -> Receipt | None:
    """The accepted delivery that this one replaces by its name; of a register only the whole state can be
    replaced.
    """
    whole = contract.kind != "register" or manifest.coverage == "full"
    return reused(manifest.delivery, accepted) if contract.revision == "replace" and whole else None


def _replacement(manifest: Manifest, contract: Contract, held: Receipt) -> Iterator[Finding]:
    if manifest.period != held.period:
        zh = f"{manifest.delivery}属{held.period}期,替换件不得改为{manifest.period}"
        en = (
            f"{manifest.delivery} is of the period {held.period}; what replaces it cannot be of"
            f" {manifest.period}"
        )
        yield Finding("delivery.period", zh, en, MANIFEST)
    yield from _far_fewer(
        manifest, contract, held, ("替换件仅{now}条,原交付{before}条", "replaces {before} records by {now}")
    )


def _earlier_than_last(manifest: Manifest, full: list[Receipt]) -> Iterator[Finding]:
    """A whole state put under a later one would end what the later one holds."""
    last = max((r.period for r in full), key=first_day, default=manifest.period)
    if first_day(manifest.period) < first_day(last):
        text = f"{manifest.period} < {last}"
        zh, en = (
            f"已接收更晚一期全量({text}),请只送更正的记录",
            f"a later full state was accepted ({text}): send the corrected records alone",
        )
        yield Finding("delivery.period_order", zh, en, MANIFEST)


def _register(manifest: Manifest, contract: Contract, full: list[Receipt]) -> Iterator[Finding]:
    if not full:
        return
    last = max(full, key=lambda r: first_day(r.period))
    if first_day(manifest.period) < first_day(last.period):
        text = f"{manifest.period} < {last.period}"
        yield Finding(
            "delivery.period_order",
            f"期别早于已接收的期别({text})",
            f"the period is earlier than one already accepted ({text})",
            MANIFEST,
        )
    elif first_day(manifest.period) == first_day(last.period):
        zh, en = (
            f"本期已由{last.label}接收;更正请注明corrects",
            f"{last.label} holds this period; a correction must say what it corrects",
        )
        yield Finding("delivery.period_repeated", zh, en, MANIFEST)
    elif _gap(last.period, manifest.period, contract.frequency_days):
        zh, en = (
            f"{last.period}与{manifest.period}之间缺期",
            f"a period between {last.period} and {manifest.period} is missing",
        )
        yield Finding("delivery.gap", zh, en, MANIFEST)
    yield from _far_fewer(
        manifest,
        contract,
        last,
        ("标明全量,仅{now}条,上期{before}条", "full coverage with {now} records after {before}"),
    )


def _far_fewer(
    manifest: Manifest, contract: Contract, before: Receipt, told: tuple[str, str]
) -> Iterator[Finding]:
    """More would be gone than the contract lets end; `told` in zh and en."""
    least = before.records * (1 - contract.ended_max)
    if manifest.totals.records < least:
        zh, en = (t.format(now=manifest.totals.records, before=before.records) for t in told)
        yield Finding(
            "delivery.partial",
            f"{zh},至少应有{least:.0f}条",
            f"{en}: at least {least:.0f} expected",
            MANIFEST,
        )


def _gap(before: str, now: str, days: float) -> bool:
    """Whether more than one period lies between two."""
    return first_day(now) - first_day(before) > timedelta(days=days * 1.5)
