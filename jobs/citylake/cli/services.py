"""Start, stop and examine the local services."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from citylake.cli.parameters import Json
from citylake.cli.render import load_settings, out, print_json

app = typer.Typer()


@app.command()
def up(
    readers: Annotated[bool, typer.Option(help="also start the readers' server")] = False,
    airflow: Annotated[bool, typer.Option(help="also start the scheduler; its DAGs run by schedule")] = False,
) -> None:
    """Start the local services; a second call does nothing."""
    from citylake.appliance.services import up as start

    settings = load_settings()
    start(settings, with_readers=readers)
    out.print(f"S3 {settings.endpoint}   Spark {settings.spark_address}")
    if readers:
        _show_latest()
        out.print(f"readers {settings.readers_address}   jdbc:hive2://127.0.0.1:{settings.port_jdbc}/default")
        out.print("users   citylake readers add NAME", highlight=False)
    if airflow:
        _start_scheduler()


def _start_scheduler() -> None:
    from citylake.orchestrate import scheduler

    settings = load_settings()
    scheduler.up(settings)
    count = scheduler.set_going(settings)
    out.print(f"Airflow {scheduler.address(settings)}   {count} DAGs run by schedule; citylake down stops it")
    out.print(scheduler.login_told(settings), highlight=False)


def _show_latest() -> None:
    from citylake.release.release import releases
    from citylake.release.shown import show
    from citylake.storage.store import open_store

    settings = load_settings()
    store = open_store(settings)
    found = releases(store)
    if found:
        show(settings, store, found[-1])


@app.command()
def down() -> None:
    """Stop what `up` and the scheduler started."""
    from citylake.appliance.services import down as stop
    from citylake.orchestrate.scheduler import down as stop_scheduler

    stop_scheduler(load_settings())
    stop(load_settings())


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check Java, jars, ports, disk, memory, clock, versions and the store's conditional create."""
    from citylake.appliance.doctor import checks

    found = checks(load_settings())
    if as_json:
        print_json([asdict(f) for f in found])
    else:
        for f in found:
            out.print(
                f"{'OK  ' if f.ok else 'FAIL'} {f.name}: {f.detail}"
                + ("" if f.ok else f"\n     now: {f.mend}"),
                highlight=False,
            )
    raise typer.Exit(0 if all(f.ok for f in found) else 3)
