"""Every kind of chart that a contract may ask for is one SVG that loads nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import lint, load_contracts
from citylake.contract.model import Contract
from citylake.site.charts import KINDS, mart_chart

ASKED: dict[str, dict[str, Any]] = {
    "lines": {"x": "reported_on", "y": "cases", "by": "event_class"},
    "calendar": {"x": "reported_on", "y": "cases", "steps": [2, 4], "colors": ["green", "yellow", "red"]},
    "bars": {"x": "reported_on", "y": "cases", "line": "mean_rain_24h_mm"},
    "map": {"x": "cases", "y": "closed", "by": "event_class"},
}
ROWS = [
    {
        "reported_on": date(2016, 1, d),
        "event_class": c,
        "cases": d,
        "closed": d + 1,
        "mean_rain_24h_mm": Decimal("0.5"),
    }
    for d in range(1, 6)
    for c in ("道路积水", "工地扬尘")
]


@pytest.fixture(scope="module")
def contract(root: Path) -> Contract:
    return load_contracts(root)["urban_components/component_day"]


def test_every_kind_is_tried() -> None:
    assert ASKED.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_chart_is_one_picture_without_addresses(
    contract: Contract, kind: str, lang: str, root: Path
) -> None:
    asked = replace(contract, chart={"kind": kind, **ASKED[kind]})
    text = str(mart_chart(asked, ROWS, lang, root))
    assert text == str(mart_chart(asked, ROWS, lang, root))
    assert text.startswith("<svg")
    assert set(re.findall(r"https?://[^\"' ]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_rows_outside_where_stay_out(contract: Contract, root: Path) -> None:
    asked = {"kind": "lines", **ASKED["lines"], "where": {"event_class": "道路积水"}}
    text = str(mart_chart(replace(contract, chart=asked), ROWS, "zh", root))
    assert "道路积水" in text
    assert "工地扬尘" not in text


def test_no_rows_no_picture(contract: Contract, root: Path) -> None:
    assert mart_chart(contract, [], "zh", root) == ""


def test_a_chart_of_a_column_that_is_not_there_is_told(root: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(root / "schemas", tmp_path / "schemas")
    path = tmp_path / "schemas/marts/urban_components/component_day.odcs.yaml"
    path.write_text(path.read_text("utf-8").replace("y: cases, line", "y: cased, line"), "utf-8")
    assert [p.text for p in lint(tmp_path)] == ["the chart names 'cased', which is no column"]
