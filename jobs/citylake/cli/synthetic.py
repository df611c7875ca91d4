"""The synthetic city: generate it, score what was found of it, show it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as RichTable

from citylake.cli.parameters import Json
from citylake.cli.render import load_settings, out, print_json, show_deliveries

app = typer.Typer()


@app.command()
def city(
    to: Annotated[Path, typer.Argument(help="folder to write")],
    months: Annotated[int, typer.Option(help="how many months from 2016-01 on")] = 2,
    scale: Annotated[float, typer.Option(help="size of the city; 1 is that of the demo")] = 1.0,
    seed: Annotated[int, typer.Option(help="another number is another city")] = 2016,
    defects: Annotated[str, typer.Option(help="off, normal or heavy")] = "normal",
) -> None:
    """Generate a synthetic city: deliveries with manifests and the truth about every planted defect."""
    from citylake.synthetic import generate

    print_json(generate(to, months=months, scale=scale, seed=seed, defects=defects))  # pyright: ignore[reportArgumentType]


@app.command()
def score(
    truth: Annotated[Path, typer.Argument(help="the city's truth/defects.jsonl")], as_json: Json = False
) -> None:
    """How many planted defects were found, per kind, and how many sound rows were accused of them."""
    from citylake.pipeline.lake import open_lake
    from citylake.synthetic.score import score as measure

    lake = open_lake()
    found = measure(lake.settings, lake.store, lake.spark, lake.contracts, truth)
    if as_json:
        print_json({**asdict(found), "recall": found.recall, "false_alarm_rate": found.false_alarm_rate})
        return
    table = RichTable("kind", "expected", "planted", "found", "accused", "missed or accused (first)")
    for k in found.kinds:
        table.add_row(
            k.id,
            k.expect,
            str(k.planted),
            str(k.found),
            str(len(k.accused)),
            "; ".join([*k.missed[:2], *k.accused[:2]]),
        )
    out.print(table)
    out.print(
        f"recall {found.recall:.4f}   false alarms {found.false_alarms} of {found.clean_rows} clean records"
        f" ({found.false_alarm_rate:.4%})"
    )
    for rule, times in sorted(found.alarms.items()):
        out.print(f"  {times} {rule}", highlight=False)
    raise typer.Exit(0 if found.recall >= 0.98 and found.false_alarm_rate <= 0.005 else 1)


@app.command()
def demo(
    keep: Annotated[bool, typer.Option(help="leave the scheduler and its pages running")] = False,
) -> None:
    """A generated city through the real scheduler: services, deliveries, all DAGs, report."""
    from citylake.synthetic.demo import run_demo

    raise typer.Exit(run_demo(load_settings(), show_deliveries, out, keep=keep))
