"""Where a city's own project lies (contracts, code lists, DAGs, marts), and what the package brings itself.

The package runs from a checkout, whose top level is a project too, or from a wheel, which carries the
same files
under `citylake/base`.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = PACKAGE.parents[1]
_MARKS = ("schemas", "dags")  # folders that every project has


def project_root() -> Path:
    """The project in use: `CITYLAKE_ROOT`, else the one around the current folder, else this checkout."""
    named = os.environ.get("CITYLAKE_ROOT")
    if named:
        return Path(named).resolve()
    here = Path.cwd()
    around = next((p for p in (here, *here.parents) if all((p / m).is_dir() for m in _MARKS)), None)
    return around or (_CHECKOUT if (_CHECKOUT / "schemas").is_dir() else here)


def base(name: str) -> Path:
    """A file or folder that comes with the package, by its place in the checkout: `infra/jars.lock`."""
    carried = PACKAGE / "base" / name
    return carried if carried.exists() else _CHECKOUT / name


def mart_module(root: Path, mart: str) -> tuple[str, Path]:
    """Name and file of the module that builds a mart `<mart>/<table>`: the project's own in `jobs/marts`,
    else
    the package's.
    """
    own = root / "jobs" / "marts" / f"{mart}.py"
    if own.exists():
        return f"marts.{mart.replace('/', '.')}", own
    return f"citylake.marts.{mart.replace('/', '.')}", PACKAGE / "marts" / f"{mart}.py"
