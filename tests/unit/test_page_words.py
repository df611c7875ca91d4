"""What pages say of verdicts and figures is whole in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from citylake.audit.conservation import FIGURES
from citylake.compile.suite import batch_suite, rows_suite
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.ledger.batches import REACHED, SETTLED
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event
from citylake.quality.gate import batch_facts
from citylake.quality.sentences import sentence
from citylake.site.verdicts import FACTS, demand, gate_lines
from citylake.site.words import ASIDE, VALUES, WORDS_ZH
from citylake.site.words import FIGURES as WORDS

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = load_contracts(ROOT)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda c: c.id)
def test_every_demand_is_said_with_its_bounds(contract: Contract) -> None:
    suites = [rows_suite(contract), *([] if contract.kind == "mart" else [batch_suite(contract)])]
    for asked in (e for s in suites for e in s["expectations"]):
        zh, en = (demand(contract, asked["type"], asked["kwargs"], lang) for lang in ("zh", "en"))
        assert re.search(r"[\u4e00-\u9fff]", zh) and zh != en
        assert "{" not in re.sub(r"\{\d*,?\d*\}", "", en) or "regex" in asked["kwargs"]
        for name in ("min_value", "max_value"):
            value = asked["kwargs"].get(name)
            shown = f"{value:.1%}" if asked["kwargs"].get("column", "").endswith("_share") else str(value)
            assert value is None or shown in en


def test_every_figure_and_value_has_two_names() -> None:
    assert set(FIGURES) | set(ASIDE) <= set(WORDS)
    for text in (*WORDS.values(), *VALUES.values()):
        assert re.search(r"[\u4e00-\u9fff]", text.zh) and text.en.isascii()


def test_every_fact_of_a_gate_and_every_state_of_a_batch_has_its_words() -> None:
    counts = dict.fromkeys(("received", "accepted", "duplicate", "superseded", "quarantined", "decoded"), 0)
    assert set(batch_facts(counts)) == set(FACTS)
    assert {*REACHED, *SETTLED} <= set(WORDS_ZH)
    for contract in (c for c in CONTRACTS.values() if c.kind != "mart"):
        for asked in batch_suite(contract)["expectations"]:
            failed = {"expectation": asked["type"], "column": asked["kwargs"].get("column")}
            told = sentence(failed | {"observed": 0.5, "bound": asked["kwargs"]})
            assert re.search(r"[\u4e00-\u9fff]", told.zh)
            assert "max_value" not in asked["kwargs"] or ("50 %" in told.en and "the bound is" in told.en)


def test_the_bound_is_the_one_that_was_judged_by() -> None:
    contract = CONTRACTS["weather/warning"]
    verdict = {
        "rule_id": "warning.quarantine_share",
        "expectation": "expect_column_values_to_be_between",
        "severity": "critical",
        "success": False,
        "bound": {"min_value": 0, "max_value": 0.07},
    }
    gate = {"passed": False, "batch": {"verdicts": [verdict]}, "rows": {"verdicts": []}}
    chain = Chain([Event("weather/warning", 1, "", "gate", 4, "", gate, "")])
    (line,) = gate_lines(ROOT, contract, chain, "en")
    assert line["demand"].endswith("0.0% – 7.0%")


def test_a_failed_share_shows_what_was_seen_and_the_bound() -> None:
    contract = CONTRACTS["weather/warning"]
    counts = {"received": 13, "accepted": 10, "duplicate": 0, "superseded": 0, "quarantined": 3}
    verdict = {
        "rule_id": "warning.quarantine_share",
        "expectation": "expect_column_values_to_be_between",
        "severity": "critical",
        "success": False,
        "unexpected_count": 1,
    }
    gate = {"passed": False, "batch": {"verdicts": [verdict]}, "rows": {"verdicts": []}}
    facts = {"decoded": {"rows": 13}, "refined": {"counts": counts}, "gate": gate}
    named = enumerate(facts.items(), start=1)
    chain = Chain(Event("weather/warning", n, "", e, 4, "", f, "") for n, (e, f) in named)
    (line,) = gate_lines(ROOT, contract, chain, "en")
    assert (line["observed"], line["success"]) == ("23.08%", False)
    assert line["demand"].endswith(f"0.0% – {contract.quarantine_max:.1%}")
    assert gate_lines(ROOT, contract, Chain(), "en") == []
