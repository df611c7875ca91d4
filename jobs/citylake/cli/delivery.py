"""What departments and engineers do with single files and deliveries."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from citylake.cli.parameters import Dataset, Files, Json, Receipt
from citylake.cli.render import demand, load_settings, out, print_json, show_finding, show_trial
from citylake.core.errors import LakeError

app = typer.Typer()


@app.command()
def fetch(
    source: Annotated[
        str,
        typer.Argument(
            help="a folder, the id of a connection in the settings, or an address; options behind #"
        ),
    ],
) -> None:
    """Step 1: bring deliveries from a source into the inbox; the manifest of each goes last."""
    from citylake.ingest.sources.bound import refuse_foreign, tell_foreign
    from citylake.ingest.sources.opening import open_source
    from citylake.ingest.sources.source import fetch as bring
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    opened = open_source(lake.settings, source)
    out.print(f"fetched {bring(lake.store, opened)} deliveries")
    refuse_foreign(tell_foreign(lake.store, opened))


@app.command()
def diagnose(
    dataset: Dataset,
    file: Annotated[Path, typer.Argument(help="the unfamiliar file")],
    reference: Annotated[Path | None, typer.Option(help="an earlier accepted file")] = None,
    as_json: Json = False,
) -> None:
    """How a file drifted from its contract, and a patch of the contract to consider; nothing is applied."""
    from citylake.contract.load import load_contracts
    from citylake.drift.kinds import diagnose as compare

    settings = load_settings()
    contracts = load_contracts(settings.root)
    demand([dataset], contracts)
    found = compare(contracts[dataset], file, reference, settings.root)
    if as_json:
        print_json([asdict(d) for d in found])
        return
    for d in found:
        out.print(
            f"{d.kind:13} {d.column or '-'}  {d.evidence_zh} / {d.evidence_en}  ({d.confidence:.2f})",
            highlight=False,
        )
    for patch in dict.fromkeys(d.patch for d in found if d.patch):
        out.print(f"\nto consider (git apply, then citylake expectations):\n{patch}", highlight=False)
    if not found:
        out.print("OK   the file is as the contract says")


@app.command()
def prepare(
    dataset: Dataset,
    files: Files,
    period: Annotated[str, typer.Option(help="2016, 2016-Q1, 2016-03 or 2016-03-14")],
    delivery: Annotated[str, typer.Option(help="the number that your department gives it")],
    coverage: Annotated[str, typer.Option(help="full or changes")] = "full",
    corrects: Annotated[str | None, typer.Option(help="the delivery whose records it corrects")] = None,
    records: Annotated[int | None, typer.Option(help="how many records your system exported")] = None,
    to: Annotated[Path, typer.Option(help="folder to write to")] = Path("inbox"),
    sign: Annotated[Path | None, typer.Option(help="private key (OpenSSH) that signs the manifest")] = None,
    as_json: Json = False,
) -> None:
    """For a department: check files as the lake will and write their manifest; nothing is sent, no service is
    needed.
    """
    from datetime import datetime

    from citylake.contract.load import load_contracts
    from citylake.core.calendar import BEIJING
    from citylake.ingest.manifest_writer import Order
    from citylake.ingest.prepare import prepare as check_and_write
    from citylake.messages.advice import advice

    contracts = load_contracts(load_settings().root)
    demand([dataset], [c.id for c in contracts.values() if c.kind != "mart"])
    found = check_and_write(
        Order(contracts[dataset], period, coverage, corrects),
        delivery,
        files,
        datetime.now(BEIJING),
        to,
        records,
        sign,
    )
    if as_json:
        print_json([{**asdict(f), "now": asdict(advice(f.rule))} for f in found])
    for f in () if as_json else found:
        show_finding(f)
    if not found and not as_json:
        out.print(f"OK   {to / dataset / delivery}: send this folder, manifest.json last", highlight=False)
    raise typer.Exit(1 if found else 0)


@app.command("try")
def try_files(
    dataset: Dataset,
    files: Files,
    period: Annotated[str, typer.Option(help="what the files are for; this month by default")] = "",
    as_json: Json = False,
) -> None:
    """What would become of a file under its contract, column by column: read, emptied, flagged, refused, with
    samples. No service is needed, nothing is kept.
    """
    from citylake.contract.load import load_contracts
    from citylake.ingest.trial import read_files
    from citylake.pipeline.lake import today
    from citylake.refine.trial import session_of_its_own, try_rows

    settings = load_settings()
    contracts = load_contracts(settings.root)
    demand([dataset], [c.id for c in contracts.values() if c.kind != "mart"])
    contract = contracts[dataset]
    read = read_files(contract, files, period or f"{today():%Y-%m}")
    if read.rows is None:
        print_json([asdict(f) for f in read.findings]) if as_json else None
        for f in () if as_json else read.findings:
            show_finding(f)
        raise typer.Exit(1)
    with session_of_its_own(settings) as spark:
        found = try_rows(spark, contract, read.rows, settings.root)
    print_json(asdict(found)) if as_json else show_trial(found)
    raise typer.Exit(1 if found.quarantined > contract.quarantine_max * found.records else 0)


@app.command()
def letter(
    dataset: Dataset,
    receipt: Receipt,
    language: Annotated[str, typer.Option("--lang", help="zh or en")] = "zh",
    as_json: Json = False,
) -> None:
    """The answer to a delivery as the department gets it."""
    from citylake.ledger.receipts import dataset_receipts
    from citylake.messages.letter import letter as compose
    from citylake.messages.letter import render
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    found = next((r for r in dataset_receipts(lake.store, dataset) if r.number == receipt), None)
    if found is None:
        raise LakeError("letter.unknown", f"{dataset} has no receipt {receipt}", now="citylake status")
    content = compose(found, lake.contracts[dataset], lake.settings.root)
    print_json(content) if as_json else sys.stdout.write(render(content, language, "txt"))


@app.command()
def amend(
    dataset: Dataset,
    delivery: Annotated[str, typer.Argument(help="the delivery whose records the file corrects")],
    file: Annotated[Path, typer.Argument(help="the corrected file")],
) -> None:
    """Hand over a corrected file; it becomes a delivery that corrects the first."""
    from datetime import datetime

    from citylake.casework.amend import amend as hand_over
    from citylake.core.calendar import BEIJING
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    demand([dataset], lake.contracts)
    given = hand_over(lake.store, lake.contracts[dataset], delivery, file.read_bytes(), datetime.now(BEIJING))
    out.print(f"{given} is in the inbox; next: citylake replay {dataset}", highlight=False)
