"""Fixed-width records by byte position; a record of another length is an error of that record, not of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.records import Record


class FixedWidth:
    """A file of records of `record_bytes` bytes, each ended by CR LF or LF."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Columns and positions come from the contract alone."""
        self._path, self._contract = path, contract
        fields = [c for c in contract.columns if c.start is not None]
        self._spans = [(c.start or 0, c.end or 0) for c in fields]
        self.columns = tuple(c.name for c in fields)
        self.layout = ""

    def __iter__(self) -> Iterator[Record]:
        start = 0
        with self._path.open("rb", buffering=4 << 20) as handle:
            for number, piece in enumerate(handle, start=1):
                end = start + len(piece)
                raw = piece.rstrip(b"\n").removesuffix(b"\r")
                yield self._record(number, start, end, raw)
                start = end

    def _record(self, number: int, start: int, end: int, raw: bytes) -> Record:
        length = self._contract.record_bytes or len(raw)
        if len(raw) != length:
            error = "record.missing_field" if len(raw) < length else "record.extra_field"
            return Record(number, number, start, end, [None] * len(self._spans), error)
        error = "record.nul" if b"\0" in raw else None
        try:
            values = [raw[a:b].decode(self._contract.encoding).strip(" ") for a, b in self._spans]
        except UnicodeDecodeError:
            error = "record.undecodable"
            values = [raw[a:b].decode(self._contract.encoding, "replace").strip(" ") for a, b in self._spans]
        return Record(number, number, start, end, [*values], error)
