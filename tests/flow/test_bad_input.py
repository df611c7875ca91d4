"""The 72 kinds of bad input (reliability catalogue, section 6): each in at least three variants gets the
verdict that stands beside it.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from citylake.compile.select import compile_contract
from citylake.core.settings import ROOT

from tests.bad_input.firm import Case
from tests.bad_input.judge import MEBIBYTES, SECONDS, Outcome, all_cases, base_contracts, judge


@dataclass
class Judged:
    """A case, its outcome and the quarantined rows by (line, rule)."""

    case: Case
    outcome: Outcome
    quarantined: set[tuple[int, str]]

    @property
    def wrong(self) -> str:
        """Why the verdict is not the expected one; "" when it is."""
        case, out = self.case, self.outcome
        if out.crash or out.seconds > SECONDS or out.mebibytes > MEBIBYTES:
            return f"{out.crash} {out.seconds:.1f} s {out.mebibytes:.0f} MiB"
        told = {(f.rule, f.line) for f in out.findings}
        match case.expect:
            case "R":
                fits = [
                    f
                    for f in out.findings
                    if f.rule == case.rule and (case.line is None or f.line == case.line) and f.where
                ]
                return "" if fits else f"refusal {told}"
            case "Q":
                return (
                    ""
                    if not told and {(case.line, case.rule)} <= self.quarantined
                    else f"refusal {told} quarantine {self.quarantined}"
                )
            case "N":
                return (
                    ""
                    if not told and not self.quarantined and self._survives()
                    else f"refusal {told} quarantine {self.quarantined}"
                )

    def _survives(self) -> bool:
        rows = self.outcome.rows
        return rows is not None and (not self.case.survives or self.case.survives in rows["name"].to_pylist())


@pytest.fixture(scope="module")
def judged(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    found = [
        Judged(c, judge(c, i, tmp_path_factory.mktemp("case")), set()) for i, c in enumerate(all_cases())
    ]
    for dataset in {j.case.dataset for j in found}:
        _quarantine(
            spark,
            dataset,
            {i: j for i, j in enumerate(found) if j.case.dataset == dataset and j.outcome.rows is not None},
        )
    _show(found)
    return found


def _quarantine(spark: Any, dataset: str, accepted: dict[int, Judged]) -> None:
    """Judge the rows of all accepted cases of a dataset by its contract's SELECT in Spark."""
    compiled = compile_contract(base_contracts()[dataset], ROOT)
    rows = pa.concat_tables([j.outcome.rows for j in accepted.values() if j.outcome.rows is not None])
    spark.createDataFrame(rows).createOrReplaceTempView("bad_input")
    refused = spark.sql(compiled.select.replace("{bronze}", "bad_input")).where(f"NOT ({compiled.clean})")
    for row in refused.selectExpr("_receipt", "_line_no", "_verdict AS reasons").collect():
        accepted[row["_receipt"]].quarantined.update((row["_line_no"], reason) for reason in row["reasons"])


def _show(found: list[Judged]) -> None:
    print("\nkind  variants  as expected  slowest s  most MiB")
    by_kind: dict[int, list[Judged]] = collections.defaultdict(list)
    for j in found:
        by_kind[j.case.kind].append(j)
    for kind, js in sorted(by_kind.items()):
        good = sum(1 for j in js if not j.wrong)
        print(
            f"{kind:4}  {len(js):8}  {good:11}  {max(j.outcome.seconds for j in js):9.2f} "
            f" {max(j.outcome.mebibytes for j in js):8.0f}"
        )
        for j in (j for j in js if j.wrong):
            print(
                f"      {j.case.variant}: expected {j.case.expect} {j.case.rule} line {j.case.line}, got"
                f" {j.wrong}"
            )
    print(f"{sum(1 for j in found if not j.wrong)} of {len(found)} as expected")


def test_every_kind_has_three_variants(judged: list[Judged]) -> None:
    counted = collections.Counter(j.case.kind for j in judged)
    assert sorted(counted) == list(range(1, 73))
    assert min(counted.values()) >= 3


def test_nothing_crashes_hangs_or_grows(judged: list[Judged]) -> None:
    assert [(j.case.kind, j.case.variant, j.outcome.crash) for j in judged if j.outcome.crash] == []


def test_every_file_gets_the_verdict_beside_it(judged: list[Judged], tmp_path: Path) -> None:
    assert [(j.case.kind, j.case.variant, j.wrong) for j in judged if j.wrong] == []


def test_no_answer_holds_an_identifier(judged: list[Judged]) -> None:
    import re

    texts = [f"{f.zh} {f.en} {f.column} {f.samples}" for j in judged for f in j.outcome.findings]
    assert texts
    assert not [t for t in texts if re.search(r"[1-6]\d{5}(19|20)\d{9}[\dXx]", t)]
