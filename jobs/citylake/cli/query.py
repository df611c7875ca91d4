"""SQL over released views."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table as RichTable

from citylake.cli.render import Json, err, out, print_json
from citylake.core.errors import LakeError

app = typer.Typer()


@app.command()
def sql(
    query: str,
    as_json: Json = False,
    number: Annotated[int | None, typer.Option("--release", help="as an earlier release showed it")] = None,
    most: Annotated[int, typer.Option("--limit", help="rows to show at most")] = 1000,
) -> None:
    """Answer one query over the released views; `credit_r3.entity_file` is the view of release 3 once
    `--release 3` was asked for.
    """
    from citylake.audit.tables import audit_views
    from citylake.pipeline.lake import open_lake
    from citylake.release.query import ask
    from citylake.release.release import as_known_on, create_views, find_release, latest

    lake = open_lake()
    create_views(lake.spark, lake.settings, latest(lake.store))
    for statement in audit_views(lake.settings):
        lake.spark.sql(statement).collect()
    answer = ask(
        lake.spark,
        query
        if number is None
        else as_known_on(lake.spark, lake.settings, find_release(lake.store, number), query),
        most,
    )
    if as_json:
        print_json([dict(zip(answer.columns, r, strict=True)) for r in answer.rows])
    else:
        table = RichTable(*answer.columns)
        for r in answer.rows:
            table.add_row(*["" if v is None else str(v) for v in r])
        out.print(table)
    if answer.more:
        err.print(f"the first {most} rows; there are more: --limit N shows N, count(*) counts them")


@app.command()
def shell() -> None:
    """A prompt for SQL over the released views; `;` ends a statement, `exit` or the end of the input the
    shell.
    """
    import readline  # noqa: F401  (line editing for input())

    out.print("SQL over released views; end a statement with ; and the shell with exit")
    statement = ""
    while (line := _asked("sql> " if not statement else "...> ")).strip().lower() not in ("exit", "quit"):
        statement += f" {line}"
        if line.strip().endswith(";"):
            try:
                sql(statement.strip().rstrip(";"))
            except Exception as error:  # a wrong statement must not end the shell
                told = (
                    str(error) if isinstance(error, LakeError) else str(error).strip().split("\n", 1)[0][:400]
                )
                err.print(told, highlight=False, style="red")
            statement = ""


def _asked(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:
        return "exit"
