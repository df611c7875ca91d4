"""Contracts and the suites that follow from them."""

from __future__ import annotations

from typing import Annotated

import typer

from citylake.cli.render import err, load_settings, out

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
