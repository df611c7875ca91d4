"""Kinds 63 to 72: what wants to be more than data."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator

from tests.bad_input.container import zipped
from tests.bad_input.firm import HEADERS, NAME, Case, as_xml, csv, records, rows, with_value
from tests.bad_input.values import XLSX, workbook

XML, JSON = {"format": "xml"}, {"format": "json"}
_LAUGHS = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


def _with_member(name: str, body: bytes | str) -> bytes:
    """A sound workbook with one member more, or changed."""
    source, buffer = zipfile.ZipFile(io.BytesIO(workbook([list(r) for r in rows()]))), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.namelist():
            if member != name:
                target.writestr(member, source.read(member))
        target.writestr(name, body)
    return buffer.getvalue()


def _sheet(head: str, row: str, count: int) -> bytes:
    start = f'<?xml version="1.0"?>{head}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return _with_member(
        "xl/worksheets/sheet1.xml",
        start + "".join(row.replace("@", str(i + 1)) for i in range(count)) + "</sheetData></worksheet>",
    )


def _texts() -> Iterator[Case]:
    for variant, name in (
        ("equals", "=1+1沈阳"),
        ("at", "@SUM(A1)沈阳"),
        ("plus", "+86沈阳"),
        ("minus", "-沈阳"),
    ):
        yield Case(63, variant, csv(with_value(NAME, name)), "N", survives=name)
    for variant, name in (
        ("drop", "沈阳'; DROP TABLE firm;--"),
        ("or", "沈阳' OR '1'='1"),
        ("comment", "沈阳/**/UNION SELECT"),
    ):
        yield Case(68, variant, csv(with_value(NAME, name)), "N", survives=name)
    for variant, name in (("column", "企业名称; DROP TABLE firm"), ("backtick", "`企业名称`")):
        yield Case(
            68, f"{variant}_name", csv(header=(HEADERS[0], name, *HEADERS[2:])), "R", "delivery.header", 1
        )
    for variant, name in (
        ("jinja", "沈阳{{ config }}"),
        ("statement", "沈阳{% for x in y %}"),
        ("lookup", "沈阳${jndi:ldap://x}"),
    ):
        yield Case(72, variant, csv(with_value(NAME, name)), "N", survives=name)


def _markup() -> Iterator[Case]:
    external = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    yield Case(64, "xml", as_xml(head=external), "R", "file.doctype", 2, contract=XML)
    yield Case(
        64,
        "parameter",
        as_xml(head='<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>'),
        "R",
        "file.doctype",
        2,
        contract=XML,
    )
    yield Case(64, "xlsx", _sheet(external, "", 0), "R", "file.doctype", 1, contract=XLSX)
    yield Case(65, "laughs", as_xml(head=_LAUGHS), "R", "file.doctype", 2, contract=XML)
    yield Case(
        65,
        "quadratic",
        as_xml(head=f'<!DOCTYPE d [<!ENTITY a "{"a" * 50_000}">]>'),
        "R",
        "file.doctype",
        2,
        contract=XML,
    )
    yield Case(65, "xlsx", _sheet(_LAUGHS, "", 0), "R", "file.doctype", 1, contract=XLSX)
    link = '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    yield Case(
        66, "external_link", _with_member("xl/externalLinks/externalLink1.xml", link), "N", contract=XLSX
    )
    yield Case(
        66,
        "dde",
        _with_member(
            "xl/externalLinks/externalLink2.xml",
            link.replace("/>", '><ddeLink ddeService="cmd" ddeTopic="/c x"/></externalLink>'),
        ),
        "N",
        contract=XLSX,
    )
    linked = [[*r[:NAME], "=HYPERLINK", *r[NAME + 1 :]] if i == 3 else list(r) for i, r in enumerate(rows())]
    linked[3][NAME] = "沈阳 http://127.0.0.1/x"
    yield Case(66, "address", workbook(linked), "N", contract=XLSX)
    yield Case(
        67,
        "rows",
        _sheet("", '<row r="@"><c r="A@" s="1"/></row>', 1_048_576),
        "R",
        "budget.cells",
        contract=XLSX,
    )
    yield Case(
        67,
        "cells",
        _sheet("", '<row r="@">' + '<c s="1"/>' * 200 + "</row>", 20_000),
        "R",
        "container.ratio",
        contract=XLSX,
    )
    yield Case(
        67,
        "far_cell",
        _sheet(
            "",
            '<row r="@"><c r="A@" t="inlineStr"><is><t>x</t></is></c><c r="XFD@"><v>1</v></c></row>',
            2_000,
        ),
        "R",
        "budget.cells",
        contract=XLSX,
    )


def _objects() -> Iterator[Case]:
    for variant, text in (
        ("apply", "!!python/object/apply:os.system [true]"),
        ("name", "!!python/name:os.system"),
        ("tuple", "!!python/tuple [1]"),
    ):
        yield Case(
            69,
            variant,
            f"id: registry/firm\nversion: {text}\n".encode(),
            "R",
            "contract.yaml",
            2,
            name="contract.yaml",
        )
    yield Case(70, "pickle", pickle.dumps(rows()), "R", "container.unexpected")
    yield Case(
        70, "jar", zipped(("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n")), "R", "container.unexpected"
    )
    yield Case(70, "java", b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap", "R", "container.unexpected")
    yield Case(
        71, "arrays", b'{"records": ' + b"[" * 101 + b"]" * 101 + b"}", "R", "budget.depth", 1, contract=JSON
    )
    yield Case(
        71,
        "objects",
        b'{"records": [' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"]}",
        "R",
        "budget.depth",
        1,
        contract=JSON,
    )
    first = json.dumps(records()[0], ensure_ascii=False)
    twice = first[:-1] + f', "{HEADERS[1]}": "沈阳"}}'
    yield Case(
        71,
        "duplicate_key",
        f'{{"records": [\n{twice}\n]}}'.encode(),
        "R",
        "file.duplicate_key",
        2,
        contract=JSON,
    )


def cases() -> Iterator[Case]:
    """Every variant."""
    yield from _texts()
    yield from _markup()
    yield from _objects()
