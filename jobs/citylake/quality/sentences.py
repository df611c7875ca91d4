"""What a verdict says in words: the fault, what was observed, and the bound; zh and en."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from citylake.contract.model import Bilingual

Verdict = Mapping[str, Any]  # as `quality.judge.Verdict` is written to the evidence

_SHARES = {
    "quarantine_share": ("被隔离的行占", "of the rows are in quarantine"),
    "superseded_share": ("被同批其他行替代的行占", "of the rows are superseded by others of the same batch"),
    "ended_share": ("将被终止的登记占", "of what the register held would end"),
}


def sentence(verdict: Verdict) -> Bilingual:
    """The fault that a failed verdict stands for."""
    if verdict.get("exception"):
        return Bilingual("质量规则未能判定", "the rule could not be judged")
    if verdict.get("column") in _SHARES:
        return _share(verdict)
    return _SAYS.get(verdict["expectation"], _other)(verdict)


def _share(verdict: Verdict) -> Bilingual:
    zh, en = _SHARES[verdict["column"]]
    seen, most = _percent(verdict.get("observed")), _percent(_bound(verdict).get("max_value"))
    return Bilingual(f"{zh}{seen},上限{most}", f"{seen} {en}; the bound is {most}")


def _percent(value: Any) -> str:
    return "?" if value is None else f"{100 * float(value):.4g} %"


def _bound(verdict: Verdict) -> dict[str, Any]:
    return verdict.get("bound") or {}


def _range(verdict: Verdict) -> str:
    bound = _bound(verdict)
    return f"{bound.get('min_value', '')}..{bound.get('max_value', '')}"


def _equal(verdict: Verdict) -> Bilingual:
    bound, seen = _bound(verdict), verdict.get("observed") or "?"
    a, b = bound.get("column_A", "?"), bound.get("column_B", "?")
    return Bilingual(f"行数不平:{a} 与 {b} 为 {seen}", f"rows do not add up: {a} and {b} are {seen}")


def _rows(verdict: Verdict) -> Bilingual:
    seen, bound = verdict.get("observed"), _range(verdict)
    return Bilingual(f"行数{seen}不在范围{bound}内", f"{seen} rows, not within {bound}")


def _missing(verdict: Verdict) -> Bilingual:
    return _counted(verdict, "为空", "is missing")


def _twice(verdict: Verdict) -> Bilingual:
    return _counted(verdict, "重复", "occurs twice")


def _outside(verdict: Verdict) -> Bilingual:
    return _counted(verdict, f"不在范围{_range(verdict)}内", f"is not within {_range(verdict)}")


def _other(verdict: Verdict) -> Bilingual:
    return _counted(verdict, "不合规定", "is not as the contract says")


def _counted(verdict: Verdict, zh: str, en: str) -> Bilingual:
    count, subject = verdict.get("unexpected_count"), verdict.get("column")
    many = "?" if count is None else count
    return Bilingual(f"{subject or '主键'} {zh}:{many}行", f"{subject or 'the key'} {en} in {many} rows")


_SAYS: dict[str, Callable[[Verdict], Bilingual]] = {
    "expect_column_pair_values_to_be_equal": _equal,
    "expect_table_row_count_to_be_between": _rows,
    "expect_column_values_to_not_be_null": _missing,
    "expect_column_values_to_be_unique": _twice,
    "expect_compound_columns_to_be_unique": _twice,
    "expect_column_values_to_be_between": _outside,
}
