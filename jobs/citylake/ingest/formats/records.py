"""What every format decoder yields: records with their place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from citylake.contract.meaning import tidy
from citylake.ledger.receipts import Finding


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: text by delivered column (in the decoder's column order) and where it stands."""

    number: int  # from 1, over the records of the file
    line: int  # from 1; in a workbook the row of the sheet
    start: int  # first byte
    end: int  # one past the last byte
    values: list[str | None]
    error: str | None = None
    amends: str | None = None  # the quarantined record that this one replaces: `<file>:<record>[:<cell>]`


def holds_nothing(values: Iterable[str | None]) -> bool:
    """Whether a record has nothing in any field: it is none, in every format."""
    return not any(v and tidy(v) for v in values)


class Decoder(Protocol):
    """A file opened by its format: the columns it holds and its records."""

    layout: str
    columns: tuple[str, ...]  # contract columns in the order of `Record.values`

    def __iter__(self) -> Iterator[Record]:
        """The records in file order, each exactly once, errors included."""
        ...


class Unreadable(Exception):
    """The file as a whole is not what the contract describes; holds the findings for the refusal."""

    def __init__(self, *findings: Finding) -> None:
        """At least one finding."""
        super().__init__(findings[0].en)
        self.findings = findings
