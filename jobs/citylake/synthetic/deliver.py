"""Deliveries in the offices' own shapes, with manifests; rows stream through, a file is never held in
memory.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TextIO

from citylake.contract.model import Contract
from citylake.synthetic.defects import RATES, Defect
from citylake.synthetic.world import Row

ROW_DUPLICATE, ROW_SUPERSEDED = "ROW-DUP", "ROW-SUP"


@dataclass
class Order:
    """One delivery to make."""

    contract: Contract
    delivery: str
    period: str
    coverage: str
    sent_at: datetime
    file: str
    layout: str = ""
    corrects: str | None = None
    bom: bool = False
    unnamed: int = 0
    sum_of: str | None = None  # column whose sum the manifest states
    distinct_of: str | None = None  # column whose distinct values the manifest counts
    older: tuple[str, str] | None = (
        None  # column and value of a row that a later one of the same delivery supersedes
    )
    defect_share: float = 1.0  # wide or long files get fewer defects per line
    spells: tuple[dict[str, Any], ...] = ()  # what is wrong over many of the rows, for the truth log


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
        totals = _Totals(order.sum_of, order.distinct_of)
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


class _Totals:
    """What the office's own system counts while it exports."""

    def __init__(self, sum_of: str | None, distinct_of: str | None) -> None:
        self.records = 0
        self._sum, self._distinct = sum_of, distinct_of
        self.total, self.values = Decimal(0), set[str]()

    def take(self, row: Row) -> None:
        """Count one row as it is written."""
        self.records += 1
        if self._sum and row[self._sum]:
            self.total += Decimal(row[self._sum])
        if self._distinct and row[self._distinct]:
            self.values.add(row[self._distinct])

    def stated(self) -> dict[str, Any]:
        """The manifest's totals."""
        return {
            "records": self.records,
            "sum": {self._sum: str(self.total)} if self._sum else {},
            "distinct": {self._distinct: len(self.values)} if self._distinct else {},
            "min": {},
            "max": {},
        }


def _manifest(folder: Path, order: Order, totals: _Totals) -> None:
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


def _csv(path: Path, order: Order, rows: Iterable[Row], totals: _Totals) -> None:
    contract = order.contract
    columns = [
        c
        for c in contract.layout_columns(order.layout)
        if not (contract.unpivot and c.name in (contract.unpivot["name"], contract.unpivot["value"]))
    ]
    names = [c.name for c in columns]
    header = [c.header(order.layout) for c in columns]
    with path.open("wb") as handle:
        handle.write(b"\xef\xbb\xbf" if order.bom else b"")
        for i, row in enumerate(rows):
            cells = [k for k in row if contract.unpivot and k not in names and not k.startswith("#")]
            if i == 0:
                handle.write(_line([*header, *cells, *([""] * order.unnamed)], contract))
            extra = ["多余"] if "#ROW-EXTRA" in row else []
            line = _line(
                [*(row.get(n, "") for n in names), *(row[c] for c in cells), *([""] * order.unnamed), *extra],
                contract,
            )
            if "#ROW-BYTES" in row:
                line = line.replace(
                    row["name"].encode(contract.encoding),
                    row["name"].encode(contract.encoding)[:4] + b"\xff\xff",
                    1,
                )
            handle.write(line)
            totals.take(row)


def _line(values: list[str], contract: Contract) -> bytes:
    if not any(c in v for v in values for c in ',"\n'):
        return (",".join(values) + "\r\n").encode(contract.encoding)
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().encode(contract.encoding)


def _fixed(path: Path, order: Order, rows: Iterable[Row], totals: _Totals) -> None:
    """Records by byte position; numbers end at the right of their field, texts begin at the left."""
    contract = order.contract
    spans = [
        (c.name, c.start or 0, c.end or 0, c.type.logical == "number")
        for c in contract.columns
        if c.start is not None
    ]
    with path.open("wb") as handle:
        for row in rows:
            record = bytearray(b" " * (contract.record_bytes or 0))
            for name, start, end, number in spans:
                field = row[name].encode(contract.encoding)[: end - start]
                record[start:end] = field.rjust(end - start) if number else field.ljust(end - start)
            handle.write(bytes(record) + b"\r\n")
            totals.take(row)


def _spaced(path: Path, order: Order, rows: Iterable[Row], totals: _Totals) -> None:
    names = [c.name for c in order.contract.columns if c.delivered]
    with path.open("w", encoding=order.contract.encoding, newline="\n") as handle:
        for row in rows:
            handle.write(" ".join(row[n].rjust(6) for n in names) + "\n")
            totals.take(row)


def _json(path: Path, order: Order, rows: Iterable[Row], totals: _Totals) -> None:
    names = {c.name: c.header("") for c in order.contract.columns if c.delivered}
    with path.open("w", encoding="utf-8") as handle:
        handle.write(f'{{"source": "{order.contract.owner.name}",\n "{order.contract.records}": [')
        for i, row in enumerate(rows):
            record = {
                names[k]: json.loads(v) if k == "stages" else v or None for k, v in row.items() if k in names
            }
            handle.write(("," if i else "") + "\n  " + json.dumps(record, ensure_ascii=False))
            totals.take(row)
        handle.write("\n]}\n")


def _crc16(data: bytes) -> int:
    """HJ 212-2017, appendix A, as a device reckons it."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register


def _packets(path: Path, order: Order, rows: Iterable[Row], totals: _Totals) -> None:
    """HJ 212-2017 packets, one pollutant each; one damaged on its way has another digit than its CRC speaks
    of.
    """
    with path.open("wb") as handle:
        for row in rows:
            code, moment = row["pollutant_code"], row["data_time"]
            data = (
                f"QN={moment}000;ST=22;CN={row['command_code']};PW=123456;MN={row['monitor_no']};Flag=5;"
                f"CP=&&DataTime={moment};{code}-Rtd={row['real_time_value']},{code}-Flag={row['device_flag']}&&"
            ).encode("ascii")
            check = b"%04X" % _crc16(data)
            sent = data.replace(b"Flag=5", b"Flag=7", 1) if "#ROW-CRC" in row else data
            handle.write(b"##%04d" % len(sent) + sent + check + b"\r\n")
            totals.take(row)


def _workbook(path: Path, order: Order, rows: Iterable[Row], totals: _Totals) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    month = int(order.period[5:])
    sheet.append([f"沈阳市主要经济指标({'1-2' if month == 2 else month}月)"])
    sheet.append(["制表单位：市统计局"])
    sheet.append(["指标", "计量单位", "本月", None, "累计", None])
    sheet.append([None, None, "绝对额", "增长(%)", "绝对额", "增长(%)"])
    for area in ("A3:A4", "B3:B4", "C3:D3", "E3:F3", "A1:F1"):
        sheet.merge_cells(area)
    first = True
    for row in rows:
        child = row.get("#child") == "1"
        label = (
            f"其中：{row['indicator_name']}"
            if child and first
            else f"　　{row['indicator_name']}"
            if child
            else row["indicator_name"]
        )
        first = not child
        sheet.append(
            [
                label,
                row["unit_name"],
                *(
                    _number(row.get(c, ""))
                    for c in ("month_value", "month_growth_pct", "cumulative_value", "cumulative_growth_pct")
                ),
            ]
        )
        totals.take(row)
    sheet.append(["注：1. 工业增加值增速按可比价计算。"])
    sheet.append(["制表人：统计员"])
    sheet["A1"].alignment = Alignment(horizontal="center")
    _save(book, path, order.sent_at)


def _number(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _save(book: Any, path: Path, moment: datetime) -> None:
    """Save with the moment of sending in place of the clock, inside the document and in its zip entries."""
    import zipfile

    book.properties.created = book.properties.modified = moment
    held = io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            body = source.read(name)
            if name == "docProps/core.xml":
                body = _core(body, moment)
            target.writestr(zipfile.ZipInfo(name, (moment.year, moment.month, moment.day, 9, 0, 0)), body)


def _core(body: bytes, moment: datetime) -> bytes:
    import re

    stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode()
    return re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", lambda m: m.group(1) + stamp, body)


WRITERS: dict[str, Callable[[Path, Order, Iterable[Row], _Totals], None]] = {
    "csv": _csv,
    "fixed_width": _fixed,
    "spaced": _spaced,
    "json": _json,
    "xlsx": _workbook,
    "hj212": _packets,
}
