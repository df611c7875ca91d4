"""Finds codes that a spreadsheet has shortened: those in scientific notation, and those whose digits past the
fifteenth are zeros beyond chance (IEEE 754 binary64 keeps 15 decimal digits of every number).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc

from citylake.contract.model import Column, Contract
from citylake.ingest.formats.blocks import Block
from citylake.ingest.formats.records import Decoder, Record
from citylake.ingest.formats.workbook import IDENTIFIERS, SCIENTIFIC
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import SAMPLES, masked

RULE = "file.identifier_as_number"
KEPT = 15  # significant digits that a spreadsheet keeps
SHARE = 0.05  # of the records of a file may stand in scientific notation and be judged one by one
_CHANCE = 1e-5  # below it, zeros at the end are no accident
_WHY_SCIENTIFIC = ("编号为科学计数法,末位已失", "identifiers in scientific notation have lost digits")
_WHY_ZEROS = (
    "编号第15位以后全为零,末位已失:请以文本格式重新导出",
    "the digits after the fifteenth are all zero, so they were lost: export the column as text",
)


@dataclass
class Shown:
    """Records that show one fault: how many, the first line, and a few samples."""

    count: int = 0
    line: int = 0
    samples: tuple[str, ...] = ()

    def add(self, column: Column, text: str, line: int) -> None:
        """One more record; the first few are shown."""
        self.count += 1
        self.line = self.line or line
        if len(self.samples) < SAMPLES:
            self.samples = (*self.samples, f"{line}: {masked(column, text)}")

    def finding(self, why: tuple[str, str], file: str, column: str) -> Finding:
        """The reason to refuse the file."""
        return Finding(RULE, *why, file, self.line, column, self.count, self.samples)


@dataclass
class LostDigits:
    """One text column of a file while it is read."""

    at: int  # place among the decoder's columns
    column: Column
    header: str
    long: int = 0  # codes of more than fifteen digits whose fifteenth is no zero
    scientific: Shown = field(default_factory=Shown)
    zeros: Shown = field(default_factory=Shown)
    chance: float = 0.0  # log10 of the chance that all these zeros are an accident

    def take(self, record: Record) -> None:
        """Look at one record."""
        text = (record.values[self.at] or "").strip()
        if len(text) > KEPT:
            self._long(text, record.line)
        if self.column.type.name in IDENTIFIERS and SCIENTIFIC.fullmatch(text):
            self.scientific.add(self.column, text, record.line)

    def take_block(self, block: Block) -> None:
        """Look at the records of a block; only suspects are taken one by one."""
        values = block.columns[self.at]
        for at in _where(pc.greater(pc.utf8_length(values), KEPT)):  # pyright: ignore[reportAttributeAccessIssue]
            self._long(values[at].as_py().strip(), int(block.lines[at]))
        if self.column.type.name in IDENTIFIERS:
            for at in _where(pc.match_substring(values, "E+", ignore_case=True)):  # pyright: ignore[reportAttributeAccessIssue]
                if SCIENTIFIC.fullmatch(text := values[at].as_py().strip()):
                    self.scientific.add(self.column, text, int(block.lines[at]))

    def findings(self, file: str, records: int) -> Iterator[Finding]:
        """Reasons to refuse the file."""
        if self.scientific.count > max(1, records * SHARE):
            yield self.scientific.finding(_WHY_SCIENTIFIC, file, self.header)
        if self._beyond_chance():
            yield self.zeros.finding(_WHY_ZEROS, file, self.header)

    def _long(self, text: str, line: int) -> None:
        if not (len(text) > KEPT and text.isascii() and text.isdigit()):
            return
        if text[KEPT - 1] == "0":
            return  # a serial number that is short has zeros of its own; it says nothing
        self.long += 1
        if not text[KEPT:].strip("0"):
            self.zeros.add(self.column, text, line)
            self.chance -= len(text) - KEPT

    def _beyond_chance(self) -> bool:
        """Whether so many of the long codes end in zeros that digits were lost (union bound)."""
        ways = math.log10(math.comb(self.long, self.zeros.count)) if self.long < 1_000 else 0.0
        return self.zeros.count * 2 > self.long and self.chance + ways < math.log10(_CHANCE)


def watch(decoder: Decoder, contract: Contract) -> list[LostDigits]:
    """A watcher for each column of a file that holds text."""
    columns = [(i, contract.column(name)) for i, name in enumerate(decoder.columns)]
    return [LostDigits(i, c, c.header(decoder.layout)) for i, c in columns if c.type.physical == "STRING"]


def _where(mask: object) -> np.ndarray:
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False))  # pyright: ignore[reportAttributeAccessIssue]
