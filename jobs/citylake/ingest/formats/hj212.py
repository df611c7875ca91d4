"""HJ 212-2017 packets: `##` + length + data + CRC16, one line each; every pollutant of a packet becomes a
record.

The columns of the contract are the packet's own names (QN ST CN MN Flag DataTime) and, per pollutant, `Code`
and its
attributes (Rtd Min Avg Max Cou Flag as `P_Rtd` ... `P_Flag`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ingest.formats.scanner import physical_lines
from citylake.ledger.receipts import Finding

_MARK, _DIGITS, _CRC = b"##", 4, 4
_LONGEST = 1024  # bytes of the data segment, HJ 212-2017, table 2


def crc16(data: bytes) -> int:
    """The standard's own check (HJ 212-2017, appendix A): not MODBUS, the register is shifted before each
    byte enters.
    """
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


class Hj212:
    """A file of packets in the order in which they came."""

    def __init__(self, path: Path, contract: Contract) -> None:
        """Unreadable when it is empty or does not begin with a packet."""
        with path.open("rb") as handle:
            head = handle.read(2)
        if head != _MARK:
            rule, zh, en = (
                ("delivery.malformed", "不以##开头", "does not begin with ##")
                if head
                else ("delivery.empty", "文件为空", "the file is empty")
            )
            raise Unreadable(Finding(rule, zh, en, path.name, 1))
        self._path = path
        fields = [c for c in contract.columns if c.delivered]
        self._headers = [c.header("") for c in fields]
        self.columns, self.layout = tuple(c.name for c in fields), ""

    def __iter__(self) -> Iterator[Record]:
        number = 0
        with self._path.open("rb") as handle:
            for line, start, piece in physical_lines(handle, self._path.name):
                raw = piece.rstrip(b"\r\n")
                if not raw:
                    continue
                number += 1
                yield from self._records(number, line, start, start + len(piece), raw)

    def _records(self, number: int, line: int, start: int, end: int, raw: bytes) -> Iterator[Record]:
        error = _fault(raw)
        rows = [] if error else _rows(raw[len(_MARK) + _DIGITS : -_CRC].decode("ascii", "replace"))
        if not rows:
            yield Record(
                number, line, start, end, [None] * len(self.columns), error or "record.missing_field"
            )
        for row in rows:
            yield Record(number, line, start, end, [row.get(h) for h in self._headers], None)


def _fault(raw: bytes) -> str | None:
    """What is wrong with a packet's frame."""
    data, crc = raw[len(_MARK) + _DIGITS : -_CRC], raw[-_CRC:]
    digits = raw[len(_MARK) : len(_MARK) + _DIGITS]
    if not raw.startswith(_MARK) or not digits.isdigit():
        return "record.malformed"
    if int(digits) != len(data) or len(data) > _LONGEST:
        return "record.missing_field" if len(data) < int(digits) else "record.extra_field"
    return None if crc.upper() == f"{crc16(data):04X}".encode() else "record.checksum"


def _rows(data: str) -> list[dict[str, str]]:
    """One row per pollutant; the items outside CP and the times inside it belong to each."""
    head, _, rest = data.partition("CP=&&")
    common = dict(pair.split("=", 1) for pair in head.strip(";").split(";") if "=" in pair)
    rows: dict[str, dict[str, str]] = {}
    for group in rest.removesuffix("&&").split(";"):
        for item in (i for i in group.split(",") if "=" in i):
            key, value = item.split("=", 1)
            code, dash, attribute = key.partition("-")
            if dash:
                rows.setdefault(code, {"Code": code})[f"P_{attribute}"] = value
            else:
                common[key] = value
    return [{**common, **row} for row in rows.values()]
