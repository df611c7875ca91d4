"""SQL over released views, and saved questions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as RichTable

from citylake.cli.parameters import Json
from citylake.cli.render import err, load_settings, out, print_json
from citylake.core.errors import LakeError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from citylake.pipeline.lake import Lake
    from citylake.release.query import Answer

app = typer.Typer()

Number = Annotated[int | None, typer.Option("--release", help="as an earlier release showed it")]
Most = Annotated[int | None, typer.Option("--limit", help="rows at most; 1000 on a screen, all in a file")]
Given = Annotated[list[str] | None, typer.Option("--param", help="NAME=VALUE for :NAME, may come again")]
Output = Annotated[Path | None, typer.Option("--output", help="a file: .csv, .parquet or .xlsx")]
About = Annotated[bool, typer.Option("--about", help="what the answer stands on")]
SHOWN = 1000


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="one query; not with --file")] = None,
    as_json: Json = False,
    number: Number = None,
    most: Most = None,
    file: Annotated[Path | None, typer.Option("--file", help="a file with the query")] = None,
    param: Given = None,
    output: Output = None,
    about: About = False,
) -> None:
    """Answer one query over the released views; `credit_r3.entity_file` is the view of release 3 once
    `--release 3` was asked for.
    """
    if (query is None) == (file is None):
        raise LakeError("sql.wrong", "give either a query or --file", now="citylake sql 'SELECT ...'")
    text = query if file is None else _text(file)
    _answer(_lake(), text or "", _pairs(param), number, most, output, as_json, about)


@app.command()
def ask(
    name: Annotated[str, typer.Argument(help="credit/01, or a whole name as `citylake questions` lists")],
    as_json: Json = False,
    number: Number = None,
    most: Most = None,
    param: Given = None,
    output: Output = None,
    about: About = False,
) -> None:
    """Answer a saved question; `--param division=210102` fills what it leaves open, or keeps the rows of the
    answer whose column `division` or `division_code` says so.
    """
    from citylake.release.query import ask_table
    from citylake.release.questions import find_question, narrowed

    given, lake = _pairs(param), _lake()
    question = find_question(lake.settings.root, name)
    open_ones = {n: v for n, v in given.items() if n in question.parameters}
    asked = given.keys() - question.parameters
    columns: list[str] = []
    if asked:
        columns = ask_table(_asked_of(lake, question.sql, None)[0], question.sql, 0, open_ones).column_names
    if not as_json:
        err.print(question.title, highlight=False)
    _answer(lake, narrowed(question, given, columns), given, number, most, output, as_json, about)


@app.command("questions")
def list_questions(as_json: Json = False) -> None:
    """The saved questions by name."""
    from citylake.release.questions import questions

    known = questions(load_settings().root)
    if as_json:
        print_json(
            [{"name": q.name, "title": q.title, "parameters": sorted(q.parameters)} for q in known.values()]
        )
        return
    for q in known.values():
        out.print(f"{q.name}\n    {q.title}", highlight=False)


def _lake() -> Lake:
    """The lake, its readers' server started if it is ours and does not run."""
    from citylake.appliance.processes import running
    from citylake.appliance.services import up
    from citylake.pipeline.lake import open_lake

    settings = load_settings()
    if settings.embedded and not running("readers", settings.state):
        up(settings, with_readers=True)
    return open_lake()


def _answer(
    lake: Lake,
    query: str,
    given: dict[str, str],
    number: int | None,
    most: int | None,
    output: Path | None,
    as_json: bool,
    about: bool,
) -> None:
    from citylake.release.export import check_suffix, export
    from citylake.release.query import ask as answer
    from citylake.release.query import ask_table

    spark, text = _asked_of(lake, query, number)
    if output is not None:
        check_suffix(output)
        table = ask_table(spark, text, most, given)
        export(table, output)
        err.print(f"{table.num_rows} rows in {output}", highlight=False)
    else:
        _show(
            answer(spark, text, most or SHOWN, given),
            most or SHOWN,
            as_json,
            _about(lake, query, number) if about else None,
        )
        return
    if about:
        _tell(_about(lake, query, number))


def _asked_of(lake: Lake, query: str, number: int | None) -> tuple[SparkSession, str]:
    """The session that is asked, and the query as it names the release's views."""
    from citylake.release.release import as_known_on, find_release, latest, then
    from citylake.release.shown import show

    spark = show(lake.settings, lake.store, latest(lake.store))
    if number is None:
        return spark, query
    release = find_release(lake.store, number)
    show(lake.settings, lake.store, release, then(release))
    return spark, as_known_on(lake.settings, release, query)


def _show(answer: Answer, most: int, as_json: bool, about: dict[str, Any] | None) -> None:
    if as_json:
        rows = [dict(zip(answer.columns, r, strict=True)) for r in answer.rows]
        print_json(rows if about is None else {"rows": rows, "about": about})
    else:
        table = RichTable(*answer.columns)
        for r in answer.rows:
            table.add_row(*["" if v is None else str(v) for v in r])
        out.print(table)
        if about is not None:
            _tell(about)
    if answer.more:
        err.print(f"the first {most} rows; there are more: --limit N shows N, count(*) counts them")


def _about(lake: Lake, query: str, number: int | None) -> dict[str, Any]:
    """Release, and of each dataset behind the query how far it reaches, open cases and held deliveries."""
    from citylake.casework.cases import cases
    from citylake.pipeline.lake import today
    from citylake.release.release import latest
    from citylake.release.standing import datasets_of, standing

    day = today()
    behind = [
        asdict(s)
        | {
            "open_cases": sum(
                c.state != "closed"
                for c in cases(lake.store, lake.contracts[s.dataset], lake.settings.root, day)
            )
        }
        for s in standing(lake.store, datasets_of(lake.settings.root, lake.contracts, query))
    ]
    return {"release": number or latest(lake.store).number, "inputs": behind}


def _tell(about: dict[str, Any]) -> None:
    out.print(f"release {about['release']}", highlight=False)
    for s in about["inputs"]:
        held = f", held: {' '.join(s['held'])}" if s["held"] else ""
        waiting = f", waiting: {s['waiting']}" if s["waiting"] else ""
        reach = s["covered_to"] or "nothing yet"
        told = f"  {s['dataset']}: to {reach}, open cases: {s['open_cases']}{held}{waiting}"
        out.print(told, highlight=False)


def _pairs(given: list[str] | None) -> dict[str, str]:
    """NAME=VALUE as a dictionary."""
    for text in given or []:
        if not text.partition("=")[0].isidentifier() or "=" not in text:
            raise LakeError("sql.parameter", f"'{text}' is no NAME=VALUE", now="--param division=210102")
    return dict(text.split("=", 1) for text in given or [])


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError(
            "sql.file",
            f"{file} cannot be read as UTF-8: {type(error).__name__}",
            now="citylake sql --file question.sql",
        ) from None


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
