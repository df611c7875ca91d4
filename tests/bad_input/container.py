"""Kinds 1 to 13: what surrounds the rows."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from collections.abc import Iterator

from tests.bad_input.firm import CAPITAL, Case, as_json, csv, rows, with_value

GZ, ZIP = {"container": "gzip"}, {"container": "zip"}


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return buffer.getvalue()


def _special(kind: int) -> bytes:
    member = zipfile.ZipInfo("firm.csv")
    member.external_attr = (kind | 0o644) << 16
    return zipped((member, b"/etc/hostname"))


def _encrypted(method: int) -> bytes:
    """An archive whose headers say that the member is encrypted."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("firm.csv", csv())
    body = bytearray(buffer.getvalue())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + place] |= 1
    return bytes(body)


def _overlapping() -> bytes:
    """Two entries of the central directory over one local file."""
    body = zipped(("firm.csv", csv()))
    at, end = body.index(b"PK\x01\x02"), body.index(b"PK\x05\x06")
    entry = body[at:end]
    tail = bytearray(body[end:])
    tail[8] = tail[10] = 2
    tail[12:16] = (len(entry) * 2).to_bytes(4, "little")
    return body[:at] + entry * 2 + bytes(tail)


def cases() -> Iterator[Case]:
    """Every variant."""
    yield Case(1, "csv", b"", "R", "delivery.empty", 1, records=0)
    yield Case(1, "json", b"", "R", "delivery.empty", 1, records=0, contract={"format": "json"})
    yield Case(1, "xml", b"", "R", "delivery.empty", 1, records=0, contract={"format": "xml"})
    yield Case(1, "xlsx", b"", "R", "delivery.empty", 1, records=0, contract={"format": "xlsx"})
    yield Case(2, "csv", csv([]), "R", "delivery.no_records", 1, records=0)
    yield Case(2, "json", as_json([]), "R", "delivery.no_records", 1, records=0, contract={"format": "json"})
    yield Case(2, "gzip", gzip.compress(csv([])), "R", "delivery.no_records", 1, records=0, contract=GZ)
    packed = gzip.compress(csv())
    for variant, at in (("half", len(packed) // 2), ("no_checksum", len(packed) - 6), ("head_only", 12)):
        yield Case(3, variant, packed[:at], "R", "container.truncated", contract=GZ)
    for variant, tail in (
        ("words", b"the end"),
        ("line", b"\r\n\r\nx"),
        ("half_member", packed[:1] + b"\x00" * 9 + b"x"),
    ):
        yield Case(4, variant, packed + tail, "R", "container.malformed", contract=GZ)
    whole = csv()
    yield Case(5, "two", gzip.compress(whole[:200]) + gzip.compress(whole[200:]), "N", contract=GZ)
    yield Case(
        5,
        "three",
        b"".join(gzip.compress(p) for p in (whole[:100], whole[100:300], whole[300:])),
        "N",
        contract=GZ,
    )
    yield Case(5, "empty_member", gzip.compress(whole) + gzip.compress(b""), "N", contract=GZ)
    zeros = b"0" * (60 << 20)
    yield Case(6, "zeros", gzip.compress(zeros), "R", "container.ratio", contract=GZ)
    yield Case(6, "one_row", gzip.compress(csv(rows(1) * 400_000)), "R", "container.ratio", contract=GZ)
    yield Case(6, "second_member", packed + gzip.compress(zeros), "R", "container.ratio", contract=GZ)
    yield Case(7, "zeros", zipped(("firm.csv", zeros)), "R", "container.ratio", contract=ZIP)
    yield Case(
        7, "nested", zipped(("firm.zip", zipped(("firm.csv", zeros)))), "R", "container.nested", contract=ZIP
    )
    yield Case(7, "overlapping", _overlapping(), "R", "container.members", contract=ZIP)
    for variant, name in (
        ("parent", "../firm.csv"),
        ("absolute", "/tmp/firm.csv"),
        ("backslash", "..\\firm.csv"),
        ("drive", "C:firm.csv"),
    ):
        yield Case(8, variant, zipped((name, csv())), "R", "container.path", contract=ZIP)
    for variant, kind in (("symlink", stat.S_IFLNK), ("device", stat.S_IFCHR), ("pipe", stat.S_IFIFO)):
        yield Case(9, variant, _special(kind), "R", "container.special_file", contract=ZIP)
    yield Case(10, "deflated", _encrypted(zipfile.ZIP_DEFLATED), "R", "container.encrypted", contract=ZIP)
    yield Case(10, "stored", _encrypted(zipfile.ZIP_STORED), "R", "container.encrypted", contract=ZIP)
    yield Case(10, "bzip2", _encrypted(zipfile.ZIP_BZIP2), "R", "container.encrypted", contract=ZIP)
    for variant, body in (
        ("zip", zipped(("a", csv()))),
        ("gzip", packed),
        ("pdf", b"%PDF-1.4\n"),
        ("ole", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)),
    ):
        yield Case(11, variant, body, "R", "container.unexpected")
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    sha = {"sha256": "0" * 64}
    for variant, body in (("wrong", whole), ("flipped", bytes(flipped)), ("swapped", csv(rows()[::-1]))):
        yield Case(12, variant, body, "R", "delivery.sha256", promised={"file": sha})
    yield Case(12, "length", whole, "R", "delivery.bytes", promised={"file": {"bytes": len(whole) + 1}})
    yield Case(13, "one_more", whole, "R", "delivery.records", promised={"file": {"records": 11}})
    yield Case(13, "one_less", csv(rows(11)), "R", "delivery.records", promised={"file": {"records": 10}})
    yield Case(
        13,
        "sum",
        csv(with_value(CAPITAL, "999")),
        "R",
        "delivery.totals",
        promised={"totals": {"sum": {"capital_10k": "455"}}},
    )
    yield Case(13, "total", whole, "R", "manifest.records", promised={"totals": {"records": 9}})
