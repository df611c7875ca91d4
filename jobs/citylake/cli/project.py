"""A city's own project: `citylake init`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from citylake.cli.render import out
from citylake.core.errors import LakeError
from citylake.core.project import base

app = typer.Typer()

_SHARED = ("schemas/types", "schemas/codes", "dags", "infra/profiles", "infra/jars.lock")
_EMPTY = ("jobs/marts", "expectations", "tests", "schemas/marts")


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="a new folder")]) -> None:
    """Make a city's own project: types, code lists and DAGs; its contracts and marts are yours to add."""
    if folder.exists() and any(folder.iterdir()):
        raise LakeError("init.not_empty", f"{folder} is not empty", now="name a new folder")
    for name in _SHARED:
        source, target = base(name), folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    for name in _EMPTY:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for source in sorted(base("infra/project").iterdir()):
        shutil.copy2(source, folder / source.name.removesuffix(".in"))
    out.print(f"{folder}: contracts go to schemas/<department>/, marts to jobs/marts/<mart>/<table>.py")
    out.print("next: make check, then make run", highlight=False)
