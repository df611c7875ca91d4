"""Strict decoding: every record with its bytes, errors per record, refusals per file."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.ingest.decode import open_file
from citylake.ingest.formats.records import Record, Unreadable
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def contracts(root: Path) -> dict[str, Contract]:
    return load_contracts(root)


def _records(path: Path, contract: Contract) -> list[Record]:
    with open_file(path, contract) as decoder:
        return list(decoder)


def _component(
    contracts: dict[str, Contract], rows: list[bytes], tmp_path: Path, head: bytes | None = None
) -> Path:
    contract = contracts["construction/component"]
    header = head or ",".join(c.header("") for c in contract.layout_columns("")).encode("gb18030")
    path = tmp_path / "a.csv"
    path.write_bytes(b"\r\n".join([header, *rows]) + b"\r\n")
    return path


def test_byte_ranges_give_back_the_record(contracts: dict[str, Contract], tmp_path: Path) -> None:
    rows = ["a,上水井盖,0101" + "," * 12, 'b,"两\n行",0101' + "," * 12, "c,x,0101" + "," * 12]
    path = _component(contracts, [r.encode("gb18030") for r in rows], tmp_path)
    body = path.read_bytes()
    found = _records(path, contracts["construction/component"])
    assert [body[r.start : r.end].decode("gb18030").strip() for r in found] == rows
    assert [r.line for r in found] == [2, 3, 5]
    assert found[1].values[1] == "两\n行"


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (b"a,x,0101" + b"," * 12, None),
        (b"a,x,0101" + b"," * 13, "record.extra_field"),
        (b"a,x,0101", "record.missing_field"),
        (b"a,\xff\xff,0101" + b"," * 12, "record.undecodable"),
        (b"a,x\0,0101" + b"," * 12, "record.nul"),
    ],
)
def test_a_bad_record_is_an_error_of_that_record(
    contracts: dict[str, Contract], tmp_path: Path, row: bytes, error: str | None
) -> None:
    good = b"z,x,0101" + b"," * 12
    found = _records(_component(contracts, [good, row, good], tmp_path), contracts["construction/component"])
    assert [r.error for r in found] == [None, error, None]


def test_a_foreign_header_refuses_the_file(contracts: dict[str, Contract], tmp_path: Path) -> None:
    path = _component(contracts, [], tmp_path, head=b"a,b,c")
    with pytest.raises(Unreadable) as told:
        _records(path, contracts["construction/component"])
    assert told.value.findings[0].rule == "delivery.header"


def test_layouts_are_found_by_header_text(contracts: dict[str, Contract], tmp_path: Path) -> None:
    contract = contracts["development_reform/admin_permit"]
    for layout in contract.layouts:
        columns = list(contract.layout_columns(layout))
        path = tmp_path / f"{layout}.csv"
        path.write_text(
            ",".join(c.header(layout) for c in columns) + "\n" + ",".join(c.name for c in columns) + "\n",
            "utf-8",
        )
        with open_file(path, contract) as decoder:
            record = next(iter(decoder))
        assert decoder.layout == layout
        assert list(decoder.columns) == record.values


def test_columns_that_changed_places_refuse_the_file(contracts: dict[str, Contract], tmp_path: Path) -> None:
    contract = contracts["construction/component"]
    texts = [c.header("") for c in contract.layout_columns("")]
    texts[1], texts[2] = texts[2], texts[1]
    with pytest.raises(Unreadable) as told:
        _records(_component(contracts, [], tmp_path, head=",".join(texts).encode("gb18030")), contract)
    assert [(f.rule, f.column) for f in told.value.findings] == [("delivery.header_order", texts[1])]


def test_fixed_width_counts_bytes_and_isolates_a_short_record(
    contracts: dict[str, Contract], tmp_path: Path
) -> None:
    contract = contracts["civil_affairs/resident"]
    whole = (
        b"210122198211033048"
        + "王小明".encode("gb18030").ljust(30)
        + b"1 "
        + "汉族".encode("gb18030").ljust(20)
    )
    whole = (whole + b"19821103" + b"210102" + b"210102001" + b"1" + b"20" + b"20000101").ljust(112)
    path = tmp_path / "r.txt"
    path.write_bytes(whole + b"\r\n" + whole[:50] + b"\r\n" + whole + b"\r\n")
    found = _records(path, contract)
    assert [r.error for r in found] == [None, "record.missing_field", None]
    assert found[2].values[0] == "210122198211033048"
    assert (found[1].start, found[1].end) == (114, 166)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12),
            st.text('ab,"\n', max_size=8),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_no_record_is_lost_whatever_the_text(
    contracts: dict[str, Contract], tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    import csv

    contract = contracts["construction/component"]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="gb18030", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        writer.writerow([c.header("") for c in contract.layout_columns("")])
        for a, b in rows:
            writer.writerow(["k", a, b, *[""] * 12])
    found = _records(path, contract)
    assert [(r.values[1], r.values[2]) for r in found] == rows
    assert all(a.end == b.start for a, b in itertools.pairwise(found))
