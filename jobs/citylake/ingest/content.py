"""What is in a file: opened by the format of its contract, every record read and counted, and the faults
that speak against the whole file. The lake, `prepare` and `diagnose` read by it, and so agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from citylake.contract.model import Contract
from citylake.ingest.decode import open_file
from citylake.ingest.formats.blocks import Block, pieces
from citylake.ingest.formats.records import Decoder, Record, Unreadable
from citylake.ingest.formats.scanner import physical_lines
from citylake.ingest.limits import within_time
from citylake.ingest.lost_digits import LostDigits, watch
from citylake.ingest.manifest import Totals
from citylake.ingest.totals import Measured
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import SAMPLES, masked_record

# A fault of single records is a fault of the file when a larger share of them shows it.
WHOLE_FILE = {
    "delivery.charset": 0.05,
    "delivery.structure": 0.2,
    "file.record_length": 0.2,
}
_LINES = ("csv", "fixed_width", "jsonl", "spaced", "hj212")
_LINE_BYTES = 400  # of a line that a finding shows
_FIELDS = ("record.extra_field", "record.missing_field", "record.malformed")


@dataclass
class _Damage:
    """Records of one file that show a fault which, when common, speaks against the whole file."""

    rule: str
    zh: str
    en: str
    column: str = ""
    count: int = 0
    line: int = 0
    samples: tuple[str, ...] = ()

    def seen(self, line: int, sample: Callable[[], str]) -> None:
        """One more record; the first few are shown."""
        self.count += 1
        self.line = self.line or line
        if len(self.samples) < SAMPLES:
            self.samples = (*self.samples, f"{line}: {sample()}")


@dataclass(frozen=True)
class Content:
    """What a file holds: its records (None when it cannot be read), the layout, the reasons to refuse it."""

    records: int | None
    layouts: frozenset[str]
    findings: tuple[Finding, ...]


def read_content(name: str, path: Path, contract: Contract, measured: Measured | None = None) -> Content:
    """Read a whole file as the lake does; `name` is what the sender calls it."""
    measured = Measured(Totals(records=0)) if measured is None else measured
    try:
        with open_file(path, contract) as decoder:
            records, damage, lost = _measure(decoder, measured, contract, path)
    except Unreadable as error:
        told = (_sampled(replace(f, where=name), path, contract) for f in error.findings)
        return Content(None, frozenset(), tuple(told))
    found = [*_widespread(damage, records, name), *(f for c in lost for f in c.findings(name, records))]
    if not records and not contract.empty_allowed:
        found.append(Finding("delivery.no_records", "文件没有数据记录", "the file holds no record", name, 1))
    return Content(records, frozenset({decoder.layout}), tuple(found))


def _sampled(finding: Finding, path: Path, contract: Contract) -> Finding:
    """The finding with the line that it points to, where lines of the file are text."""
    if finding.samples or finding.line is None or not _holds_lines(contract):
        return finding
    raw = b""
    with path.open("rb") as handle, suppress(Unreadable):  # a line past the budget is not shown
        raw = next((r for line, _, r in physical_lines(handle, path.name) if line == finding.line), b"")
    text = _readable(raw, contract)
    return (
        replace(finding, samples=(f"{finding.line}: {masked_record(contract, text)}",))
        if text.strip()
        else finding
    )


def _holds_lines(contract: Contract) -> bool:
    return contract.format in _LINES and not contract.container and not contract.encoding.startswith("utf-16")


def _readable(raw: bytes, contract: Contract) -> str:
    return raw[:_LINE_BYTES].decode(contract.encoding, "replace").rstrip("\r\n")


def _measure(
    decoder: Decoder, measured: Measured, contract: Contract, path: Path
) -> tuple[int, list[_Damage], list[LostDigits]]:
    """Count records, take the totals that the manifest states, and count faults that may be the file's."""
    places = [(i, name) for i, name in enumerate(decoder.columns) if name in measured.columns]
    undecodable = _Damage(
        "delivery.charset", "多条记录无法按约定字符集解码", "many records are not in the declared charset"
    )
    shifted = _Damage(
        "delivery.structure", "多条记录的字段数与合约不符", "many records have another number of fields"
    )
    if contract.record_bytes:
        shifted = _Damage("file.record_length", *_lengths(contract.record_bytes))
    lost = watch(decoder, contract)
    last = 0
    for piece in within_time(pieces(decoder)):
        if isinstance(piece, Block):
            last += len(piece)
            _measure_block(piece, places, lost, measured)
            continue
        for record in piece:
            _judge_record(record, contract, partial(_whole, record, contract, path), undecodable, shifted)
            for column in lost:
                column.take(record)
            if record.number == last:
                continue
            last = record.number
            for i, name in places:
                measured.take(name, (record.values[i] or "").strip())
    return last, [undecodable, shifted], lost


def _measure_block(
    block: Block, places: list[tuple[int, str]], lost: list[LostDigits], measured: Measured
) -> None:
    for i, name in places:
        for text in block.columns[i].to_pylist():
            measured.take(name, text.strip())
    for column in lost:
        column.take_block(block)


def _lengths(expected: int, came: int | None = None) -> tuple[str, str]:
    """What is told of records of another length."""
    zh, en = f"多条记录的长度不是约定的{expected}字节", f"many records are not {expected} bytes long"
    if came is not None:
        zh += f"(首条连行尾{came}字节)。行尾空格可能被截去:请按定长导出"
        en += f" (the first has {came} with its line end); blanks at the end may have been cut off"
    return zh, en


def _judge_record(
    record: Record,
    contract: Contract,
    whole: Callable[[], str],
    undecodable: _Damage,
    shifted: _Damage,
) -> None:
    if record.error == "record.undecodable":
        undecodable.seen(record.line, whole)
    elif record.error in _FIELDS:
        if not shifted.count and contract.record_bytes:
            shifted.zh, shifted.en = _lengths(contract.record_bytes, record.end - record.start)
        shifted.seen(record.line, whole)


def _whole(record: Record, contract: Contract, path: Path) -> str:
    """A record whose values may stand under wrong columns: its bytes as text, or what was read of them."""
    if not _holds_lines(contract):
        return masked_record(contract, "|".join(v or "" for v in record.values))
    with path.open("rb") as handle:
        handle.seek(record.start)
        return masked_record(contract, _readable(handle.read(record.end - record.start), contract))


def _widespread(damage: list[_Damage], records: int, name: str) -> Iterator[Finding]:
    """A single bad record is quarantined; a file that is bad throughout is refused."""
    for d in damage:
        if d.count > 1 and d.count > records * WHOLE_FILE[d.rule]:
            yield Finding(d.rule, d.zh, d.en, name, d.line, d.column, d.count, d.samples)
