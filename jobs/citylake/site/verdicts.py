"""The verdicts of a gate in words: what each expectation demands, the bound, and what was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from citylake.contract.model import Bilingual, Contract
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event
from citylake.quality.batch import load_suite
from citylake.quality.gate import batch_facts

Kwargs = dict[str, Any]
DEMANDS = {
    "expect_column_pair_values_to_be_equal": Bilingual("{a} 等于 {b}", "{a} equals {b}"),
    "expect_column_value_lengths_to_be_between": Bilingual(
        "{column} 的长度在 {bound} 之间", "the length of {column} is within {bound}"
    ),
    "expect_column_values_to_be_between": Bilingual("{column} 在 {bound} 之间", "{column} is within {bound}"),
    "expect_column_values_to_be_in_set": Bilingual(
        "{column} 在 {codes} 个代码之内", "{column} is one of {codes} codes"
    ),
    "expect_column_values_to_be_unique": Bilingual("{column} 不重复", "{column} occurs once"),
    "expect_column_values_to_match_regex": Bilingual(
        "{column} 符合格式 {regex}", "{column} has the form {regex}"
    ),
    "expect_column_values_to_not_be_null": Bilingual("{column} 不为空", "{column} is not missing"),
    "expect_compound_columns_to_be_unique": Bilingual(
        "主键不重复：{columns}", "the key occurs once: {columns}"
    ),
    "expect_table_row_count_to_be_between": Bilingual("行数在 {bound} 之间", "rows are within {bound}"),
}
FACTS = {
    "received": Bilingual("接收行", "rows received"),
    "accounted": Bilingual("有去处的行", "rows accounted for"),
    "decoded": Bilingual("解码行", "rows decoded"),
    "quarantine_share": Bilingual("隔离占比", "share of quarantined rows"),
    "superseded_share": Bilingual(
        "被同批其他行替代的占比", "share of rows that others of the batch supersede"
    ),
    "ended_share": Bilingual("将终止的登记占比", "share of the register that ends"),
}


def gate_lines(root: Path, contract: Contract, chain: Chain, lang: str) -> list[dict[str, Any]]:
    """The verdicts of the last gate of a chain; empty when no gate spoke yet."""
    spoken = [e for e in chain if e.event in ("gate", "built")]
    if not spoken:
        return []
    gate = spoken[-1].facts if spoken[-1].event == "gate" else spoken[-1].facts["gate"]
    facts = _facts(chain, spoken[-1])
    demands = {part: _demands(root, contract, part) for part in ("batch", "rows") if part in gate}
    return [
        _line(
            contract,
            v,
            demands[part].get(v["rule_id"], {}) | v.get("bound", {}),  # as it was judged, not as it is today
            facts if part == "batch" else {},
            lang,
        )
        for part in demands
        for v in gate[part]["verdicts"]
    ]


def _demands(root: Path, contract: Contract, part: str) -> dict[str, Kwargs]:
    return {e["meta"]["rule_id"]: e["kwargs"] for e in load_suite(root, contract, part)["expectations"]}


def _facts(chain: Chain, gate: Event) -> dict[str, Any]:
    """What the batch suite judged: the counts of the batch."""
    of = {e.event: e.facts for e in chain if e.batch == gate.batch and gate.batch is not None}
    if "refined" not in of or "decoded" not in of:
        return {}
    return batch_facts({**of["refined"]["counts"], "decoded": of["decoded"]["rows"]})


def _line(
    contract: Contract, verdict: dict[str, Any], asked: Kwargs, facts: dict[str, Any], lang: str
) -> dict[str, Any]:
    return {
        "rule": verdict["rule_id"],
        "demand": demand(contract, verdict["expectation"], asked, lang),
        "severity": verdict["severity"],
        "unexpected": _count(verdict.get("unexpected_count")),
        "observed": _observed(verdict, asked, facts),
        "success": verdict["success"],
        "exception": verdict.get("exception") or "",
    }


def demand(contract: Contract, kind: str, asked: Kwargs, lang: str) -> str:
    """What an expectation demands, with its bounds, columns by their labels."""
    named = {c.name: c.label.of(lang) for c in contract.columns} | {n: t.of(lang) for n, t in FACTS.items()}

    columns: list[str] = asked.get("column_list", [])

    def label(key: str) -> str:
        name = str(asked.get(key, ""))
        return named.get(name, name)

    return (
        DEMANDS[kind]
        .of(lang)
        .format(
            a=label("column_A"),
            b=label("column_B"),
            column=label("column"),
            bound=_bound(asked),
            codes=len(asked.get("value_set", ())),
            regex=asked.get("regex", ""),
            columns=", ".join(named.get(c, c) for c in columns),
        )
    )


def _bound(asked: Kwargs) -> str:
    least, most = asked.get("min_value"), asked.get("max_value")
    if str(asked.get("column", "")).endswith("_share"):
        return f"{least or 0:.1%} – {most:.1%}" if most is not None else ""
    return f"{'' if least is None else least} – {'' if most is None else most}"


def _observed(verdict: dict[str, Any], asked: Kwargs, facts: dict[str, Any]) -> str:
    pair = [str(facts[asked[k]]) for k in ("column_A", "column_B") if asked.get(k) in facts]
    if pair:
        return " / ".join(pair)
    seen = facts.get(asked.get("column", ""), verdict.get("observed"))
    return f"{seen:.2%}" if isinstance(seen, float) else _count(seen)


def _count(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
