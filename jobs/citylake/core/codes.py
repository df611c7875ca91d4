"""Code lists: the rows of `schemas/codes/<list>.csv`."""

from __future__ import annotations

import csv
from pathlib import Path


def load_codes(root: Path, name: str) -> list[dict[str, str]]:
    """The rows of one code list (`code,label_zh,label_en,valid_from,valid_to,note` and more)."""
    with (root / "schemas" / "codes" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
