"""The wheel carries what a project starts from: locks, profiles, types, code lists and the DAG files."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
CARRIED = (
    "infra/jars.lock",
    "infra/door",
    "infra/profiles",
    "infra/project",
    "schemas/types",
    "schemas/codes",
    "dags",
)


class WithBase(build_py):
    """Copies the carried files below `citylake/base`."""

    def run(self) -> None:
        super().run()
        for name in CARRIED:
            source, target = HERE / name, Path(self.build_lib) / "citylake" / "base" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy2(source, target)


setup(cmdclass={"build_py": WithBase})
