"""Kinds 22 to 30: bytes and characters."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from tests.bad_input.firm import NAME, Case, as_json, as_jsonl, csv, rows, text, with_value

GB = {"encoding": "gb18030"}
JSONL, JSON = {"format": "jsonl"}, {"format": "json"}


def _broken(encoding: str) -> bytes:
    body = csv(with_value(NAME, "沈阳@@有限公司"), encoding)
    return body.replace(b"@@", b"\xff")


def _mixed(swap: range) -> bytes:
    made = [
        line.encode("gb18030" if i in swap else "utf-8")
        for i, line in enumerate(text(rows(20)).splitlines(keepends=True))
    ]
    return b"".join(made)


def cases() -> Iterator[Case]:
    """Every variant."""
    yield Case(22, "csv", codecs.BOM_UTF8 + csv(), "N")
    yield Case(22, "json", codecs.BOM_UTF8 + as_json(), "N", contract=JSON)
    yield Case(22, "jsonl", codecs.BOM_UTF8 + as_jsonl(), "N", contract=JSONL)
    yield Case(
        23, "undeclared_le", codecs.BOM_UTF16_LE + csv(encoding="utf-16-le"), "R", "delivery.charset", 1
    )
    yield Case(
        23, "undeclared_be", codecs.BOM_UTF16_BE + csv(encoding="utf-16-be"), "R", "delivery.charset", 1
    )
    yield Case(
        23,
        "declared_le",
        codecs.BOM_UTF16_LE + csv(encoding="utf-16-le"),
        "N",
        contract={"encoding": "utf-16"},
    )
    yield Case(
        23,
        "declared_be",
        codecs.BOM_UTF16_BE + csv(encoding="utf-16-be"),
        "N",
        contract={"encoding": "utf-16"},
    )
    yield Case(
        23, "no_mark", csv(encoding="utf-16-le"), "R", "delivery.charset", 1, contract={"encoding": "utf-16"}
    )
    yield Case(
        23,
        "half_character",
        (codecs.BOM_UTF16_LE + csv(encoding="utf-16-le"))[:-1],
        "R",
        "delivery.charset",
        contract={"encoding": "utf-16"},
    )
    for variant, name in (
        ("two_bytes", "沈阳机床有限公司"),
        ("four_bytes", "沈阳㐀㐁有限公司"),
        ("euro", "沈阳€有限公司"),
    ):
        yield Case(24, variant, csv(with_value(NAME, name), "gb18030"), "N", contract=GB, survives=name)
    yield Case(25, "whole", csv(encoding="gb18030"), "R", "delivery.charset", 1)
    yield Case(25, "rows", csv([]) + csv(encoding="gb18030", header=None), "R", "delivery.charset", 2)
    yield Case(25, "json", as_json().decode().encode("gb18030"), "R", "delivery.charset", 4, contract=JSON)
    yield Case(25, "utf8_in_gb", csv(), "R", "delivery.charset", 1, contract=GB)
    yield Case(26, "utf8", _broken("utf-8"), "Q", "record.undecodable", 5)
    yield Case(26, "gb18030", _broken("gb18030"), "Q", "record.undecodable", 5, contract=GB)
    yield Case(
        26,
        "jsonl",
        as_jsonl(with_value(NAME, "沈阳@@")).replace(b"@@", b"\xff"),
        "Q",
        "record.undecodable",
        4,
        contract=JSONL,
    )
    yield Case(27, "utf8", csv(with_value(NAME, "沈阳\ufffd")), "Q", "record.replacement_character", 5)
    yield Case(
        27,
        "gb18030",
        csv(with_value(NAME, "沈阳\ufffd"), "gb18030"),
        "Q",
        "record.replacement_character",
        5,
        contract=GB,
    )
    yield Case(
        27,
        "jsonl",
        as_jsonl(with_value(NAME, "沈阳\ufffd")),
        "Q",
        "record.replacement_character",
        4,
        contract=JSONL,
    )
    latin, gbk = "沈阳机床".encode().decode("latin-1"), "沈阳有限公司".encode().decode("gb18030", "ignore")
    for variant, name in (("as_latin1", latin), ("as_gbk", gbk), ("replaced_as_gbk", "锟斤拷有限公司")):
        yield Case(28, variant, csv(with_value(NAME, name)), "Q", "name.mojibake", 5)
    yield Case(29, "second_half", _mixed(range(11, 21)), "R", "delivery.charset", 12, records=20)
    yield Case(29, "alternating", _mixed(range(2, 21, 2)), "R", "delivery.charset", 3, records=20)
    yield Case(29, "tail", _mixed(range(17, 21)), "R", "delivery.charset", 18, records=20)
    for variant, name in (
        ("plane_2", "沈阳𠀀𠮷有限公司"),
        ("private_use", "沈阳\ue000有限公司"),
        ("extension_a", "沈阳㙍鑫有限公司"),
    ):
        yield Case(
            30, f"{variant}_gb18030", csv(with_value(NAME, name), "gb18030"), "N", contract=GB, survives=name
        )
        yield Case(30, f"{variant}_utf8", csv(with_value(NAME, name)), "N", survives=name)
