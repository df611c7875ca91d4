"""What can be proved, and the pages."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from citylake.audit.findings import Examination
from citylake.cli.parameters import Dataset, Json, MartTable, Receipt
from citylake.cli.render import load_settings, out, print_json

if TYPE_CHECKING:
    from citylake.audit.trace import Tracer

app = typer.Typer()


@app.command()
def check(
    since: Annotated[int, typer.Option(help="the last seal whose objects are not hashed again")] = 0,
    as_json: Json = False,
) -> None:
    """Prove the lake: every object against the seal, every chain, receipt, letter, landed file and
    release, and
    bronze against the landed bytes. Names each damage; says what it looked at.
    """
    from citylake.audit.check import check as examine
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    _show(examine(lake.settings, lake.store, lake.contracts, since=since), as_json)


@app.command()
def verify(
    against: Annotated[list[Path], typer.Option(help="checkpoints that you kept (files)", exists=True)],
    copy: Annotated[Path | None, typer.Option(help="a copy of the bucket as a folder", exists=True)] = None,
    key: Annotated[str | None, typer.Option(help="the lake's public key, as you kept it")] = None,
    as_json: Json = False,
) -> None:
    """Prove that a lake, or a copy of it, still holds all that a checkpoint stands for; a copy needs no
    service.
    """
    from citylake.audit.check import examine
    from citylake.audit.copy import Copy
    from citylake.storage.store import open_store

    objects = Copy(copy) if copy else open_store(load_settings())
    notes = tuple(p.read_text("utf-8") for p in against)
    _show(examine(objects, key, against=notes), as_json)


@app.command()
def seal(
    key: Annotated[bool, typer.Option("--key", help="print the public key")] = False,
) -> None:
    """Seal what is new and print the signed checkpoint; keep it outside the lake."""
    from citylake.ledger.seal import public_key
    from citylake.ledger.seal import seal as make
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    note = make(lake.settings, lake.store)
    typer.echo(public_key(lake.store) if key else note, nl=key)


def _show(seen: Examination, as_json: bool) -> None:
    """Print damages and counts; exit 1 when there is a damage."""
    if as_json:
        print_json({"damages": [asdict(x) for x in seen.damages], "looked_at": dict(seen.looked_at)})
    else:
        for x in seen.damages:
            out.print(f"FAIL {x}", highlight=False, markup=False, soft_wrap=True)
        told = ", ".join(f"{n} {what}" for what, n in sorted(seen.looked_at.items()))
        out.print(f"{'FAIL' if seen.damages else 'OK'}   looked at {told or 'nothing'}", highlight=False)
    raise typer.Exit(1 if seen.damages else 0)


@app.command()
def trace(
    table: MartTable,
    key: Annotated[list[str], typer.Argument(help="the values of the row's key, in its order")],
    every: Annotated[bool, typer.Option("--all", help="every record, not five of an input")] = False,
) -> None:
    """From a mart row to the input rows behind it, as its own build tells: delivery, file, line, bytes and
    the original text.
    """
    print_json(_tracer().trace(table, key, *([sys.maxsize] if every else [])))


@app.command()
def impact(
    dataset: Dataset,
    receipt: Receipt,
    every: Annotated[bool, typer.Option("--all", help="every key, not five of a mart")] = False,
) -> None:
    """Which rows of which marts a delivery reaches: made of its records, or made with a look at them."""
    from citylake.audit.impact import impact as follow

    found = follow(_tracer(), dataset, receipt, *([sys.maxsize] if every else []))
    print_json([asdict(x) for x in found])


def _tracer() -> Tracer:
    from citylake.audit.trace import Tracer
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    return Tracer(lake.settings, lake.store, lake.contracts, lambda: lake.spark)


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
def report(
    release: Annotated[
        int | None,
        typer.Option(help="the lake as the seal of this release left it, into a folder of its own"),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="day on which waivers, lateness and ages are judged; that of the release"),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="the new folder of a dated report")] = None,
    verify: Annotated[
        Path | None, typer.Option(help="make a dated report again and compare every byte")
    ] = None,
) -> None:
    """Write the offline pages and print where they are; with --release, a report that can be made again."""
    from citylake.pipeline import reports
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import report as write

    if verify is not None:
        differ = reports.differences(open_lake(), verify)
        print_json({"report": str(verify), "differ": differ})
        raise typer.Exit(1 if differ else 0)
    if release is None:
        if as_of or to:
            raise typer.BadParameter("--as-of and --to need --release")
        print_json(write(open_lake()))
        return
    print_json({"pages": str(reports.dated_report(open_lake(), release, as_of, to))})
