"""A hundred persons are erased from a small city: nothing of them is left in any object, nothing of anybody
else changed, everything still proves itself, and no later delivery brings one of them back.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from citylake.audit.check import check
from citylake.audit.conservation import batches
from citylake.core.errors import LakeError
from citylake.core.names import bronze, quarantine, silver
from citylake.core.settings import Settings
from citylake.ingest.erasure import Forgetting, Gone
from citylake.ingest.formats.records import Record
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.evidence import events
from citylake.ledger.seal import seal
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.run import erase_persons
from citylake.pipeline.steps import VERBS
from citylake.privacy.token_keys import load_tokens
from citylake.storage.delta import open_table
from citylake.synthetic import generate

RESIDENT, MOVEMENT = "civil_affairs/resident", "civil_affairs/movement"
PENALTY, PERMIT = "development_reform/admin_penalty", "development_reform/admin_permit"
ONLY = (RESIDENT, MOVEMENT, PENALTY, PERMIT, "market_regulation/legal_entity")
WITH_PERSONS = ONLY[:4]


@pytest.fixture(scope="module")
def city(lake_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path]:
    """A lake of two months with everything admitted, and a third month that has not come yet."""
    lake = open_lake(lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-erasure"}))
    folder = tmp_path_factory.mktemp("city")
    generate(folder / "now", months=2, scale=0.2, only=ONLY)
    generate(folder / "later", months=3, scale=0.2, only=ONLY)
    fetch_folder(lake.store, folder / "now" / "inbox")
    for dataset in ONLY:
        for verb in ("receive", "decode", "refine"):
            VERBS[verb](lake, dataset)
    assert VERBS["build"](lake, "population/resident_count")["built"]
    VERBS["release"](lake)
    return lake, folder / "later" / "inbox"


def _identifiers(lake: Lake, dataset: str) -> list[str]:
    """Sound identifiers as landed files hold them, by plain reading."""
    found = set[str]()
    for key in lake.store.list(f"landing/{dataset}/"):
        text = lake.store.get(key).decode("utf-8" if dataset.startswith("dev") else "gb18030", "replace")
        found |= set(re.findall(r"(?<![0-9])21[0-9]{4}(?:19|20)[0-9]{9}[0-9X]", text))
    return sorted(p for p in found if _checks(p))


def _checks(person: str) -> bool:
    """ISO 7064 MOD 11-2."""
    return sum(2 ** (17 - i) * (10 if d == "X" else int(d)) for i, d in enumerate(person)) % 11 == 1


def _rows(lake: Lake) -> dict[str, dict[tuple[str, int], list[str]]]:
    """Table -> file and number of a record -> its rows as text."""
    found: dict[str, dict[tuple[str, int], list[str]]] = {}
    for dataset in ONLY:
        for table in (bronze(dataset), silver(dataset), quarantine(dataset)):
            opened = open_table(lake.settings, table)
            rows = sorted(opened.to_pyarrow_table().to_pylist(), key=str) if opened is not None else []
            if opened is not None:  # whoever follows a row back asks for its file
                files = sorted({row["_file_id"] for row in rows})
                assert opened.to_pyarrow_table(filters=[("_file_id", "in", files)]).num_rows == len(rows)
            for row in rows:
                ref = row["_file_id"], row["_row_no"]
                found.setdefault(table.key, {}).setdefault(ref, []).append(str(row))
    return found


def _texts(key: str, body: bytes) -> Iterator[bytes]:
    """The bytes of an object, and what a Parquet file holds when it is decoded."""
    yield body
    if key.endswith(".parquet"):
        yield str(pq.read_table(io.BytesIO(body)).to_pylist()).encode()


def _hits(lake: Lake, sought: list[bytes], *, logs: bool = True) -> set[str]:
    return {
        key
        for key in lake.store.sizes()
        if logs or "/_delta_log/" not in key
        for text in _texts(key, lake.store.get(key))
        if any(s in text for s in sought)
    }


def _spelled(persons: list[str]) -> list[bytes]:
    """Each identifier in clear, in base64 at its three offsets, and percent-encoded."""
    found: list[bytes] = []
    for person in persons:
        raw = person.encode()
        whole = [base64.b64encode(b" " * n + raw)[4 : 4 + 20] for n in (1, 2, 3)]
        found += [raw, *whole, "".join(f"%{b:02X}" for b in raw).encode()]
    return found


def _chosen(lake: Lake) -> list[str]:
    rng, by = Random(18), {d: _identifiers(lake, d) for d in WITH_PERSONS}
    chosen = {p for d in (MOVEMENT, PENALTY, PERMIT) for p in rng.sample(by[d], min(20, len(by[d])))}
    rest = [p for p in by[RESIDENT] if p not in chosen]
    return sorted(chosen | set(rng.sample(rest, 100 - len(chosen))))


class _Broken(Exception):
    pass


def _breaks(*given: Any) -> None:
    raise _Broken


def _lines(lake: Lake, persons: list[str]) -> dict[str, int]:
    """How many lines of landed files name one of the persons, by plain reading."""
    named = re.compile("|".join(persons).encode())
    bodies = {d: [lake.store.get(k) for k in lake.store.list(f"landing/{d}/")] for d in ONLY}
    found = {
        d: sum(bool(named.search(n)) for b in held for n in b.split(b"\n")) for d, held in bodies.items()
    }
    return {d: n for d, n in found.items() if n}


def test_a_hundred_persons_go_and_nobody_else_changes(
    city: tuple[Lake, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, later = city
    persons = _chosen(lake)
    assert len(persons) == 100
    tokens = load_tokens(lake.settings, lake.store)
    theirs = [t for p in persons if (t := tokens.resident(p).token)]
    marked = [*theirs, *(t.upper() for t in theirs)]
    before = _rows(lake)
    assert _hits(lake, _spelled(persons)) and _hits(lake, [t.encode() for t in theirs])

    asked = {"by": "Chief Steward Li", "reason": "decision 2016-17"}
    told = erase_persons(lake, persons, **asked, dry_run=True)
    plain = _lines(lake, persons)  # other spellings come beside
    assert all(told["records"].get(d, 0) >= n for d, n in plain.items())
    assert sum(told["records"].values()) <= 1.1 * sum(plain.values())
    assert _rows(lake) == before and not events(lake.store, "erasures")
    with monkeypatch.context() as patched:
        patched.setattr("citylake.casework.erase._from_tables", _breaks)
        with pytest.raises(_Broken):
            erase_persons(lake, [*persons, ""], **asked)
    done = erase_persons(lake, persons, **asked)  # goes on where it broke off
    seal(lake.settings, lake.store)
    assert (done["records"], done["persons"]) == ({}, 100)
    assert set(told["records"]) >= {RESIDENT, MOVEMENT}
    assert all("error" not in s for s in done["steps"])
    _nothing_is_left(lake, persons, theirs)

    facts = [e.facts for e in events(lake.store, "erasures")]
    assert facts[0]["by"] == "Chief Steward Li" and len(facts[0]["subjects"]) == 100
    erased = {(f["key"].rsplit("/", 1)[1], n) for f in facts[0]["files"] for n in f["rows"]}
    assert len(erased) == sum(told["records"].values())
    after = _rows(lake)
    for table, rows in before.items():
        assert after[table] == {ref: held for ref, held in rows.items() if ref not in erased}, table
        assert not any(m in str(held) for held in after[table].values() for m in marked)

    _nobody_comes_back(lake, later, persons, theirs)


def _nothing_is_left(lake: Lake, persons: list[str], theirs: list[str]) -> None:
    assert _hits(lake, _spelled(persons)) == set()
    assert _hits(lake, [t.encode() for t in theirs], logs=False) == set()
    assert check(lake.settings, lake.store, lake.contracts).damages == []
    assert all(b.balanced for b in batches(lake.store, lake.contracts))


def _nobody_comes_back(lake: Lake, later: Path, persons: list[str], theirs: list[str]) -> None:
    """A full register with all of them and a month of movements come, and everything is run again."""
    fetch_folder(lake.store, later)
    assert _hits(lake, _spelled(persons))
    for dataset in ONLY:
        for verb in ("receive", "decode", "refine"):
            VERBS[verb](lake, dataset)
    VERBS["release"](lake)
    found = [b for b in batches(lake.store, lake.contracts) if b.suppressed]
    assert RESIDENT in {b.dataset for b in found}
    assert sum(b.suppressed for b in found if b.dataset == RESIDENT) > 50
    waiting = [k for k in lake.store.list("inbox/") if not k.endswith("manifest.json")]
    refused = {k for k in _hits(lake, _spelled(persons)) if k in waiting}
    assert _hits(lake, _spelled(persons)) == refused == set()
    _nothing_is_left(lake, persons, theirs)


@pytest.mark.parametrize(
    "line", ["张三", "123", "21010219880307101", "210102198803071018 210102198803071026"]
)
def test_what_is_no_identifier_is_told_by_its_line_and_never_quoted(
    city: tuple[Lake, Path], line: str
) -> None:
    with pytest.raises(LakeError, match=r"erase\.identifier") as told:
        erase_persons(city[0], ["210102198803071018", line], by="a", reason="b", dry_run=True)
    assert "line 2" in told.value.what and line not in str(told.value)


def test_an_erasure_takes_a_name_and_a_reason(city: tuple[Lake, Path]) -> None:
    for by, reason in (("", "b"), ("a", " ")):
        with pytest.raises(LakeError, match=r"erase\.decision"):
            erase_persons(city[0], ["210102198803071018"], by=by, reason=reason)


def test_a_later_file_that_cannot_be_blanked_is_not_taken_in(city: tuple[Lake, Path]) -> None:
    """A workbook whose bytes were overwritten would be lost with all its other records."""
    lake, _ = city
    contract = replace(lake.contracts[WITH_PERSONS[0]], format="xlsx")
    person = _identifiers(lake, WITH_PERSONS[0])[0]
    tokens = load_tokens(lake.settings, lake.store)
    forgetting = Forgetting(Gone({}, frozenset({tokens.mark(person)})), tokens)
    other, theirs = Record(1, 2, 0, 0, ["210102"]), Record(2, 3, 0, 0, ["210102", f" {person}"])
    assert forgetting.keep("a" * 64, Path("book.xlsx"), contract, [other]) is None
    with pytest.raises(LakeError) as refused:
        forgetting.keep("a" * 64, Path("book.xlsx"), contract, [other, theirs])
    assert refused.value.rule == "erase.format"
    assert forgetting.named == {}
