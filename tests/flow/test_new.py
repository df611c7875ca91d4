"""`citylake new` drafts a contract from a sample: it loads, its records are read by it, and what stands in it
was found in the file. For every dataset of this project, the draft from its own golden file agrees with the
contract that people wrote.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import load_contracts, load_types
from citylake.contract.meaning import header_key
from citylake.core.settings import ROOT, Settings
from citylake.ingest.content import read_content
from citylake.ingest.trial import read_files
from citylake.onboarding.evidence import chances, judge, sampled
from citylake.onboarding.new import Sample, read_sample
from citylake.onboarding.proposal import EMPTY, GENERAL, Known, Proposed, propose
from citylake.storage.spark import plan_for

CONTRACTS = {c.id: c for c in load_contracts(ROOT).values() if c.kind != "mart"}
TYPES = load_types(ROOT)
WITHOUT_FORM = {"civil_affairs/resident", "environment/emission_packet"}
"""Fixed width and packets: their description says what stands where, no byte of the file does."""


def _first(dataset: str) -> Path:
    """The first file of the dataset's golden cases that is whole."""
    cases = sorted((ROOT / "tests" / "cases" / dataset).glob("*/*/*"))
    files = (p for p in cases if p.name != "manifest.json" and ".amend" not in p.name)
    return next(p for p in files if not read_content(p.name, p, CONTRACTS[dataset]).findings)


@pytest.fixture(scope="module")
def samples() -> dict[str, Sample]:
    like = CONTRACTS["weather/station_hourly"]
    named = sorted(CONTRACTS.keys() - WITHOUT_FORM)
    return {d: read_sample(_first(d), like, TYPES["raw_text"]) for d in named}


def test_what_is_proposed_is_what_people_wrote(
    spark: Any, lake_settings: Settings, samples: dict[str, Sample]
) -> None:
    """Each dataset without its own contract: the others know some of its headers, the texts must say the
    rest. A proposal that differs is more general, never another meaning.
    """
    plan_for(spark, lake_settings, 1)
    kinds = {k: TYPES[k] for k in (*Known.of(CONTRACTS.values()).types, *GENERAL)}
    kinds = {k: t for k, t in kinds.items() if t.personal == "none"}
    counted = {d: [sampled(c) for c in s.cells.values()] for d, s in samples.items()}
    pool = {t for columns in counted.values() for c in columns for t in (*c, *chances(c))}
    judged = judge(spark, kinds.values(), pool, CONTRACTS["weather/station_hourly"], ROOT)
    wrong: list[str] = []
    same = total = 0
    for dataset, sample in samples.items():
        known = Known.of(c for c in CONTRACTS.values() if c.id != dataset)
        found = propose(sample.cells, judged, TYPES, known, named=sample.form.format != "spaced")
        truth = _types(dataset)
        for column in found.columns:
            wanted = truth.get(header_key(column.header), "")
            total, same = total + bool(wanted), same + (wanted == column.type.name)
            if wanted and not _agrees(column, wanted):
                wrong.append(
                    f"{dataset} {column.header}: {column.type.name}, not {wanted} ({column.evidence})"
                )
    assert not wrong
    assert same >= 0.5 * total


def _types(dataset: str) -> dict[str, str]:
    columns = [c for c in CONTRACTS[dataset].columns if c.delivered]
    return {header_key(h): c.type.name for c in columns for h in c.headers.values()}


LEFT_AS_TEXT = {*GENERAL, "digits", "raw_text"}
WHEN = {"date", "timestamp"}


def _agrees(column: Proposed, wanted: str) -> bool:
    """The same type, or a general one, which says no more than the texts show: a number may be a short code,
    a long code is never a number. What people left as text may be read, a day may keep its time; of a column
    without texts nothing is known.
    """
    kind = TYPES[wanted]
    if column.type.name == wanted or column.evidence == EMPTY:
        return True
    if column.personal or kind.personal != "none":
        return column.personal and kind.personal != "none"
    if kind.logical == "string":
        short = all(len(n) < 5 for n in column.seen.split(" … "))
        number = column.type.logical in ("number", "integer")
        return wanted in LEFT_AS_TEXT or (column.type.name in GENERAL and (short or not number))
    same = column.type.logical == kind.logical or {column.type.logical, kind.logical} <= WHEN
    return column.type.name in GENERAL and (same or column.type.logical in ("string", "number", "integer"))


def _new(root: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "citylake.cli", *arguments]
    env = {**os.environ, "CITYLAKE_ROOT": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this one's contracts, types and code lists."""
    for name in ("schemas", "expectations"):
        shutil.copytree(ROOT / name, tmp_path / "city" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "city")
    return tmp_path / "city"


BUOYS = """# buoys of the Hun river, local time
STATION;TIME;WTMP_C;LEVEL_M;OK
HB01;2016-07-10 08:00;24.1;3.125;Y
HB01;2016-07-10 09:00;24.4;3.118;Y
HB02;2016-07-10 08:00;NA;2.870;N
HB02;2016-07-10 09:00;NA;-9999;Y
HB03;2016-07-10 08:00;23.9;2.911;Y
HB03;2016-07-10 09:00;24.0;2.902;Y
HB03;2016-07-10 10:00;24.2;NA;Y
HB03;2016-07-10 11:00;24.3;NA;Y
"""


def test_a_foreign_file_becomes_a_dataset(project: Path, tmp_path: Path) -> None:
    sample = tmp_path / "buoys.csv"
    sample.write_text(BUOYS, "utf-8")
    code, told, why = _new(
        project, "new", "environment/buoy", "--sample", str(sample), "--period", "2016-07", "--json"
    )
    assert code == 0, why
    found = json.loads(told)
    columns = {c["header"]: c for c in found["proposal"]["columns"]}
    assert {h: c["type"]["physical"] for h, c in columns.items()} == {
        "STATION": "STRING",
        "TIME": "TIMESTAMP",
        "WTMP_C": "DECIMAL(24,6)",
        "LEVEL_M": "DECIMAL(24,6)",
        "OK": "STRING",
    }
    assert found["form"]["preamble"] == 1 and found["form"]["delimiter"] == ";"
    assert found["proposal"]["key"] == ["station", "time"]
    assert found["proposal"]["missing"] == ["NA"] and columns["LEVEL_M"]["missing"] == ["-9999"]
    assert columns["LEVEL_M"]["seen"] == "2.87 … 3.125"
    assert any("WTMP_C: in which unit?" in q for q in found["proposal"]["questions"])
    code, told, why = _new(project, "try", "environment/buoy", str(sample), "--period", "2016-07", "--json")
    assert code == 0, why
    trial = json.loads(told)
    assert (trial["records"], trial["quarantined"]) == (8, 0)
    values = {c["column"]: (c["values"], c["no_value"]) for c in trial["columns"]}
    assert values["wtmp_c"] == (6, 2) and values["level_m"] == (5, 3)
    manifest = project / "tests" / "cases" / "environment" / "buoy" / "first_records" / "2016-07-001"
    assert (manifest / "buoys.csv").read_text("utf-8") == BUOYS
    code, told, why = _new(project, "new", "environment/buoy", "--sample", str(sample))
    assert code == 3 and "there is a contract for environment/buoy" in why


def _identifier(first: str) -> str:
    """17 digits with their check character (GB 11643-1999)."""
    weighed = sum(int(d) * 2 ** (17 - i) for i, d in enumerate(first))
    return first + "10X98765432"[weighed % 11]


IDENTIFIERS = [_identifier(f"21010219{year}0215{n:03}") for year, n in ((65, 2), (70, 123), (88, 7))]


def test_persons_stay_where_the_lake_may_hold_none(project: Path, tmp_path: Path) -> None:
    sample = tmp_path / "meters.csv"
    rows = ["METER,OWNER_ID,KWH", *(f"M00{i},{person},{i}.5" for i, person in enumerate(IDENTIFIERS))]
    sample.write_text("\n".join(rows) + "\n", "utf-8")
    code, told, why = _new(project, "new", "power_supply/meter", "--sample", str(sample), "--json")
    assert code == 0, why
    found = json.loads(told)
    assert found["proposal"]["ignored"] == ["OWNER_ID"] and found["case"] == ""
    contract = load_contracts(project)["power_supply/meter"]
    assert contract.ignores("OWNER_ID") and not any(i in told + why for i in IDENTIFIERS)
    assert read_files(contract, [sample], "2016-07").findings == ()
    assert not (project / "tests").exists()
