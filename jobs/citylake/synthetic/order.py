"""What a delivery of a synthetic office shall be, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citylake.contract.model import Contract


@dataclass
class Order:
    """One delivery to make."""

    contract: Contract
    delivery: str
    period: str
    coverage: str
    sent_at: datetime
    file: str
    layout: str = ""
    corrects: str | None = None
    bom: bool = False
    unnamed: int = 0
    sum_of: str | None = None  # column whose sum the manifest states
    distinct_of: str | None = None  # column whose distinct values the manifest counts
    older: tuple[str, str] | None = (
        None  # column and value of a row that a later one of the same delivery supersedes
    )
    defect_share: float = 1.0  # wide or long files get fewer defects per line
    spells: tuple[dict[str, Any], ...] = ()  # what is wrong over many of the rows, for the truth log
