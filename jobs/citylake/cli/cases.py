"""Refused records as to-dos."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as RichTable

from citylake.cli.parameters import By, Case, Json, Reason
from citylake.cli.render import out, print_json

app = typer.Typer(
    help="Refused records as to-dos: list, export for the sender, waive.", invoke_without_command=True
)


@app.callback()
def cases(context: typer.Context, as_json: Json = False) -> None:
    """Every case with its state, deadline and age."""
    from citylake.pipeline.lake import open_lake, today
    from citylake.pipeline.steps import open_cases

    if context.invoked_subcommand:
        return
    found = open_cases(open_lake())
    if as_json:
        print_json([{**asdict(c), "age_days": c.age(today())} for c in found])
        return
    table = RichTable()
    for name in ("case", "state", "rows", "left", "deadline", "days", "meaning"):
        table.add_column(
            name,
            no_wrap=name != "meaning",
            justify="right" if name in ("rows", "left", "days") else "left",
            overflow="fold",
        )
    for c in found:
        table.add_row(
            c.id,
            c.state,
            str(c.rows),
            str(c.outstanding),
            c.deadline,
            str(c.age(today())),
            f"{c.meaning.zh} / {c.meaning.en}",
        )
    out.print(table)


@app.command("export")
def cases_export(case: Case, to: Annotated[Path, typer.Option(help="file to write: .csv or .xlsx")]) -> None:
    """A file that the sender can correct: original columns, reference, problem; CSV, or a workbook of
    texts.
    """
    from citylake.casework.amend import amend_file
    from citylake.casework.cases import find_case
    from citylake.pipeline.lake import open_lake, today

    lake = open_lake()
    found = find_case(lake.store, lake.contracts, lake.settings.root, case, today())
    form = "xlsx" if to.suffix.lower() == ".xlsx" else "csv"
    to.write_bytes(amend_file(lake.settings, lake.store, lake.contracts[found.dataset], found, form))
    out.print(
        f"{found.outstanding} records in {to}; corrected, they come back with: citylake amend {found.dataset}"
        f" {found.delivery} {to}",
        highlight=False,
    )


@app.command("waive")
def cases_waive(
    case: Case,
    by: By,
    reason: Reason,
    until: Annotated[str, typer.Option(help="last day of the waiver, YYYY-MM-DD")],
) -> None:
    """A named person accepts that these records stay out, until a day."""
    from datetime import date

    from citylake.casework.cases import find_case, waive
    from citylake.pipeline.lake import open_lake, today

    lake = open_lake()
    waive(
        lake.store,
        find_case(lake.store, lake.contracts, lake.settings.root, case, today()),
        by,
        reason,
        date.fromisoformat(until),
    )
    out.print(f"waived {case} until {until}", highlight=False)
