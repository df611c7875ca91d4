"""Deliveries in the offices' own shapes, with manifests; rows stream through, a file is never held in
memory.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TextIO

from citylake.synthetic.defects import RATES, Defect
from citylake.synthetic.files import WRITERS, Totals
from citylake.synthetic.order import Order
from citylake.synthetic.world import Row

ROW_DUPLICATE, ROW_SUPERSEDED = "ROW-DUP", "ROW-SUP"


@dataclass
class Office:
    """Writes deliveries below `out/inbox` and the truth below `out/truth`."""

    out: Path
    seed: int
    defects: str
    truth: TextIO
    kinds: Mapping[str, tuple[Defect, ...]]
    planted: int = 0
    rows: int = 0
    deliveries: int = 0
    used: dict[str, int] = field(default_factory=dict)

    def deliver(self, order: Order, rows: Iterable[Row]) -> Path:
        """Write one delivery and its manifest; returns its folder."""
        folder = self.out / "inbox" / order.contract.id / order.delivery
        folder.mkdir(parents=True, exist_ok=True)
        totals = Totals(order.sum_of, order.distinct_of)
        WRITERS[order.contract.format](folder / order.file, order, self._dirty(order, rows), totals)
        if order.contract.container == "gzip":
            (folder / order.file).write_bytes(gzip.compress((folder / order.file).read_bytes(), mtime=0))
        _manifest(folder, order, totals)
        self.rows, self.deliveries = self.rows + totals.records, self.deliveries + 1
        return folder

    def log(self, order: Order, **facts: Any) -> None:
        """One line of truth."""
        self.planted += 1
        line = {"dataset": order.contract.id, "delivery": order.delivery, "file": order.file, **facts}
        self.truth.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _dirty(self, order: Order, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows with defects planted at the rate; at most one a row, none in a row that is ill from its birth
        (`#finding`).
        `#` keys are marks for the writer."""
        rng = Random(f"{self.seed}/defects/{order.contract.id}/{order.delivery}")
        rate = RATES[self.defects] * order.defect_share
        number = 0
        for row in rows:
            number += 1
            if row.get("#finding") and rate:
                self.log(
                    order,
                    id=row["#finding"],
                    record=number,
                    column="",
                    rule=row["#rule"],
                    expect=row["#expect"],
                    **({"station": row["#station"]} if "#station" in row else {}),
                )
                yield row
            elif rng.random() >= rate:
                yield row
            elif order.older and rng.random() < 0.15:
                yield from self._twice(order, row, number, rng)
                number += 1
            else:
                yield self._planted(order, row, number, rng)

    def _twice(self, order: Order, row: Row, number: int, rng: Random) -> Iterator[Row]:
        """The row comes twice, alike or with another content; the later one counts."""
        if rng.random() < 0.5:
            self.log(order, id=ROW_DUPLICATE, record=number, column="", rule="", expect="duplicate")
            yield dict(row)
        else:
            column, value = order.older or ("", "")
            self.log(order, id=ROW_SUPERSEDED, record=number, column=column, rule="", expect="superseded")
            yield row | {column: value}
        yield row

    def _planted(self, order: Order, row: Row, number: int, rng: Random) -> Row:
        """The row with the next kind that fits it."""
        kinds = self.kinds[order.contract.id]
        for _ in kinds:
            turn = self.used.get(order.contract.id, 0)
            self.used[order.contract.id] = turn + 1
            dirty = self._apply(order, kinds[turn % len(kinds)], row, number, rng)
            if dirty is not None:
                return dirty
        return row

    def _apply(self, order: Order, kind: Defect, row: Row, number: int, rng: Random) -> Row | None:
        facts: dict[str, Any] = {
            "id": kind.id,
            "record": number,
            "column": kind.column,
            "rule": kind.rule,
            "expect": kind.expect,
        }
        if kind.id.startswith("ROW-"):
            self.log(order, **facts)
            return row | {"#" + kind.id: "1"}
        if order.contract.unpivot:
            return self._cell(order, kind, row, facts, rng)
        if kind.column not in {c.name for c in order.contract.layout_columns(order.layout)}:
            return None
        clean = row.get(kind.column, "")
        dirty = kind.change(clean, row, rng)
        if dirty is None or dirty == clean:
            return None
        personal = order.contract.column(kind.column).type.personal != "none" or kind.id == "D36"
        self.log(order, **facts, clean="***" if personal else clean, dirty="***" if personal else dirty)
        return row | {kind.column: dirty}

    def _cell(self, order: Order, kind: Defect, row: Row, facts: dict[str, Any], rng: Random) -> Row | None:
        """Another text in one cell; never in one whose sensor is at fault (`#<station>` says so)."""
        free = [
            k
            for k in row
            if k not in ("date", "hour", "item_code") and not k.startswith("#") and f"#{k}" not in row
        ]
        if not free:
            return None
        station = rng.choice(free)
        dirty = kind.change(row[station], row, rng) or ""
        self.log(order, **facts, station=station, clean=row[station], dirty=dirty)
        return row | {station: dirty}


def _manifest(folder: Path, order: Order, totals: Totals) -> None:
    body = (folder / order.file).read_bytes()
    file = {
        "name": order.file,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "records": totals.records,
    }
    text = {
        "manifest": 1,
        "dataset": order.contract.id,
        "contract": order.contract.version,
        "delivery": order.delivery,
        "period": order.period,
        "coverage": order.coverage,
        "sent_at": order.sent_at.isoformat() + "+08:00",
        "corrects": order.corrects,
        "files": [file],
        "totals": totals.stated(),
    }
    (folder / "manifest.json").write_text(json.dumps(text, ensure_ascii=False, indent=1), "utf-8")
