"""What can be proved, and the pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from citylake.cli.render import Json, load_settings, out, print_json

app = typer.Typer()


@app.command()
def check(as_json: Json = False) -> None:
    """Compare bronze with the landed bytes and every chain with its hashes; names batch and line of any
    loss.
    """
    from citylake.audit.conservation import losses
    from citylake.ledger.evidence import broken_links
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    lost = [
        x for c in lake.contracts.values() if c.kind != "mart" for x in losses(lake.settings, lake.store, c)
    ]
    broken = [text for chain in [*lake.contracts, "release"] for text in broken_links(lake.store, chain)]
    if as_json:
        print_json({"losses": [asdict(x) for x in lost], "broken_chains": broken})
    for x in () if as_json else lost:
        out.print(
            f"FAIL {x.dataset} receipt {x.receipt:04d} {x.file} line {x.line} bytes"
            f" {x.byte_start}-{x.byte_end}: {x.found} rows in bronze, {x.expected} decoded"
        )
    for text in () if as_json else broken:
        out.print(f"FAIL {text}")
    if not as_json and not lost and not broken:
        out.print("OK   every landed record is in bronze once; all chains are whole")
    raise typer.Exit(1 if lost or broken else 0)


@app.command()
def trace(table: str, key: list[str]) -> None:
    """From a mart row to silver rows, delivery, file, line and the original text."""
    from citylake.audit.trace import trace as follow
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    print_json(follow(lake.settings, lake.store, lake.contracts, table, key))


@app.command()
def restatements(
    mart: Annotated[str | None, typer.Argument(help="one mart table, `<mart>/<table>`")] = None,
    as_json: Json = False,
) -> None:
    """Figures that a later delivery changed: key, old, new and the input that caused it."""
    from citylake.marts.restatement import restatements as find

    found = find(load_settings(), mart)
    if as_json:
        print_json(found)
        return
    for r in found:
        cells = ", ".join(f"{c['column']} {c['old']} -> {c['new']}" for c in r["changed"])
        causes = "; ".join(f"{c['input']} {' '.join(c.get('deliveries', []))}".strip() for c in r["because"])
        out.print(f"{r['mart']} {r['key']} {r['change']}: {cells}  ({causes})", highlight=False)
    out.print(f"{len(found)} rows restated")


@app.command()
def report() -> None:
    """Write the offline pages and print where they are."""
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import report as write

    print_json(write(open_lake()))
