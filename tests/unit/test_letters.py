"""Twenty kinds of bad delivery are refused before Spark starts, each with a letter that a clerk can act on
(golden files in zh and en).

`CITYLAKE_ACCEPT=1` writes the letters anew; read the diff before committing it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from citylake.casework.notice import notice
from citylake.contract.model import Contract
from citylake.core.settings import ROOT
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import read_manifest
from citylake.ingest.sequence import out_of_sequence
from citylake.ingest.verify import verify
from citylake.ledger.receipts import Finding, LandedFile, Receipt
from citylake.messages.letter import LANGUAGES, letter, render
from citylake.privacy.masking import masked, masked_record

from tests.bad_input.firm import CAPITAL, HEADERS, csv, rows, with_value
from tests.bad_input.judge import base_contracts

GOLDEN = ROOT / "tests" / "letters"
Change = Callable[[dict[str, Any], dict[str, bytes]], None]


def _set(**values: Any) -> Change:
    return lambda manifest, files: manifest.update(values)


def _file(**values: Any) -> Change:
    return lambda manifest, files: manifest["files"][0].update(values)


def _body(body: bytes, records: int = 10) -> Change:
    """Another file, honestly described."""

    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        files["firm.csv"] = body
        manifest["files"] = [_entry(body, records)]
        manifest["totals"] = {"records": records}

    return change


def _totals(**values: Any) -> Change:
    return lambda manifest, files: manifest["totals"].update(values)


def _both(*changes: Change) -> Change:
    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        for one in changes:
            one(manifest, files)

    return change


def _drop(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    files.clear()


def _extra(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    files["备注.txt"] = b"x"


def _empty(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    _body(csv([]), 0)(manifest, files)
    manifest["coverage"] = "changes"


BAD: dict[str, tuple[str, Change]] = {
    "01_short_file": ("delivery.bytes", lambda m, f: f.update({"firm.csv": f["firm.csv"][:-50]})),
    "02_changed_bytes": (
        "delivery.sha256",
        lambda m, f: f.update({"firm.csv": f["firm.csv"].replace(b"0.5", b"9.5", 1)}),
    ),
    "03_missing_file": ("delivery.missing_file", _drop),
    "04_unlisted_file": ("delivery.unlisted_file", _extra),
    "05_fewer_records": ("delivery.records", _body(csv(rows(9)))),
    "06_wrong_sum": ("delivery.totals", _totals(sum={"capital_10k": "454.000000"})),
    "07_wrong_distinct": ("delivery.totals", _totals(distinct={"uscc": 9})),
    "08_totals_differ": ("manifest.records", _totals(records=11)),
    "09_stale_contract": ("delivery.contract_version", _set(contract="0.9.0")),
    "10_unknown_contract": ("delivery.contract_version", _set(contract="1.2.0")),
    "11_no_such_period": ("delivery.period", _set(period="2016-02-30")),
    "12_future_period": ("delivery.period_future", _set(sent_at="2016-01-31T09:00:00+08:00")),
    "13_old_period": ("delivery.period_order", _set(period="2015-12")),
    "14_period_again": ("delivery.period_repeated", _set(period="2016-01")),
    "15_gap": ("delivery.gap", _set(period="2016-04", sent_at="2016-05-03T09:00:00+08:00")),
    "16_part_as_whole": ("delivery.partial", _body(csv(rows(5)), 5)),
    "17_corrects_unknown": ("delivery.corrects_unknown", _set(corrects="2015-07-001")),
    "18_name_reused": ("delivery.name_reused", _set(delivery="2016-01-001")),
    "19_renamed_header": ("delivery.header", _body(csv(header=(HEADERS[0], "单位名称", *HEADERS[2:])))),
    "20_wrong_charset": ("delivery.charset", _body(csv(encoding="gb18030"))),
    "21_other_delimiter": ("delivery.delimiter", _body(csv(delimiter=";"))),
    "22_no_record": ("delivery.no_records", _empty),
    "23_manifest_field": ("manifest.invalid", _set(coverage="most")),
    "24_lost_digits": ("file.identifier_as_number", _body(csv([["9.12101E+17", *r[1:]] for r in rows()]))),
    "25_shifted_fields": ("delivery.structure", _body(csv([[*r, "备注"] for r in rows(4)] + rows()[4:]))),
    "26_bytes_of_another_charset": (
        "delivery.charset",
        _body(csv(rows(9)) + csv([rows()[9]], "gb18030", header=None) * 2, 11),
    ),
    "27_total_of_no_column": ("delivery.totals_column", _totals(sum={"capital": "455.0"})),
    "28_total_of_words": (
        "delivery.totals",
        _both(_body(csv(with_value(CAPITAL, "五百"))), _totals(sum={"capital_10k": "455.0"})),
    ),
}


def _entry(body: bytes, records: int) -> dict[str, Any]:
    return {
        "name": "firm.csv",
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "records": records,
    }


def _sound() -> tuple[dict[str, Any], dict[str, bytes]]:
    body = csv()
    manifest = {
        "manifest": 1,
        "dataset": "registry/firm",
        "contract": "1.0.0",
        "delivery": "2016-02-001",
        "period": "2016-02",
        "coverage": "full",
        "sent_at": "2016-03-01T09:00:00+08:00",
        "files": [_entry(body, 10)],
        "totals": {"records": 10},
    }
    return manifest, {"firm.csv": body}


def _contract() -> Contract:
    return replace(base_contracts()["registry/firm"], kind="register", frequency_days=31.0)


def _january() -> Receipt:
    return Receipt(
        1,
        "registry",
        "registry/firm",
        "2016-01-001",
        "accepted",
        "1.0.0",
        "2016-01",
        "full",
        records=10,
        batch_id="a",
    )


def _judged(
    manifest: dict[str, Any], files: dict[str, bytes], folder: Path
) -> tuple[tuple[Finding, ...], Receipt]:
    for name, body in files.items():
        (folder / name).write_bytes(body)
    head = {"number": 2, "department": "registry", "dataset": "registry/firm", "contract": "1.0.0"}
    try:
        read = read_manifest(json.dumps(manifest).encode())
    except Unreadable as error:
        return error.findings, Receipt(
            **head, delivery="2016-02-001", outcome="refused", findings=error.findings
        )
    found = verify(read, _contract(), {n: folder / n for n in files}, [_january()]).findings
    landed = tuple(LandedFile(f.name, f.sha256, f.bytes, f.records) for f in read.files)
    receipt = Receipt(
        **head,
        delivery=read.delivery,
        outcome="refused" if found else "accepted",
        period=read.period,
        coverage=read.coverage,
        sent_at=read.sent_text,
        records=read.totals.records,
        corrects=read.corrects,
        files=landed,
        findings=found,
    )
    return found, receipt


def test_a_sound_delivery_is_not_refused(tmp_path: Path) -> None:
    assert _judged(*_sound(), tmp_path)[0] == ()


@pytest.mark.parametrize("kind", sorted(BAD))
def test_a_bad_delivery_gets_its_refusal_and_its_letter(kind: str, tmp_path: Path) -> None:
    rule, change = BAD[kind]
    manifest, files = _sound()
    change(manifest, files)
    found, receipt = _judged(manifest, files, tmp_path)
    assert {f.rule for f in found} == {rule}
    content = letter(receipt, _contract(), ROOT)
    for language in LANGUAGES:
        golden = GOLDEN / kind / f"letter.{language}.txt"
        text = render(content, language, "txt")
        if os.environ.get("CITYLAKE_ACCEPT"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(text, "utf-8")
        assert text == golden.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"totals": {"records": 9}}, "delivery.partial"),
        ({"period": "2015-12"}, "delivery.period"),
        ({"coverage": "changes"}, "delivery.name_reused"),
    ],
)
def test_what_may_replace_a_delivery_of_the_same_name(change: dict[str, Any], rule: str | None) -> None:
    manifest = read_manifest(
        json.dumps(_sound()[0] | {"delivery": "2016-01-001", "period": "2016-01"} | change).encode()
    )
    found = list(out_of_sequence(manifest, replace(_contract(), revision="replace"), [_january()]))
    assert rule in {f.rule for f in found} if rule else found == []


def test_nothing_personal_stands_in_a_sample() -> None:
    person = next(
        c for c in base_contracts()["civil_affairs/resident"].columns if c.type.personal == "resident_id"
    )
    firm = _contract().column("name")
    assert masked(person, "21010219800101123X") == "99999999999999999A"
    assert (
        masked(firm, "张三 ２１０１０２１９８００１０１１２３X 电话13812345678")
        == "文文 99999999999999999A 电话99999999999"
    )
    assert masked(firm, "九一" * 30) == "九一" * 19 + "九…"
    assert (
        masked_record(base_contracts()["civil_affairs/resident"], "210102198001011234,张三,男")
        == "999999999999999999,文文,文"
    )


def test_what_came_too_late_is_told() -> None:
    content = notice(_contract(), _january(), "admitted", [], {}, {}, 2)
    assert "2 records of this delivery were accepted and changed nothing" in render(
        content, "en", "html", "notice"
    )
    assert "有 2 条已接收但未生效" in render(content, "zh", "html", "notice")


def test_a_letter_is_offline_and_escapes_what_the_sender_wrote() -> None:
    finding = Finding("delivery.header", "表头<script>", "header <script>", "<b>.csv", 1, "<i>")
    receipt = Receipt(
        3,
        "registry",
        "registry/firm",
        "x",
        "refused",
        "1.0.0",
        sent_at="2016-09-30T09:00:00+08:00",
        findings=(finding,),
    )
    content = letter(receipt, _contract(), ROOT)
    html = render(content, "en", "html")
    assert "http" not in html
    assert "<script>" not in html
    assert "<b>.csv" not in html
    assert (
        content["deadline"] == "2016-10-12"
    )  # five working days: 8 and 9 October 2016 were working weekend days
