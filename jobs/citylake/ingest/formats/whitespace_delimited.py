"""Columns parted by blanks, without a header, as in the monthly text of the CMA daily set (one file per
element).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ingest.formats.scanner import CTRL_Z, physical_lines
from citylake.ledger.receipts import Finding


class Spaced:
    """A file whose columns stand in the contract's order."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is empty."""
        if not path.stat().st_size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        self._path, self._encoding = path, contract.encoding
        self.columns, self.layout = tuple(c.name for c in contract.columns if c.delivered), ""

    def __iter__(self) -> Iterator[Record]:
        number = 0
        with self._path.open("rb") as handle:
            for line, start, piece in physical_lines(handle, self._path.name):
                if not piece.strip() or piece == CTRL_Z:
                    continue
                number += 1
                yield self._record(number, line, start, piece)

    def _record(self, number: int, line: int, start: int, piece: bytes) -> Record:
        end, width = start + len(piece), len(self.columns)
        try:
            fields: list[str | None] = [*piece.decode(self._encoding).split()]
        except UnicodeDecodeError:
            return Record(number, line, start, end, [None] * width, "record.undecodable")
        error = None
        if len(fields) != width:
            if piece[-1:] not in (b"\n", b"\r") and len(fields) < width:
                raise Unreadable(
                    Finding(
                        "file.truncated",
                        "末行不完整,文件被截断",
                        "the last record is cut off",
                        self._path.name,
                        line,
                    )
                )
            error = "record.missing_field" if len(fields) < width else "record.extra_field"
        return Record(number, line, start, end, (fields + [None] * width)[:width], error)
