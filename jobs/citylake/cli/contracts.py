"""Contracts and the suites that follow from them."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from citylake.cli.parameters import Dataset, Json
from citylake.cli.render import err, load_settings, out, print_json, show_draft, show_finding

if TYPE_CHECKING:
    from citylake.privacy.roles import Role

app = typer.Typer()


def _show_changes(against: str) -> bool:
    """Print what changed since a revision; whether a version is too low for its change."""
    from citylake.compile.compare import changes_against

    found = changes_against(load_settings().root, against)
    for c in found:
        needs = f"; needs version {c.needs}" if c.needs else ""
        breaks = f"; breaks {', '.join(c.breaks)}" if c.breaks else ""
        out.print(
            f"{'BREAKING' if c.breaking else 'additive'} {c.file}: {c.what}{breaks}{needs}", highlight=False
        )
    return any(c.needs for c in found)


@app.command()
def lint(
    against: Annotated[
        str | None, typer.Option(help="a git revision: list what changed since, and what that breaks")
    ] = None,
) -> None:
    """Check every contract; name file, line and the nearest valid key."""
    from citylake.contract.load import lint as find

    if against is not None and _show_changes(against):
        raise typer.Exit(2)
    found = find(load_settings().root)
    for problem in found:
        err.print(str(problem), highlight=False)
    if not found:
        out.print("OK   all contracts are sound")
    raise typer.Exit(2 if found else 0)


@app.command()
def new(
    dataset: Dataset,
    sample: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="a file as the department sends it")
    ],
    period: Annotated[str, typer.Option(help="what the sample is for; this month by default")] = "",
    as_json: Json = False,
) -> None:
    """Draft contract, suites and golden case of a new dataset from a sample; no service is needed."""
    from citylake.ingest.formats.records import Unreadable
    from citylake.onboarding.new import draft
    from citylake.pipeline.lake import today

    try:
        found = draft(load_settings(), dataset, sample, period or f"{today():%Y-%m}")
    except Unreadable as error:
        for f in error.findings:
            show_finding(f)
        raise typer.Exit(1) from None
    print_json(asdict(found)) if as_json else show_draft(found, dataset, sample)


@app.command()
def schema() -> None:
    """Print the JSON Schema of contracts: an editor checks and completes by it."""
    from citylake.contract.editor import editor_schema
    from citylake.contract.load import load_types

    print_json(editor_schema(load_types(load_settings().root)))


@app.command()
def expectations(
    check_only: Annotated[bool, typer.Option("--check", help="fail when the files differ")] = False,
) -> None:
    """Generate the suites under expectations/ from the contracts."""
    from citylake.compile.suite import stale_suites, write_suites
    from citylake.contract.load import load_contracts

    root = load_settings().root
    contracts = load_contracts(root)
    changed = stale_suites(contracts, root) if check_only else write_suites(contracts, root)
    for path in changed:
        out.print(f"{'differs' if check_only else 'wrote'} {path.relative_to(root)}")
    raise typer.Exit(1 if check_only and changed else 0)


class PolicyForm(StrEnum):
    """How `citylake policies` prints."""

    TABLE, S3, SEAWEED = "table", "s3", "seaweed"


@app.command()
def policies(
    form: Annotated[PolicyForm, typer.Option("--format", help="how to print them")] = PolicyForm.TABLE,
) -> None:
    """Who may do what at the store, by role: a table, S3 policies for any store, or SeaweedFS's own form."""
    from citylake.contract.load import load_contracts
    from citylake.privacy.roles import roles, seaweed

    settings = load_settings()
    contracts = load_contracts(settings.root)
    held = roles(contracts)
    if form is PolicyForm.SEAWEED:
        print_json(seaweed(settings.lake, contracts))
    elif form is PolicyForm.S3:
        print_json({name: role.document(settings.lake) for name, role in held.items()})
    else:
        for name, role in held.items():
            out.print(f"{name}\n{_grants(role)}", highlight=False)


def _grants(role: Role) -> str:
    """One line per set of verbs with the prefixes that they hold for."""
    told: dict[str, list[str]] = {}
    for prefix, verbs in role.allowed.items():
        told.setdefault(" ".join(sorted(verbs)), []).append(prefix)
    return "\n".join(f"  {verbs:22} {' '.join(prefixes)}" for verbs, prefixes in told.items())
