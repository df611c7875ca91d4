"""Kinds 31 to 49: records and fields."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bad_input.firm import CAPITAL, HEADERS, NAME, Case, as_jsonl, csv, lines, rows, text, with_value

GB = {"encoding": "gb18030"}
FOOTER = {"footer": "合计"}


def _raw(at: int, line: str, end: str = "\r\n") -> bytes:
    """Ten sound rows but for one line (from 0 below the header)."""
    made = lines(rows())
    made[at + 1] = line
    return (end.join(made) + end).encode()


def _named(name: str, at: int = 3) -> str:
    row = rows()[at]
    return ",".join([row[0], name, *row[2:]])


def _quotes() -> Iterator[Case]:
    yield Case(31, "to_the_end", _raw(3, _named('"沈阳')), "R", "file.unclosed_quote", 5)
    yield Case(
        31,
        "met_by_another",
        _raw(3, _named('"沈阳')).replace("沈阳第7机床有限公司".encode(), '"沈阳第7机床"'.encode()),
        "R",
        "file.unclosed_quote",
        5,
    )
    yield Case(31, "last_line", _raw(9, _named('"沈阳', 9)), "R", "file.unclosed_quote", 11)
    yield Case(32, "before_a_quote", _raw(3, _named('"沈阳\\"机床"')), "Q", "record.malformed", 5)
    yield Case(32, "twice", _raw(3, _named('"沈阳\\"大\\"机床"')), "Q", "record.malformed", 5)
    yield Case(32, "before_the_last", _raw(3, _named('"沈阳\\""')), "R", "file.unclosed_quote", 5)
    for variant, name in (("middle", '沈"阳'), ("doubled", '沈""阳'), ("after_a_blank", ' "沈阳"')):
        yield Case(33, variant, _raw(3, _named(name)), "Q", "record.malformed", 5)
    for variant, end in (("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")):
        yield Case(34, variant, _raw(3, _named(f'"沈阳{end}机床"')), "N")
    yield Case(35, "cr_only", text(rows(), end="\r").encode(), "N")
    made = lines(rows())
    yield Case(
        35, "mixed", "".join(line + ("\r\n", "\n", "\r")[i % 3] for i, line in enumerate(made)).encode(), "N"
    )
    yield Case(35, "lf_only", text(rows(), end="\n").encode(), "N")


def _delimiters() -> Iterator[Case]:
    for variant, sign in (("semicolon", ";"), ("tab", "\t"), ("bar", "|")):
        yield Case(36, variant, csv(delimiter=sign), "R", "delivery.delimiter", 1)
    yield Case(37, "throughout", csv(delimiter="，"), "R", "delivery.delimiter", 1)
    yield Case(37, "rows_only", csv([]) + csv(delimiter="，", header=None), "R", "delivery.structure", 2)
    yield Case(37, "one_row", _raw(3, lines(rows(), "，")[4]), "Q", "record.missing_field", 5)
    for variant, extra in (
        ("at_the_end", [*rows()[3], "x"]),
        ("empty", [*rows()[3], ""]),
        ("comma_in_the_name", [rows()[3][0], "沈阳", "机床", *rows()[3][2:]]),
    ):
        yield Case(38, variant, _raw(3, ",".join(extra)), "Q", "record.extra_field", 5)
    for variant, less in (
        ("last", rows()[3][:-1]),
        ("one_field", rows()[3][:1]),
        ("inside", rows()[3][:2] + rows()[3][3:]),
    ):
        yield Case(39, variant, _raw(3, ",".join(less)), "Q", "record.missing_field", 5)


def _headers() -> Iterator[Case]:
    head, row = ",".join(HEADERS), lines(rows(), header=None)
    for variant, at in (("middle", 5), ("second_line", 0), ("last", 10)):
        made = [head, *row[:at], head, *row[at:]]
        yield Case(40, variant, ("\r\n".join(made) + "\r\n").encode(), "R", "file.header_repeated", at + 2)
    swapped = (HEADERS[1], HEADERS[0], *HEADERS[2:])
    renamed = (HEADERS[0], "单位名称", *HEADERS[2:])
    last = (*HEADERS[:4], HEADERS[5], HEADERS[4])
    yield Case(41, "swapped", csv(header=swapped), "R", "delivery.header_order", 1)
    yield Case(41, "swapped_last", csv(header=last), "R", "delivery.header_order", 1)
    yield Case(41, "renamed", csv(header=renamed), "R", "delivery.header", 1)
    yield Case(
        42, "another_column", csv(header=(*HEADERS[:5], HEADERS[1])), "R", "delivery.header_duplicate", 1
    )
    yield Case(
        42,
        "one_more",
        csv([[*r, "x"] for r in rows()], header=(*HEADERS, HEADERS[0])),
        "R",
        "delivery.header_duplicate",
        1,
    )
    yield Case(42, "all", csv(header=(HEADERS[0],) * 6), "R", "delivery.header_duplicate", 1)
    total = ["合计", "", "", "455.0", "45", ""]
    yield Case(43, "right", csv([*rows(), total]), "N", contract=FOOTER)
    yield Case(
        43,
        "thousands",
        csv([*with_value(CAPITAL, "10000"), ["合计", "", "", "10424.5", "45", ""]]),
        "N",
        contract=FOOTER,
    )
    yield Case(
        43,
        "wrong",
        csv([*rows(), ["合计", "", "", "456.0", "45", ""]]),
        "R",
        "file.footer_total",
        12,
        contract=FOOTER,
    )
    yield Case(43, "not_contracted", csv([*rows(), total]), "Q", "name.missing", 12, records=11)
    for variant, before in (
        ("title", "沈阳市企业名录"),
        ("comment", "# 导出时间 2016-03-01"),
        ("two_lines", "沈阳市\r\n2016年2月"),
    ):
        yield Case(44, variant, f"{before}\r\n{text(rows())}".encode(), "R", "delivery.header", 1)
    yield Case(44, "contracted", f"沈阳市企业名录\r\n{text(rows())}".encode(), "N", contract={"preamble": 1})


def _ends() -> Iterator[Case]:
    yield Case(45, "csv", csv() + b"\x1a", "N")
    yield Case(45, "gb18030", csv(encoding="gb18030") + b"\x1a", "N", contract=GB)
    yield Case(45, "lf", text(rows(), end="\n").encode() + b"\x1a", "N")
    yield Case(46, "no_newline", csv()[:-2], "N")
    yield Case(46, "cut_in_a_field", csv()[:-30], "R", "file.truncated", 11)
    yield Case(46, "jsonl_cut", as_jsonl()[:-20], "R", "file.truncated", 10, contract={"format": "jsonl"})
    yield Case(47, "bare", csv(with_value(NAME, "沈\0阳")), "Q", "record.nul", 5)
    yield Case(47, "quoted", csv(with_value(NAME, '"沈\0阳"')), "Q", "record.nul", 5)
    yield Case(
        47, "jsonl", as_jsonl(with_value(NAME, "沈\0阳")), "Q", "record.nul", 4, contract={"format": "jsonl"}
    )
    long = "沈" * ((1 << 20) + 1)
    yield Case(48, "bare", csv(with_value(NAME, long)), "Q", "record.field_too_long", 5)
    yield Case(48, "quoted", csv(with_value(NAME, f'"{long}"')), "Q", "record.field_too_long", 5)
    yield Case(
        48,
        "jsonl",
        as_jsonl(with_value(NAME, long)),
        "Q",
        "record.field_too_long",
        4,
        contract={"format": "jsonl"},
    )
    yield Case(49, "bytes", csv(with_value(NAME, "a" * (17 << 20))), "R", "budget.record_bytes", 5)
    yield Case(
        49,
        "quoted_lines",
        csv(with_value(NAME, '"' + "a\n" * (9 << 20) + '"')),
        "R",
        "budget.record_bytes",
        5,
    )
    yield Case(
        49,
        "header_columns",
        csv(header=(*HEADERS, *(f"c{i}" for i in range(2000)))),
        "R",
        "budget.columns",
        1,
    )
    yield Case(49, "row_columns", _raw(3, ",".join(["1"] * 2001)), "R", "budget.columns", 5)


def cases() -> Iterator[Case]:
    """Every variant."""
    yield from _quotes()
    yield from _delimiters()
    yield from _headers()
    yield from _ends()
