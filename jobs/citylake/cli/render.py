"""How commands print: one place for consoles, JSON documents and tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table as RichTable

from citylake.core.errors import LakeError, did_you_mean

if TYPE_CHECKING:
    from citylake.core.settings import Settings

out = Console(width=160 if not sys.stdout.isatty() else None, markup=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, markup=False, soft_wrap=True)


def load_settings() -> Settings:
    """The settings, read when a command asks for them: help needs none."""
    from citylake.core.settings import load_settings as read

    return read()


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def demand(names: Iterable[str], known: Collection[str]) -> None:
    """LakeError `dataset.unknown` with the nearest name."""
    for name in names:
        if name not in known:
            raise LakeError(
                "dataset.unknown",
                f"there is no dataset or mart {name} here{did_you_mean(name, known)}",
                now="citylake status",
            )


def show_finding(found: Any) -> None:
    """A finding as the letter would put it."""
    from citylake.messages.advice import advice

    do = advice(found.rule)
    line, column = (
        f" line {found.line}" if found.line else "",
        f" column {found.column}" if found.column else "",
    )
    samples = "".join(f"\n     {s}" for s in found.samples)
    out.print(
        f"FAIL {found.where}{line}{column}: {found.zh} / {found.en}   [{found.rule}]{samples}\n     now:"
        f" {do.zh} / {do.en}",
        highlight=False,
    )


def show_deliveries(found: list[Any]) -> None:
    from citylake.audit.conservation import FIGURES

    table = RichTable(title="交付 deliveries", title_justify="left")
    for name in ("dataset", "receipt", "delivery", "state", *FIGURES):
        table.add_column(name, justify="right" if name in FIGURES else "left", no_wrap=True)
    for b in found:
        table.add_row(
            b.dataset, f"{b.receipt:04d}", b.delivery, b.state, *(str(getattr(b, n)) for n in FIGURES)
        )
    out.print(table)
    for b in (b for b in found if b.why):
        out.print(f"{b.dataset} {b.receipt:04d} {b.state}: {b.why}", highlight=False)


def show_rows(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print(f"{title}: none", highlight=False)
        return
    table = RichTable(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for r in rows:
        table.add_row(*["" if v is None else str(v) for v in r.values()])
    out.print(table)


def show_trial(trial: Any) -> None:
    """What would become of a file: a row for each column, then each rule with its first cells."""
    out.print(
        f"{trial.records} rows: {trial.accepted} accepted, {trial.quarantined} quarantined", highlight=False
    )
    table = RichTable("column", "type", "texts", "values", "no value", "emptied", "read as")
    for c in trial.columns:
        counts = ("" if n is None else str(n) for n in (c.texts, c.values, c.no_value, c.emptied))
        table.add_row(c.column, c.type, *counts, "; ".join(c.read_as))
    out.print(table)
    broken = [b for c in trial.columns for b in c.broken] + list(trial.rows)
    for b in sorted(broken, key=lambda b: (b.severity != "error", -b.rows)):
        told = f"{b.severity:8} {b.rows:6} {b.rule}  {b.meaning.zh} / {b.meaning.en}"
        out.print("\n         ".join([told, *b.samples]), highlight=False)


def show_draft(draft: Any, dataset: str, sample: Any) -> None:
    """What was found in a sample: a row for each column, then what only its sender can answer."""
    form = draft.form
    told = (
        form.container,
        form.format,
        form.encoding,
        f"delimiter {form.delimiter!r}" * (form.format == "csv"),
    )
    out.print(f"{draft.records} records; {', '.join(t for t in told if t)}", highlight=False)
    table = RichTable("header", "column", "type", "missing", "seen", "evidence")
    for c in draft.proposal.columns:
        name = f"{c.name} (key)" if c.name in draft.proposal.key else c.name
        table.add_row(c.header, name, c.type.name, " ".join(c.missing), c.seen, c.evidence)
    out.print(table)
    for question in draft.proposal.questions:
        out.print(f"?    {question}", highlight=False)
    out.print(f"wrote {draft.contract}{f' and {draft.case}' if draft.case else ''}", highlight=False)
    out.print(f"now: answer the questions there, then citylake try {dataset} {sample}", highlight=False)
