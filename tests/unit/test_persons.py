"""Nothing of a person leaves landing in clear: the scrubber in every spelling, and canaries in every column
of every contract, through decoding, refusals and letters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.model import Contract
from citylake.core.settings import ROOT
from citylake.drift.kinds import diagnose
from citylake.ingest.decode import bronze_batches
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import read_manifest
from citylake.ingest.verify import verify
from citylake.ledger.receipts import Finding, LandedFile, Receipt
from citylake.messages.letter import letter, render
from citylake.privacy.masking import foreign, told_names
from citylake.privacy.names import is_name
from citylake.privacy.scrub import scrub, scrub_json
from citylake.privacy.tokens import Tokens, check_character
from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import CANARIES, IDENTIFIER, contracts, leaks, samples, with_canaries, written

TOKENS = Tokens(b"k" * 32)


def seen(path: Path, contract: Contract, name: str = "data", records: int | None = None) -> str:
    """Everything that the lake would keep of a file: findings, receipt, letters, bronze."""
    body = path.read_bytes()
    sha256 = hashlib.sha256(body).hexdigest()
    manifest = {
        "manifest": 1,
        "dataset": contract.id,
        "contract": contract.version,
        "delivery": "2016-01-001",
        "period": "2016-01",
        "coverage": "full",
        "sent_at": "2016-02-01T09:30:00+08:00",
        "files": [{"name": name, "bytes": len(body), "sha256": sha256, "records": records or 4}],
        "totals": {"records": records or 4},
    }
    found = verify(read_manifest(json.dumps(manifest).encode()), contract, {name: path}, ())
    receipt = Receipt(
        1,
        contract.department,
        contract.id,
        "2016-01-001",
        "refused",
        contract.version,
        "2016-01",
        sent_at="2016-02-01T09:30:00+08:00",
        known_at="2016-02-01T01:30:00+00:00",
        layout=found.layout,
        files=(LandedFile(name, sha256, len(body), 4),),
        findings=found.findings,
    )
    content = letter(receipt, contract, ROOT)
    told = [
        json.dumps(asdict(receipt), ensure_ascii=False),
        *(render(content, x, "html") for x in ("zh", "en")),
    ]
    try:
        for batch in bronze_batches(contract, receipt, {sha256: path}, TOKENS):
            told.append(json.dumps(batch.to_pylist(), ensure_ascii=False, default=str))
    except Unreadable as error:
        told += [f.en + f.zh for f in error.findings]
    return "\n".join(told)


@pytest.mark.parametrize("text", CANARIES.values(), ids=CANARIES.keys())
def test_a_canary_is_found_in_prose_and_in_json(text: str) -> None:
    assert leaks(text), "the canary itself is seen"
    assert not leaks(scrub(f"关于{text}的情况"))
    assert not leaks(scrub_json(json.dumps({"情况": [text]}, ensure_ascii=True)))


@given(
    born=st.dates(date(1920, 1, 1), date(2015, 12, 31)),
    sequence=st.integers(0, 999),
    gaps=st.lists(st.sampled_from(["", "", "", " ", "-", "\u200b", "　", "－"]), min_size=18, max_size=18),
    wide=st.booleans(),
    around=st.tuples(st.text("甲文号:（,a", max_size=3), st.text("甲文号:）,", max_size=3)),
)
def test_an_identifier_is_found_in_every_spelling(
    born: date, sequence: int, gaps: list[str], wide: bool, around: tuple[str, str]
) -> None:
    body = f"210102{born:%Y%m%d}{sequence:03d}"
    whole = body + check_character(body)
    spelled = "".join(c + g for c, g in zip(whole, gaps, strict=True)).rstrip(" -\u200b　－")
    text = spelled.translate({48 + i: 0xFF10 + i for i in range(10)}) if wide else spelled
    assert sum(c.isdigit() for c in scrub(around[0] + text + around[1])) == 0


@given(st.from_regex(r"(\+86 ?|86|0)?1[3-9][0-9]([ -]?)[0-9]{4}\2[0-9]{4}", fullmatch=True))
def test_a_mobile_number_is_found_in_every_spelling(number: str) -> None:
    assert not any(c.isdigit() for c in scrub(f"电话{number}。"))


@pytest.mark.parametrize(
    "text",
    [
        "2016-03-15 12:00:00",
        "123.456789,41.803456 13.123456789",
        "沈工商罚字〔2016〕123号",
        "91210112PDY00001XB",
        "2101020101000123",
        "当事人应当于2016年3月",
        "沈阳恒远机械制造有限公司",
        "210102198813071018",
        "1234567890123",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王伟", True),
        ("诸葛金雀", True),
        ("买买提·吐尔逊", True),
        ("王 伟", True),
        ("公安局", False),
        ("卫生局", False),
        ("沈河区", False),
        ("高坎镇", False),
        ("沈阳恒远机械制造有限公司", False),
    ],
)
def test_the_form_of_a_name(text: str, name: bool) -> None:
    assert is_name(text) is name


@pytest.mark.parametrize("dataset", sorted(contracts()))
def test_no_row_receipt_or_letter_holds_a_canary_of_any_column(dataset: str, tmp_path: Path) -> None:
    if dataset not in samples():
        pytest.skip("the synthetic city sends none in its first month")
    order, rows = samples()[dataset]
    told = dict[str, list[bytes]]()
    for column in sorted(rows[0].keys() & {c.name for c in order.contract.columns}):
        try:
            path = written(tmp_path, order, with_canaries(order.contract, rows, [column]))
        except (UnicodeEncodeError, ValueError):
            continue  # the format cannot hold such a text
        told[column] = leaks(seen(path, order.contract, records=len(CANARIES)))
    assert not any(told.values()), {
        c: [x.decode("utf-8", "replace") for x in v] for c, v in told.items() if v
    }


def _extra_field(body: bytes) -> bytes:
    lines = body.split(b"\n")
    return b"\n".join([lines[0], *(line[:1] + b"," + line[1:] for line in lines[1:])])


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda b: b[: len(b) * 2 // 3],
    "no header": lambda b: b.split(b"\n", 1)[1] if b"\n" in b else b"",
    "another charset": lambda b: b.decode("utf-8", "replace").encode("utf-16"),
    "one field more": _extra_field,
    "a quote": lambda b: b.replace(b",", b',"', 1),
    "another delimiter": lambda b: b.replace(b",", b"^"),
    "NUL": lambda b: b.replace(b"1", b"\x00", 1),
    "twice": lambda b: b + b,
    "no end": lambda b: b.rstrip() + b"," * 5,
    "half a line": lambda b: b + IDENTIFIER.encode()[:9] + b"\n",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_with_canaries_tells_none(kind: str, tmp_path: Path) -> None:
    for dataset, (order, rows) in samples().items():
        texts = [c.name for c in order.contract.columns if c.name in rows[0] and c.type.physical == "STRING"]
        try:
            path = written(tmp_path, order, with_canaries(order.contract, rows, texts[-3:]))
        except (UnicodeEncodeError, ValueError):
            continue
        path.write_bytes(BROKEN[kind](path.read_bytes()))
        assert not leaks(seen(path, order.contract, records=len(CANARIES))), dataset


@pytest.mark.parametrize("canary", ["identifier", "telephone", "name", "beside"])
def test_headers_and_names_of_files_are_told_as_shapes(canary: str, tmp_path: Path) -> None:
    contract, path = contracts()["market_regulation/legal_entity"], tmp_path / "data"
    header = [c.header("") for c in contract.columns if c.delivered]
    for told in (
        [*header, CANARIES[canary]],
        [CANARIES[canary]] * len(header),
        [*header[1:], CANARIES[canary]],
    ):
        path.write_bytes(("，".join(told) + "\n").replace("，", ",").encode("gb18030"))
        assert not leaks(seen(path, contract))
        assert not leaks("".join(repr(d) for d in diagnose(contract, path, None, ROOT)))
    assert not leaks("".join(told_names(contract, [f"{CANARIES[canary]}.csv"]).values()))
    assert foreign(contract, "法人单位_201601.csv") == "法人单位_201601.csv"
    assert not leaks(Finding("x", CANARIES[canary], CANARIES[canary], CANARIES[canary]).__repr__())


@pytest.mark.parametrize("canary", ["identifier", "telephone", "name", "beside"])
def test_a_manifest_with_fields_of_its_own_tells_their_shape(canary: str) -> None:
    body: dict[str, Any] = {"manifest": 1, CANARIES[canary]: 1, "totals": {"sum": {CANARIES[canary]: "x"}}}
    with pytest.raises(Unreadable) as refused:
        read_manifest(json.dumps(body).encode())
    assert not leaks("".join(f.zh + f.en + f.column for f in refused.value.findings))


def _counterparts() -> Iterator[tuple[dict[str, str], bool]]:
    firm, person = "沈阳恒远商贸有限公司", "王伟"
    yield {"counterpart_name": person}, True
    yield {"counterpart_name": "阿依古丽", "counterpart_kind": "自然人"}, True
    yield {"counterpart_name": "尼玛", "counterpart_resident_id": IDENTIFIER}, True
    yield {"counterpart_name": firm, "counterpart_uscc": "91210112PDY00001XB"}, False
    yield {"counterpart_name": firm}, False


@pytest.mark.parametrize(("given", "natural"), list(_counterparts()))
def test_a_natural_counterpart_has_a_token_for_a_name(
    given: dict[str, str], natural: bool, tmp_path: Path
) -> None:
    contract = contracts()["development_reform/admin_penalty"]
    layout = contract.layouts["layout-2018"]
    path = tmp_path / "data.csv"
    row = given | {"violation": f"{given['counterpart_name']}无证经营", "penalty_class": "罚款"}
    lines = [[contract.column(n).header("layout-2018") for n in layout], [row.get(n, "") for n in layout]]
    path.write_text("".join(",".join(line) + "\n" for line in lines), "utf-8")
    receipt = replace(_receipt(contract, path), layout="layout-2018")
    held = next(bronze_batches(contract, receipt, {receipt.files[0].sha256: path}, TOKENS)).to_pylist()[0]
    assert held["counterpart_name"].startswith("TOKEN:") is natural
    assert (held["_masked"] is not None) is natural
    assert (given["counterpart_name"] in held["violation"]) is not natural


def _receipt(contract: Contract, path: Path) -> Receipt:
    files = (LandedFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, 1),)
    return Receipt(
        1,
        contract.department,
        contract.id,
        "a",
        "accepted",
        contract.version,
        known_at="2016-02-01T01:30:00+00:00",
        files=files,
    )


def test_the_files_of_the_golden_cases_keep_their_names() -> None:
    told: dict[str, str] = {}
    for path in sorted((ROOT / "tests" / "cases").glob("*/*/*/*/manifest.json")):
        manifest = json.loads(path.read_text("utf-8"))
        told |= told_names(contracts()[manifest["dataset"]], [f["name"] for f in manifest["files"]])
    assert told == {}
    weather = contracts()["weather/climate_daily_rain"]
    named = ["SURF_CLI_CHN_MUL_DAY-PRE-13011-201601.TXT", "主要指标历史数据2012-2015.csv"]
    assert told_names(weather, named) == {}
