"""Formats beside CSV: records, places and faults of XML, DBF, HJ 212, blank-parted text, JSON lines and old
workbooks.
"""

from __future__ import annotations

import csv
import io
import random
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from citylake.contract.model import Contract
from citylake.ingest.decode import open_file
from citylake.ingest.formats.hj212 import crc16
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ingest.formats.scanner import scan

from tests.bad_input.firm import HEADERS, as_jsonl, as_xml, rows
from tests.bad_input.judge import base_contracts

FIRM = "registry/firm"


def _contract(**changes: object) -> Contract:
    return replace(base_contracts()[FIRM], **changes)  # pyright: ignore[reportArgumentType]


def _read(tmp_path: Path, body: bytes, **changes: object) -> list[Record]:
    path = tmp_path / "file"
    path.write_bytes(body)
    with open_file(path, _contract(**changes)) as decoder:
        return list(decoder)


def test_xml_rows_give_values_lines_and_bytes(tmp_path: Path) -> None:
    body = as_xml()
    found = _read(tmp_path, body, format="xml")
    assert [r.values for r in found] == rows()
    assert found[0].line == 3
    assert all(
        body[r.start : r.end].startswith(b"<ROW>") and body[r.start : r.end].endswith(b"</ROW>")
        for r in found
    )


@pytest.mark.parametrize("declared", ["GB18030", "gbk", "GB2312"])
def test_xml_in_gb18030_is_decoded_strictly_and_keeps_its_bytes(tmp_path: Path, declared: str) -> None:
    made = rows(3000)
    made[7][1] = "沈阳㐀𠀀龦ﾟ有限公司"  # four bytes each where GBK has no character
    body = as_xml(made).decode().replace("UTF-8", declared).encode("gb18030")
    assert len(body) > 1 << 19
    found = _read(tmp_path, body, format="xml", encoding="gb18030")
    assert [r.values for r in found] == made
    assert all(
        body[r.start : r.start + 5] == b"<ROW>" and body[r.end - 6 : r.end] == b"</ROW>" for r in found
    )
    assert made[7][1].encode("gb18030") in body[found[7].start : found[7].end]


@pytest.mark.parametrize(("mark", "codec"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_xml_in_utf_16_keeps_its_bytes(tmp_path: Path, mark: bytes, codec: str) -> None:
    body = mark + as_xml().decode().replace("UTF-8", "UTF-16").encode(codec)
    found = _read(tmp_path, body, format="xml", encoding="utf-16")
    assert [r.values for r in found] == rows()
    assert all(
        body[r.start : r.end].decode(codec).startswith("<ROW>")
        and body[r.start : r.end].decode(codec).endswith("</ROW>")
        for r in found
    )


def test_an_xml_row_that_is_one_tag_has_its_bytes(tmp_path: Path) -> None:
    tag = (
        "<ROW "
        + " ".join(
            f"{h}='{v}>'" if h == "企业名称" else f'{h}="{v}"'
            for h, v in zip(HEADERS, rows(1)[0], strict=True)
        )
        + "/>"
    )
    body = f"<?xml version='1.0' encoding='GBK'?><DATA><!-- 注 -->{tag}{tag}</DATA>".encode("gb18030")
    found = _read(tmp_path, body, format="xml", encoding="gb18030")
    assert [body[r.start : r.end].decode("gb18030") for r in found] == [tag, tag]
    assert found[0].values[1] == f"{rows(1)[0][1]}>"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            as_xml()
            .decode()
            .replace("UTF-8", "GB18030")
            .encode("gb18030")
            .replace("第3".encode("gb18030"), b"\xff3"),
            6,
        ),
        (as_xml().decode().replace("UTF-8", "Big5").encode("gb18030"), 1),
        (as_xml(), 1),
        (as_xml().decode().replace("UTF-8", "GB18030").encode("gb18030")[:-2] + b"\x81", 13),
    ],
)
def test_xml_that_is_not_in_the_charset_of_its_contract_is_refused_with_its_line(
    tmp_path: Path, body: bytes, line: int
) -> None:
    with pytest.raises(Unreadable) as told:
        _read(tmp_path, body, format="xml", encoding="gb18030")
    assert (told.value.findings[0].rule, told.value.findings[0].line) == ("delivery.charset", line)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("<从业人数>3</从业人数>", "<人数>3</人数>"), "record.extra_field"),
        (("<从业人数>3<", "<企业名称>3</企业名称><从业人数>3<"), "record.malformed"),
    ],
)
def test_an_xml_row_with_a_strange_element_is_an_error_of_that_row(
    tmp_path: Path, change: tuple[str, str], error: str
) -> None:
    found = _read(tmp_path, as_xml().decode().replace(*change).encode(), format="xml")
    assert [r.error for r in found if r.error] == [error]


def test_a_cut_xml_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as told:
        _read(tmp_path, as_xml()[:-30], format="xml")
    assert told.value.findings[0].rule == "delivery.malformed"
    assert told.value.findings[0].line == 12


def _dbf(made: list[list[str]], deleted: int | None = None) -> bytes:
    """A dBASE III table; field names hold ten bytes, so the headers of the contract are cut."""
    widths = [20, 40, 12, 14, 8, 20]
    names = [h.encode("gb18030")[:10] for h in HEADERS]
    fields = b"".join(
        n.ljust(11, b"\0") + b"C" + bytes(4) + bytes([w, 0]) + bytes(14)
        for n, w in zip(names, widths, strict=True)
    )
    first, length = 32 + len(fields) + 1, 1 + sum(widths)
    head = struct.pack("<B3BIHH20x", 3, 116, 2, 1, len(made), first, length)
    body = b"".join(
        (b"*" if i == deleted else b" ")
        + b"".join(v.encode("gb18030").ljust(w) for v, w in zip(r, widths, strict=True))
        for i, r in enumerate(made)
    )
    return head + fields + b"\r" + body + b"\x1a"


def _dbf_contract() -> dict[str, object]:
    base = _contract()
    columns = tuple(
        replace(c, headers={"": c.header("").encode("gb18030")[:10].decode("gb18030")}) for c in base.columns
    )
    return {"format": "dbf", "encoding": "gb18030", "columns": columns}


def test_dbf_skips_deleted_records_and_gives_byte_ranges(tmp_path: Path) -> None:
    body = _dbf(rows(), deleted=2)
    found = _read(tmp_path, body, **_dbf_contract())
    assert [r.values for r in found] == [r for i, r in enumerate(rows()) if i != 2]
    assert [r.line for r in found] == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert rows()[0][0].encode() in body[found[0].start : found[0].end]


def test_a_short_dbf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as told:
        _read(tmp_path, _dbf(rows())[:-200], **_dbf_contract())
    assert told.value.findings[0].rule == "file.truncated"


def _packet(data: str) -> bytes:
    return b"##%04d" % len(data) + data.encode() + b"%04X" % crc16(data.encode()) + b"\r\n"


def test_the_crc_of_hj_212_reproduces_the_published_vector() -> None:
    published = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"  # noqa: E501
    assert f"{crc16(published):04X}" == "1C80"


def test_a_packet_becomes_a_record_per_pollutant_and_a_damaged_one_is_kept_as_an_error(
    tmp_path: Path,
) -> None:
    data = "QN=20160201080000000;ST=22;CN=2011;PW=1;MN=S1;Flag=5;CP=&&DataTime=20160201080000;a34004-Rtd=75.0,a34004-Flag=N;a21026-Rtd=12,a21026-Flag=N&&"  # noqa: E501
    headers = ("MN", "DataTime", "Code", "P_Rtd", "P_Flag", "CN")
    columns = tuple(replace(c, headers={"": h}) for c, h in zip(_contract().columns, headers, strict=True))
    sound = _packet(data)
    found = _read(
        tmp_path,
        sound + sound.replace(b"75.0", b"95.0") + sound[:-8] + b"\r\n",
        format="hj212",
        columns=columns,
    )
    assert [r.values for r in found[:2]] == [
        ["S1", "20160201080000", "a34004", "75.0", "N", "2011"],
        ["S1", "20160201080000", "a21026", "12", "N", "2011"],
    ]
    assert [(r.number, r.line, r.error) for r in found[2:]] == [
        (2, 2, "record.checksum"),
        (3, 3, "record.missing_field"),
    ]


def test_blank_parted_columns_stand_in_the_contracts_order(tmp_path: Path) -> None:
    found = _read(tmp_path, b"54342  4144 12327  00450\r\n 2016 1\n1 2 3 4 5 6\n", format="spaced")
    assert [(r.line, r.error) for r in found] == [
        (1, "record.missing_field"),
        (2, "record.missing_field"),
        (3, None),
    ]
    assert found[2].values == ["1", "2", "3", "4", "5", "6"]


def test_a_bad_json_line_is_an_error_of_that_line(tmp_path: Path) -> None:
    lines = as_jsonl().splitlines(keepends=True)
    lines[4] = b'{"a": \n'
    found = _read(tmp_path, b"".join(lines), format="jsonl")
    assert [(r.line, r.error) for r in found if r.error] == [(5, "record.malformed")]


def test_the_scanner_agrees_with_python_on_20000_files(tmp_path: Path) -> None:
    """Structure only: generated RFC 4180 files, 0 differences in records or fields."""
    rng = random.Random(4180)
    alphabet = ["a", "沈", '"', ",", "\n", "\r\n", "\r", " ", "", "''", "b"]
    path = tmp_path / "a.csv"
    for _ in range(20_000):
        made = [
            ["".join(rng.choices(alphabet, k=rng.randrange(5))) for _ in range(3)]
            for _ in range(rng.randrange(1, 6))
        ]
        buffer = io.StringIO(newline="")
        # The writer leaves a bare CR or LF unquoted unless it is part of the line end.
        end, quoting = rng.choice((("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)))
        csv.writer(buffer, lineterminator=end, quoting=quoting).writerows(made)
        body = buffer.getvalue().encode()
        path.write_bytes(body)
        records = list(scan(path, ","))
        assert all(r.sound for r in records)
        assert [next(csv.reader([r.body.decode()])) for r in records] == made
        assert b"".join(r.raw for r in records) == body


@pytest.mark.parametrize(
    ("member", "packed"),
    [("firm.csv", {"format": "csv", "container": "zip"}), ("xl/workbook.xml", {"format": "xlsx"})],
)
def test_a_member_packed_by_a_damaged_lzma_is_refused(
    tmp_path: Path, member: str, packed: dict[str, str]
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(member, b"a,b" * 100)
    body = bytearray(buffer.getvalue())
    body[30 + len(member) + 4] = (
        0xFF  # the properties of LZMA stand behind the local header, the name and their version and size
    )
    with pytest.raises(Unreadable) as refused:
        _read(tmp_path, bytes(body), **packed)
    assert refused.value.findings[0].rule in ("container.malformed", "delivery.malformed")
