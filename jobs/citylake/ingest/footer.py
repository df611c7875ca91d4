"""The total row at the end of a file, checked against our own sums and kept out of the records."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from citylake.ingest.records import Unreadable
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
            told = _number(text)
            if told is not None and told != self._sums.get(i, Decimal(0)):
                column = header[i] if i < len(header) else ""
                raise Unreadable(
                    Finding("file.footer_total", f"合计行“{column}”与各行之和不符", f"the total of '{column}' is not the sum", self._name, line, column)
                )


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
