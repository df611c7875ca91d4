"""`citylake try` says, without services, what becomes of each column of a file; its counts are those of the
golden case's own refusals and it shows nothing of persons.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from citylake.contract.load import load_contracts
from citylake.core.settings import ROOT

WEATHER = ROOT / "tests" / "faults" / "36-weather-values" / "f.csv"


def _try(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "citylake.cli", "try", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def _columns(text: str) -> dict[str, dict[str, Any]]:
    return {c["column"]: c for c in json.loads(text)["columns"]}


def test_every_column_is_counted_and_shown() -> None:
    code, text = _try("weather/station_hourly", str(WEATHER), "--json")
    assert code == 0
    found = _columns(text)
    warm = found["temperature_celsius"]
    # Of 17 texts three are out of range, one has a unit, one is the code for a missing value.
    assert (warm["texts"], warm["values"], warm["emptied"], warm["no_value"]) == (17, 12, 4, 1)
    assert "−12.9 → -12.90" in warm["read_as"]
    told = {b["rule"]: (b["rows"], b["samples"]) for b in warm["broken"]}
    assert told["temperature_celsius.range"] == (3, ["999.9 → ∅", "-99.9 → ∅", "32766 → ∅"])
    assert told["temperature_celsius.unparsable"] == (1, ["-12.9℃ → ∅"])
    rain = found["rain_mm"]
    assert (rain["texts"], rain["values"], rain["no_value"]) == (17, 13, 1)


def test_what_would_be_quarantined_ends_with_1_and_shows_no_person(tmp_path: Path) -> None:
    row = "YD2016001,210102196512150021,王小明,11,2016-13-45,2016-01-28,210102,210102001,"
    path = tmp_path / "movement.csv"
    path.write_bytes((_header("civil_affairs/movement") + "\r\n" + row + "\r\n").encode("gb18030"))
    code, text = _try("civil_affairs/movement", str(path), "--period", "2016-01", "--json")
    assert code == 1
    assert json.loads(text)["quarantined"] == 1
    broken = {b["rule"] for b in _columns(text)["occurred_on"]["broken"]}
    assert broken == {"occurred_on.unparsable"}
    assert "王小明" not in text and "210102196512150021" not in text


def test_a_file_that_would_be_refused_says_why(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    code, text = _try("weather/station_hourly", str(path), "--json")
    assert code == 1
    assert [f["rule"] for f in json.loads(text)] == ["delivery.header"]


def _header(dataset: str) -> str:
    contract = load_contracts(ROOT)[dataset]
    return ",".join(c.header("") for c in contract.layout_columns(""))
