"""Faults that people met with other loaders (`tests/faults`): what the file shows is what the lake holds, or
the refusal says why; `diagnose` agrees.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from citylake.compile.select import compile_contract
from citylake.compile.tables import silver_columns
from citylake.core.settings import ROOT

from tests.bad_input.judge import base_contracts
from tests.faults.judge import Fault, Said, all_faults, judge


@dataclass
class Came:
    """What came of a file."""

    fault: Fault
    said: Said
    quarantined: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @property
    def wrong(self) -> str:
        """Why it is not what must come; "" when it is."""
        must = self.fault.expected
        if self.said.refused != must.get("refused", []):
            return f"refused for {self.said.refused}"
        if self.quarantined != must.get("quarantined", {}):
            return f"quarantined {self.quarantined}"
        asked = self.cells(must.get("rows", {}))
        return "" if asked == must.get("rows", {}) else f"rows {asked}"

    def cells(self, asked: dict[str, dict[str, str | None]]) -> dict[str, dict[str, str | None]]:
        """What came in the places that are asked for."""
        return {
            line: {c: self.rows[line].get(c) for c in cells}
            for line, cells in asked.items()
            if line in self.rows
        }


@pytest.fixture(scope="module")
def came(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Came]:
    """Every file judged; the rows of a dataset in one query."""
    found = [Came(f, judge(f, tmp_path_factory.mktemp("fault"), i)) for i, f in enumerate(all_faults())]
    by_dataset: dict[str, list[Came]] = defaultdict(list)
    for c in found:
        by_dataset[c.fault.dataset].append(c)
    for dataset, mine in by_dataset.items():
        tables = [c.said.rows for c in mine if c.said.rows is not None]
        if tables:
            _rows(spark, dataset, pa.concat_tables(tables), {str(found.index(c)): c for c in mine})
    print()
    for c in found:
        told = ", ".join(c.said.refused) or f"{len(c.rows)} rows, {len(c.quarantined)} quarantined"
        print(f"{'WRONG' if c.wrong else 'right':6} {c.fault.name:60} {told}  {c.wrong}")
    print(f"{sum(not c.wrong for c in found)} of {len(found)} as must come")
    return found


def _rows(spark: Any, dataset: str, rows: pa.Table, by_batch: dict[str, Came]) -> None:
    compiled = compile_contract(base_contracts()[dataset], ROOT)
    columns = [c.name for c in silver_columns(base_contracts()[dataset])]
    spark.createDataFrame(rows).createOrReplaceTempView("faults")
    judged = spark.sql(compiled.select.replace("{bronze}", "faults"))
    texts = [f"CAST(`{c}` AS STRING) AS `{c}`" for c in columns]
    for row in judged.selectExpr("_batch_id", "_line_no", "_row_no", "_verdict AS reasons", *texts).collect():
        one = by_batch[row["_batch_id"]]
        # Lines of JSON on one line are told apart by their record.
        place = str(row["_line_no"] if one.fault.file.suffix not in (".json",) else row["_row_no"])
        if row["reasons"]:
            one.quarantined[place] = sorted(row["reasons"])
        one.rows[place] = {c: row[c] for c in columns}


def test_every_file_comes_as_it_must(came: list[Came]) -> None:
    if os.environ.get("CITYLAKE_ACCEPT"):
        _accept(came)
    assert len(came) >= 46
    assert {c.fault.name: c.wrong for c in came if c.wrong} == {}


def test_diagnose_never_calls_a_refused_file_sound_nor_a_sound_one_different(came: list[Came]) -> None:
    assert [c.fault.name for c in came if bool(c.said.differences) != bool(c.said.refused)] == []


def _accept(came: list[Came]) -> None:
    for c in came:
        path = c.fault.file.parent / "expected.json"
        told = json.loads(path.read_text("utf-8"))
        rows = c.cells(c.fault.expected.get("rows", {}))
        must = {"refused": c.said.refused} if c.said.refused else {"quarantined": c.quarantined, "rows": rows}
        told["files"][c.fault.file.name] = must
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
