"""The `citylake` command. Exit codes: 0 ok, 1 refused or gate failed, 2 usage or contract, 3 environment, 4
late.
"""

from __future__ import annotations

import sys

import typer

from citylake.cli import (
    audit,
    cases,
    contracts,
    delivery,
    entity,
    pipeline,
    project,
    query,
    readers,
    services,
    synthetic,
    tokens,
)
from citylake.cli.render import err
from citylake.core.errors import LakeError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # else help imports a reader of Markdown
    context_settings={"max_content_width": 160},
    help="citylake: an open municipal data lake",
    pretty_exceptions_enable=False,
)
for topic in (services, pipeline, delivery, query, audit, contracts, project, synthetic):
    app.add_typer(topic.app)
app.add_typer(cases.app, name="cases")
app.add_typer(entity.app, name="entity")
app.add_typer(tokens.app, name="tokens")
app.add_typer(readers.app, name="readers")


def _first_line(error: Exception) -> str:
    """Kind and, where there is one, the first line of what an error says."""
    said = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {said[:400]}" if said else type(error).__name__


def main() -> None:
    """Entry point: errors of the lake become one clear text and an exit code, never a traceback."""
    try:
        app()
    except LakeError as error:
        err.print(str(error), highlight=False, style="red")
        sys.exit(error.exit_code)
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("pyspark", "botocore", "deltalake", "_internal"):
            raise
        err.print(
            f"{_first_line(error)}   [environment.failed]\n  now: citylake doctor",
            highlight=False,
            style="red",
        )
        sys.exit(3)
