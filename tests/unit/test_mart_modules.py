"""A mart's module can be imported before any Spark client exists, as a scheduler's fresh task does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from citylake.contract.load import load_contracts

EACH = "import importlib, sys; [importlib.import_module(f'citylake.marts.{m}') for m in sys.argv[1:]]"


def test_every_mart_is_imported_without_spark(root: Path) -> None:
    marts = [c.id.replace("/", ".") for c in load_contracts(root).values() if c.kind == "mart"]
    assert len(marts) > 40
    done = subprocess.run([sys.executable, "-c", EACH, *marts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
