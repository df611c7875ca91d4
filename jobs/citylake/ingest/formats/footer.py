"""The total row at the end of a file, checked against our own sums and kept out of the records."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from citylake.ingest.formats.records import Unreadable
from citylake.ledger.receipts import Finding


class Footer:
    """Sums the numbers of every column while records go by."""

    def __init__(self, label: str, name: str) -> None:
        """`label` begins the first cell of the total row, `name` is the file's."""
        self._label, self._name = label, name
        self._sums: dict[int, Decimal] = {}

    def is_total(self, fields: list[str]) -> bool:
        """Whether a record is the total row."""
        return fields[0].strip().startswith(self._label)

    def add(self, fields: list[str]) -> None:
        """Take a record's numbers."""
        for i, text in enumerate(fields):
            self._sums[i] = self._sums.get(i, Decimal(0)) + (_number(text) or Decimal(0))

    def check(self, fields: list[str], header: list[str], line: int) -> None:
        """Unreadable when a number of the total row is not our sum of its column."""
        for i, text in enumerate(fields[1:], start=1):
            told, ours = _number(text), self._sums.get(i, Decimal(0))
            if told is not None and told != ours:
                column = header[i] if i < len(header) else ""
                zh, en = (
                    f"合计行“{column}”为{told},各行之和为{ours}",
                    f"the total of '{column}' is {told}, the rows add up to {ours}",
                )
                raise Unreadable(Finding("file.footer_total", zh, en, self._name, line, column))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
