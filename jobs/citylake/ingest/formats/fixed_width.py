"""Fixed-width records by byte position; a record of another length is an error of that record, not of the
file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.formats.charset import check_charset
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ingest.formats.scanner import CTRL_Z, physical_lines
from citylake.ledger.receipts import Finding


class FixedWidth:
    """A file of records of `record_bytes` bytes, each ended by CR LF or LF."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Columns and positions come from the contract alone."""
        if not path.stat().st_size:
            raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
        check_charset(path, contract.encoding)
        self._path, self._contract = path, contract
        fields = [c for c in contract.columns if c.start is not None]
        self._spans = [(c.start or 0, c.end or 0) for c in fields]
        self.columns = tuple(c.name for c in fields)
        self.layout = ""

    def __iter__(self) -> Iterator[Record]:
        with self._path.open("rb") as handle:
            number = 0
            for line, start, piece in physical_lines(handle, self._path.name):
                raw = piece.rstrip(b"\r\n")
                if raw == CTRL_Z or not raw.strip():
                    continue
                if raw == piece and len(raw) < (self._contract.record_bytes or 0):
                    raise Unreadable(
                        Finding(
                            "file.truncated",
                            "末行不完整,文件被截断",
                            "the last record is cut off",
                            self._path.name,
                            line,
                        )
                    )
                number += 1
                yield self._record(number, line, start, start + len(piece), raw)

    def _record(self, number: int, line: int, start: int, end: int, raw: bytes) -> Record:
        length = self._contract.record_bytes or len(raw)
        if len(raw) != length:
            error = "record.missing_field" if len(raw) < length else "record.extra_field"
            return Record(number, line, start, end, [None] * len(self._spans), error)
        error = "record.nul" if b"\0" in raw else None
        try:
            values = [raw[a:b].decode(self._contract.encoding).strip(" ") for a, b in self._spans]
        except UnicodeDecodeError:
            error = "record.undecodable"
            values = [raw[a:b].decode(self._contract.encoding, "replace").strip(" ") for a, b in self._spans]
        if error is None and any("\ufffd" in v for v in values):
            error = "record.replacement_character"
        return Record(number, line, start, end, [*values], error)
