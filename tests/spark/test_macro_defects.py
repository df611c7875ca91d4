"""Planted defects of the economy: recall and precision per kind, by rules of the contracts and by flags of
the marts; one city per seed.
"""

from __future__ import annotations

import importlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.compile.select import compile_contract
from citylake.contract.inputs import mart_inputs
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.codes import load_codes
from citylake.ingest.formats.workbook import Workbook
from citylake.marts.build import typed
from citylake.synthetic import generate
from citylake.synthetic.economy import BREAKS, OTHER_BASE
from citylake.synthetic.offices import delivered_rows
from citylake.synthetic.themes.macro import DEFECTS, REBASED, REVISED

from tests.oracles.city import City
from tests.oracles.macro_economy import histories

ROOT = Path(__file__).resolve().parents[2]
SEEDS = tuple(int(s) for s in os.environ.get("CITYLAKE_SEEDS", "2016").split(","))
MONTHS, SCALE = 6, 0.1
CONTRACTS = load_contracts(ROOT)
DATASETS = tuple(DEFECTS)
LINEAGE = (
    "_batch_id STRING, _receipt BIGINT, _file_id STRING, _row_no BIGINT, _line_no BIGINT, _byte_start BIGINT,"
    " _byte_end BIGINT, _sent_at STRING, _known_at TIMESTAMP, _period STRING, _error STRING,"
    " _masked STRING"
)
Key = tuple[Any, ...]


class Judged:
    """The deliveries of a city as the contracts' SELECTs judge them, and the marts on what passed."""

    def __init__(self, spark: Any, folder: Path) -> None:
        self._spark, self._folder = spark, folder
        self.flags: dict[Key, set[str]] = {}  # (dataset, delivery, record) -> rules broken
        self.keys: dict[Key, Key] = {}  # the same -> indicator, region, month
        self.frames: dict[str, Any] = {}
        for dataset in DATASETS:
            self._take(CONTRACTS[dataset])
        for name in ("observation", "indicator_asof", "indicator_month", "revision"):
            self._build(f"macro_economy/{name}")

    def _take(self, contract: Contract) -> None:
        compiled = compile_contract(contract, ROOT)
        rows = [
            r
            for folder in sorted((self._folder / "inbox" / contract.id).iterdir())
            for r in _bronze(folder, contract)
        ]
        names = [c.name for c in contract.columns if c.delivered]
        ddl = ", ".join([*(f"{n} STRING" for n in names), LINEAGE])
        view = f"planted_{contract.id.replace('/', '_')}"
        self._frame(rows, ddl).createOrReplaceTempView(view)
        judged = self._spark.createDataFrame(
            self._spark.sql(compiled.select.replace("{bronze}", view)).toArrow()
        )
        for row in judged.collect():
            place = (contract.id, row["_batch_id"], row["_row_no"])
            self.flags[place] = _names(row)
            self.keys[place] = (
                row["indicator_code"],
                getattr(row, "division_code", "210100"),
                row["stat_month"],
            )
        self.frames[contract.id] = judged.where(compiled.clean).withColumnRenamed("_known_at", "_known_from")

    def _build(self, mart: str) -> None:
        module = importlib.import_module(f"citylake.marts.{mart.replace('/', '.')}")
        built = typed(module.build({n: self._input(n) for n in mart_inputs(ROOT, mart)}), CONTRACTS[mart])
        self.frames[f"marts/{mart}"] = self._spark.createDataFrame(built.toArrow())

    def _input(self, name: str) -> Any:
        if name.startswith("codes/"):
            rows = load_codes(ROOT, name.removeprefix("codes/"))
            return self._frame(
                [{k: v or None for k, v in r.items()} for r in rows],
                ", ".join(f"{c} STRING" for c in rows[0]),
            )
        return self.frames[name]

    def _frame(self, rows: list[dict[str, Any]], ddl: str) -> Any:
        from pyspark.sql import functions as F

        texts = self._spark.createDataFrame([(json.dumps(r, ensure_ascii=False),) for r in rows], "j STRING")
        return texts.select(F.from_json("j", ddl).alias("r")).select("r.*")

    def found(self, mart: str, condition: str, *more: str) -> set[Key]:
        """Keys of the mart rows that meet a condition."""
        rows = (
            self.frames[f"marts/macro_economy/{mart}"]
            .where(condition)
            .select("indicator_code", "region_code", "stat_month", *more)
        )
        return {tuple(r) for r in rows.collect()}


def _bronze(folder: Path, contract: Contract) -> Iterator[dict[str, Any]]:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    if contract.format == "csv":
        rows = delivered_rows(folder, contract, "column")
    else:
        book = Workbook(folder / manifest["files"][0]["name"], contract)
        rows = [dict(zip(book.columns, record.values, strict=True)) for record in book]
    for number, row in enumerate(rows, 1):
        marks = {
            "_batch_id": folder.name,
            "_file_id": folder.name,
            "_row_no": number,
            "_sent_at": manifest["sent_at"],
            "_period": manifest["period"],
        }
        yield {**row, **marks, "_known_at": manifest["sent_at"]}


def _names(row: Any) -> set[str]:
    return {*row["_verdict"], *row["_flags"]}


@pytest.fixture(scope="module", params=SEEDS)
def city(
    request: pytest.FixtureRequest, spark: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[City, Judged, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("planted")
    generate(folder, months=MONTHS, scale=SCALE, seed=request.param, defects="heavy", only=DATASETS)
    planted = [
        json.loads(line) for line in (folder / "truth" / "defects.jsonl").read_text("utf-8").splitlines()
    ]
    return City(request.param, MONTHS, SCALE), Judged(spark, folder), planted


def _score(expected: set[Key], found: set[Key]) -> None:
    """Recall and precision of at least 0.99; something must have been planted."""
    assert expected
    assert len(expected & found) >= 0.99 * len(expected), sorted(expected - found, key=str)[:5]
    assert len(expected & found) >= 0.99 * len(found), sorted(found - expected, key=str)[:5]


@pytest.mark.parametrize("defect", ["D24", "D53", "D56", "D57"])
def test_rules_find_what_stands_in_one_cell(
    city: tuple[City, Judged, list[dict[str, Any]]], defect: str
) -> None:
    _, judged, planted = city
    rules = {p["rule"] for p in planted if p["id"] == defect}
    _score(_places(planted, defect), {place for place, names in judged.flags.items() if names & rules})


def test_nothing_else_is_flagged_and_blank_months_raise_nothing(
    city: tuple[City, Judged, list[dict[str, Any]]],
) -> None:
    _, judged, planted = city
    marked = {(p["dataset"], p["delivery"], p["record"]) for p in planted}
    assert [place for place, names in judged.flags.items() if names and place not in marked] == []
    halves = (
        "month(stat_month) = 2 AND split(indicator_code, '/')[0] IN ('固定资产投资', '规模以上工业增加值',"
        " '社会消费品零售总额')"
    )
    assert not judged.found(
        "indicator_month", f"{halves} AND (month_basis <> 'not_split' OR month_value IS NOT NULL)"
    )
    assert judged.found("indicator_month", "month_basis = 'not_split'")


def _places(planted: list[dict[str, Any]], defect: str) -> set[Key]:
    return {(p["dataset"], p["delivery"], p["record"]) for p in planted if p["id"] == defect}


def _keys(judged: Judged, places: set[Key]) -> set[Key]:
    moved = {"210122": "210115"}
    return {
        (code, moved.get(region, region), month) for code, region, month in (judged.keys[p] for p in places)
    }


def test_units_that_switched_in_silence(city: tuple[City, Judged, list[dict[str, Any]]]) -> None:
    _, judged, planted = city
    _score(_keys(judged, _places(planted, "D54")), judged.found("observation", "unit_state = 'undeclared'"))


def test_cumulative_values_in_the_place_of_the_month(city: tuple[City, Judged, list[dict[str, Any]]]) -> None:
    _, judged, planted = city
    _score(
        _keys(judged, _places(planted, "D57")),
        judged.found("observation", "measure = 'month_value' AND is_cumulative"),
    )


def test_values_come_back_to_the_truth(city: tuple[City, Judged, list[dict[str, Any]]]) -> None:
    truth, judged, _ = city
    true = {key: {r.value for r in told if r.value is not None} for key, told in histories(truth).items()}
    seen: dict[Key, set[Any]] = defaultdict(set)
    for *key, value in judged.found(
        "observation", "measure = 'cumulative_value' AND value IS NOT NULL", "value"
    ):
        seen[tuple(key)].add(value)
    assert {k: v for k, v in seen.items() if v != true[k]} == {}  # type: ignore[index]


def test_published_growth_on_another_base(city: tuple[City, Judged, list[dict[str, Any]]]) -> None:
    """D59; months whose level was revised stand apart, as their published growth is of the first level."""
    truth, judged, planted = city
    blank = _keys(judged, _places(planted, "D24"))
    expected = {k for k in histories(truth) if k[0] in OTHER_BASE and k[2].year > 2012 and k not in blank}
    revised = {*REVISED, REBASED}
    _score(
        expected,
        {
            k
            for k in judged.found("indicator_month", "abs(growth_gap_points) > 1 AND NOT level_break")
            if k[0] not in revised
        },
    )


def test_revisions(city: tuple[City, Judged, list[dict[str, Any]]]) -> None:
    """D60."""
    truth, judged, _ = city
    expected = {k for k, told in histories(truth).items() if len({r.value for r in told}) > 1}
    _score(expected, judged.found("revision", "measure = 'cumulative_value' AND vintages > 1"))


def test_level_breaks(city: tuple[City, Judged, list[dict[str, Any]]]) -> None:
    """D61, in the city and in its districts; a district that does not report cannot break."""
    truth, judged, planted = city
    blank = _keys(judged, _places(planted, "D24"))
    told = {k for k, history in histories(truth).items() if history[-1].growth is not None and k not in blank}
    expected = {k for k in told if k[0].split("/")[0] in BREAKS and k[2].year == 2016}
    _score(expected, judged.found("observation", "measure = 'cumulative_value' AND break_flag"))
