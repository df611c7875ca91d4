"""The files that the synthetic offices write: one writer per format, and the totals of what they hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from citylake.contract.model import Contract
from citylake.synthetic.order import Order
from citylake.synthetic.world import Row


class Totals:
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


def _csv(path: Path, order: Order, rows: Iterable[Row], totals: Totals) -> None:
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


def _fixed(path: Path, order: Order, rows: Iterable[Row], totals: Totals) -> None:
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


def _spaced(path: Path, order: Order, rows: Iterable[Row], totals: Totals) -> None:
    names = [c.name for c in order.contract.columns if c.delivered]
    with path.open("w", encoding=order.contract.encoding, newline="\n") as handle:
        for row in rows:
            handle.write(" ".join(row[n].rjust(6) for n in names) + "\n")
            totals.take(row)


def _json(path: Path, order: Order, rows: Iterable[Row], totals: Totals) -> None:
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


def _packets(path: Path, order: Order, rows: Iterable[Row], totals: Totals) -> None:
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


def _workbook(path: Path, order: Order, rows: Iterable[Row], totals: Totals) -> None:
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


WRITERS: dict[str, Callable[[Path, Order, Iterable[Row], Totals], None]] = {
    "csv": _csv,
    "fixed_width": _fixed,
    "spaced": _spaced,
    "json": _json,
    "xlsx": _workbook,
    "hj212": _packets,
}
