"""Parameters that several commands share; what each means is said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Dataset = Annotated[str, typer.Argument(help="<department>/<dataset>")]
MartTable = Annotated[str, typer.Argument(help="a mart table, <mart>.<table>")]
Case = Annotated[str, typer.Argument(help="<dataset>/<receipt>/<rule>, as `citylake cases` lists it")]
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="the data files")]
Receipt = Annotated[int, typer.Argument(help="number of the delivery's receipt")]
By = Annotated[str, typer.Option(help="who decides")]
Reason = Annotated[str, typer.Option(help="why")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]
