"""Control totals: what a manifest states about the values of a column as they are written, against what its
files hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal

from citylake.contract.model import Column, Contract
from citylake.core.errors import did_you_mean
from citylake.ingest.manifest import MANIFEST, Totals
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import foreign, masked

_NUMBER = re.compile(r"[+-]?([0-9]{1,30}|[0-9]{1,3}(,[0-9]{3}){1,9})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_EXACT = Context(prec=400)  # holds the sum of any two numbers of that form


@dataclass
class Measured:
    """Totals of the columns that a manifest speaks of, while the records of all files go by."""

    stated: Totals
    sums: dict[str, Decimal] = field(default_factory=dict)
    no_numbers: dict[str, int] = field(default_factory=dict)
    distinct: dict[str, set[str]] = field(default_factory=dict)
    low: dict[str, str] = field(default_factory=dict)
    high: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> set[str]:
        """The columns whose values are wanted."""
        return {*self.stated.sum, *self.stated.distinct, *self.stated.min, *self.stated.max}

    def take(self, name: str, text: str) -> None:
        """One value of a column, without blanks around it; an empty one counts for nothing."""
        if not text:
            return
        if name in self.stated.sum:
            self._add(name, text)
        if name in self.stated.distinct:
            self.distinct.setdefault(name, set()).add(text)
        if name in self.stated.min:
            self.low[name] = min(self.low.get(name, text), text)
        if name in self.stated.max:
            self.high[name] = max(self.high.get(name, text), text)

    def _add(self, name: str, text: str) -> None:
        number = unicodedata.normalize("NFKC", text)
        if _NUMBER.fullmatch(number):
            self.sums[name] = _EXACT.add(self.sums.get(name, Decimal(0)), Decimal(number.replace(",", "")))
        else:
            self.no_numbers[name] = self.no_numbers.get(name, 0) + 1

    def findings(self, contract: Contract) -> Iterator[Finding]:
        """Every stated total that does not agree, and every one of a column that the contract does not
        have.
        """
        known = {c.name: c for c in contract.columns}
        for total, name, promised, came in self._pairs():
            if name not in known:
                name = foreign(contract, name)
                zh, en = (
                    f"控制总数 {total}.{name}:合约没有这一列",
                    f"the control total {total}.{name}: the contract has no such column",
                )
                yield Finding(
                    "delivery.totals_column", zh, en + did_you_mean(name, known), MANIFEST, None, name
                )
            elif promised != came:
                yield self._differs(total, known[name], promised, came)

    def _pairs(self) -> Iterator[tuple[str, str, object, object]]:
        yield from (("sum", n, v, self.sums.get(n, Decimal(0))) for n, v in self.stated.sum.items())
        yield from (
            ("distinct", n, v, len(self.distinct.get(n, ()))) for n, v in self.stated.distinct.items()
        )
        yield from (("min", n, v, self.low.get(n)) for n, v in self.stated.min.items())
        yield from (("max", n, v, self.high.get(n)) for n, v in self.stated.max.items())

    def _differs(self, total: str, column: Column, promised: object, came: object) -> Finding:
        told = tuple(_figure(total, column, v) for v in (promised, came))
        zh = f"控制总数 {total}.{column.name} 不符:清单{told[0]},实为{told[1]}"
        en = f"the control total {total}.{column.name} does not agree: {told[0]} promised, {told[1]} came"
        odd = self.no_numbers.get(column.name, 0) if total == "sum" else 0
        if odd:
            zh, en = f"{zh}(其中{odd}个值不是数字)", f"{en} ({odd} value(s) are not numbers)"
        return Finding("delivery.totals", zh, en, MANIFEST, None, column.name)


def _figure(total: str, column: Column, value: object) -> str:
    """A total as a letter may show it: the least and the greatest value of a personal column are personal."""
    return str(value or 0) if total == "distinct" or value is None else masked(column, str(value))
