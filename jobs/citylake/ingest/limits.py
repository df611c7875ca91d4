"""How much a file may ask of the lake before it is refused; every limit is far above what an honest delivery
needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

from citylake.ingest.formats.records import Unreadable
from citylake.ledger.receipts import Finding

PLAIN_BYTES = 8 << 30  # a file after it is unpacked
RATIO = 100  # plain bytes per packed byte
RATIO_FREE_BYTES = 1 << 20  # below this many plain bytes a ratio proves nothing
MANIFEST_BYTES = 16 << 20
RECORD_BYTES = 16 << 20
RECORD_LINES = 100_000  # inside the quotes of one record
FIELD_CHARACTERS = 1 << 20
COLUMNS = 2_000
DEPTH = 100  # of nested JSON or XML
DOCUMENT_BYTES = 512 << 20  # formats that are read whole (workbooks, JSON documents)
SHEET_CELLS = 20_000_000
SHEET_ROWS = 1_000_000
SHEET_COLUMNS = 16_384
SECONDS = 3_600.0
_T = TypeVar("_T")


def within_time(pieces: Iterator[_T], seconds: float = SECONDS) -> Iterator[_T]:
    """The same pieces; Unreadable when reading them takes longer than the budget."""
    end = time.monotonic() + seconds
    for piece in pieces:
        if time.monotonic() > end:
            raise Unreadable(
                Finding(
                    "budget.seconds", f"读取超过{seconds:.0f}秒", f"reading takes more than {seconds:.0f} s"
                )
            )
        yield piece


def too_many_columns(count: int, name: str, line: int) -> Unreadable:
    """The refusal of a header wider than `COLUMNS`."""
    return Unreadable(
        Finding(
            "budget.columns", f"列数{count}超过{COLUMNS}", f"{count} columns, at most {COLUMNS}", name, line
        )
    )
