"""What people read about a contract is there in Chinese and in English, and says what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from citylake.compile.rules import RECORD_ERRORS
from citylake.compile.select import compile_contract
from citylake.contract.load import lint, load_contracts
from citylake.contract.model import Bilingual
from citylake.contract.problems import Problem
from citylake.contract.texts import is_bilingual
from citylake.contract.types import load_types

ENTITY = "schemas/market_regulation/legal_entity.odcs.yaml"


def test_every_text_of_every_contract_is_in_both_languages(root: Path) -> None:
    assert lint(root) == []
    told: dict[str, Bilingual] = dict(RECORD_ERRORS)
    told |= {name: t.meaning for name, t in load_types(root).items()}
    for c in load_contracts(root).values():
        compiled = compile_contract(c, root)
        told |= {f"{c.id} {r.id}": r.meaning for r in (*compiled.verdicts, *compiled.flags)}
        told |= {f"{c.id} {n}": t for n, t in (("limits", c.limitations), ("grain", c.grain))}
        told |= {f"{c.id} purpose": c.purpose, f"{c.id} owner": Bilingual(c.owner.name, c.owner.name_en)}
    assert [name for name, text in told.items() if not is_bilingual(text)] == []


@pytest.mark.parametrize(
    ("before", "after", "path", "rule"),
    [
        (" (one row per registered organisation)", "", "dataGranularityDescription", "contract.bilingual"),
        (
            "每个登记机构一行 (one row per registered organisation)",
            "one row",
            "dataGranularity",
            "contract.bilingual",
        ),
        (
            'limitations: "三证合一以前登记的主体可能尚无统一代码',
            'limitations: "none',
            "description",
            "contract.bilingual",
        ),
        ("经营期限止早于起 (the term", "the term (the term", "quality", "contract.bilingual"),
        (', description: "Registration Office, Market Regulation Bureau"', "", "team", "contract.bilingual"),
        ("businessName: 法人单位", "businessName: 地税纳税人", "schema", "contract.title_twice"),
    ],
)
def test_a_text_in_one_language_is_told(
    root: Path, tmp_path: Path, before: str, after: str, path: str, rule: str
) -> None:
    def change(text: str) -> str:
        assert before in text
        return text.replace(before, after, 1)

    found = _linted(root, tmp_path, change)
    assert [(p.rule, path in p.path) for p in found] == [(rule, True)]
    assert load_contracts(tmp_path).keys() == load_contracts(root).keys()  # its data still come in


def _linted(root: Path, to: Path, change: Callable[[str], str]) -> list[Problem]:
    shutil.copytree(root / "schemas", to / "schemas")
    path = to / ENTITY
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    return lint(to)


def test_a_row_rule_names_the_columns_of_its_condition(root: Path) -> None:
    contracts = load_contracts(root)
    for c in contracts.values():
        assert all(r.columns for r in c.row_rules), c.id
    rules = {r.id: r.columns for c in contracts.values() for r in c.row_rules}
    assert rules["legal_entity.operates_in_order"] == ("operates_to", "operates_from")
    assert rules["resident.id_agrees_with_birth"] == ("resident_id", "birth_date")  # never what it states
    assert rules["air_quality_hourly.co_in_ugm3"] == ("value", "item_code")
