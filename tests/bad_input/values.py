"""Kinds 50 to 62: what a field says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from citylake.synthetic.identifiers import resident_id
from openpyxl import Workbook

from tests.bad_input.firm import CAPITAL, FOUNDED, HEADERS, STAFF, UPDATED, Case, csv, rows, with_value

XLSX = {"format": "xlsx"}
RESIDENT: dict[str, Any] = {"dataset": "civil_affairs/resident", "name": "resident.txt", "records": 3}


def workbook(made: list[list[Any]]) -> bytes:
    """Rows below the header in an xlsx file."""
    book, buffer = Workbook(), io.BytesIO()
    for row in [list(HEADERS), *made]:
        book.active.append(row)  # pyright: ignore[reportOptionalMemberAccess]
    book.save(buffer)
    return buffer.getvalue()


def _resident(identifier: str, born: str) -> bytes:
    name, people = "王小明".encode("gb18030").ljust(30), "汉族".encode("gb18030").ljust(20)
    return (
        identifier.encode().ljust(18)
        + name
        + b"1 "
        + people
        + born.encode()
        + b"210102"
        + b"210102001"
        + b"1"
        + b"20"
        + b"20000101"
    ).ljust(112) + b"\r\n"


def _residents(identifier: str, born: str) -> bytes:
    sound = [_resident(resident_id("210102", "19821103", n), "19821103") for n in (11, 13)]
    return sound[0] + _resident(identifier, born) + sound[1]


def _quarantined(kind: int, column: int, rule: str, texts: dict[str, str]) -> Iterator[Case]:
    for variant, value in texts.items():
        yield Case(kind, variant, csv(with_value(column, value)), "Q", rule, 5)


def _numbers() -> Iterator[Case]:
    wide = rows()[3][0].translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for variant, column, value in (
        ("code", 0, wide),
        ("date", FOUNDED, "２００３－０３－０４"),
        ("number", CAPITAL, "３０．５"),
    ):
        yield Case(50, variant, csv(with_value(column, value)), "N")
    odd = {
        "currency": "¥100",
        "exponent": "1E5",
        "not_a_number": "NaN",
        "infinite": "Infinity",
        "wrong_groups": '"1,23,4"',
        "unit": "100亿元",
    }
    yield from _quarantined(51, CAPITAL, "capital_10k.unparsable", odd)
    yield from _quarantined(
        52,
        STAFF,
        "staff.unparsable",
        {"one_more": "9223372036854775808", "long": "9" * 30, "negative": "-9223372036854775809"},
    )
    yield from _quarantined(
        53,
        CAPITAL,
        "capital_10k.scale",
        {"seven": "1.1234567", "small": "0.0000001", "long": "3.14159265358979"},
    )


def _dates() -> Iterator[Case]:
    yield from _quarantined(
        54,
        FOUNDED,
        "founded_on.unparsable",
        {"dashes": "0000-00-00", "plain": "00000000", "slashes": "0000/00/00"},
    )
    yield from _quarantined(
        55,
        FOUNDED,
        "founded_on.unparsable",
        {"common_year": "2015-02-29", "thirtieth": "2016-02-30", "april": "2016-04-31"},
    )
    yield from _quarantined(
        56,
        FOUNDED,
        "founded_on.unparsable",
        {"two_digits": "16-02-03", "day_first": "03/02/2016", "both": "02-03-16"},
    )
    yield from _quarantined(
        57, FOUNDED, "founded_on.unparsable", {"serial": "42404", "decimal": "42404.0", "leap_bug": "60"}
    )
    for variant, value in (
        ("seconds", "2016-02-03 08:00:00"),
        ("summer_time", "1988-07-01 12:00:00"),
        ("local_mean_time", "1900-06-01 00:00:00"),
    ):
        yield Case(58, variant, csv(with_value(UPDATED, value)), "N")


def _persons() -> Iterator[Case]:
    for variant, born, rule in (
        ("future", "20990101", "future"),
        ("next_year", "20170601", "future"),
        ("aged_150", "18660101", "too_early"),
    ):
        yield Case(
            59,
            variant,
            _residents(resident_id("210102", born, 11), born),
            "Q",
            f"birth_date.{rule}",
            2,
            **RESIDENT,
        )
    sound = resident_id("210102", "19800101", 11)
    with_x = next(i for i in (resident_id("210102", "19800101", n) for n in range(1, 999)) if i.endswith("X"))
    wrong = sound[:17] + ("1" if sound[17] != "1" else "2")
    yield Case(
        60, "wrong_check", _residents(wrong, "19800101"), "Q", "resident_id.check_character", 2, **RESIDENT
    )
    yield Case(60, "fifteen_digits", _residents(sound[:6] + sound[8:17], "19800101"), "N", **RESIDENT)
    yield Case(60, "lower_case_x", _residents(with_x.lower(), "19800101"), "N", **RESIDENT)
    code = rows()[3][0]
    for variant, value in (
        ("last", code[:-1] + ("A" if code[-1] != "A" else "B")),
        ("turned", code[:3] + code[4] + code[3] + code[5:]),
        ("one_digit", "1" + code[1:]),
    ):
        yield Case(61, variant, csv(with_value(0, value)), "Q", "uscc.check_character", 5)


def _spreadsheets() -> Iterator[Case]:
    lost = [["9.12101E+17", *r[1:]] for r in rows()]
    yield Case(62, "csv", csv(lost), "R", "file.identifier_as_number", 2)
    yield Case(
        62,
        "number_cell",
        workbook([[912101000000000000 + i, *r[1:]] for i, r in enumerate(rows())]),
        "R",
        "file.identifier_as_number",
        2,
        contract=XLSX,
    )
    yield Case(62, "text_cell", workbook(lost), "R", "file.identifier_as_number", 2, contract=XLSX)
    one = [list(r) for r in rows()]
    one[4][0] = 9.12101e17  # pyright: ignore[reportCallIssue, reportArgumentType]
    yield Case(62, "one_cell", workbook(one), "R", "file.identifier_as_number", 6, contract=XLSX)
    yield Case(62, "text_is_sound", workbook([list(r) for r in rows()]), "N", contract=XLSX)


def cases() -> Iterator[Case]:
    """Every variant."""
    yield from _numbers()
    yield from _dates()
    yield from _persons()
    yield from _spreadsheets()
