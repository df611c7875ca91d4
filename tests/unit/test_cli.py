"""What the command line says to somebody who mistypes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_mistyped_dataset_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a", "utf-8")
    call = [
        sys.executable,
        "-m",
        "citylake.cli",
        "diagnose",
        "construction/componen",
        str(tmp_path / "a.csv"),
    ]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "did you mean 'construction/component'?" in done.stderr
    assert "[dataset.unknown]" in done.stderr and "Traceback" not in done.stderr
