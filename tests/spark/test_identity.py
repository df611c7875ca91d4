"""Which records are about one organisation: identifiers, names with support, judgements, and ids that stay."""

from __future__ import annotations

import random
from typing import Any

import pytest
from citylake.identity.linking import link

ORG, OTHER = "PDY00001X", "PDY000028"
REG, TAX, USCC = "210112000012340", f"210112{ORG}", f"91210112{ORG}B"
DDL = (
    "record_id STRING, source STRING, trust INT, source_key STRING, name STRING, uscc STRING, org_code STRING, registration_no STRING,"
    " taxpayer_no STRING, division_code STRING, address STRING, representative STRING, names ARRAY<STRING>, first_known_on DATE"
)
JUDGED = "record_a STRING, record_b STRING, verdict STRING"


def record(record_id: str, name: str, trust: int = 6, day: int = 1, **given: Any) -> dict[str, Any]:
    import datetime

    empty = dict.fromkeys(("uscc", "org_code", "registration_no", "taxpayer_no", "division_code", "address", "representative"))
    own = {"record_id": record_id, "source": f"s{trust}", "trust": trust, "source_key": record_id, "name": name, "names": [name]}
    return {**own, **empty, "first_known_on": datetime.date(2016, 1, day), **given}


def linked(spark: Any, rows: list[dict[str, Any]], judged: tuple[tuple[str, str, str], ...] = ()) -> dict[str, tuple[str, str]]:
    columns = [c.split()[0] for c in DDL.split(", ")] if ", " in DDL else []
    frame = spark.createDataFrame([tuple(r[c] for c in columns) for r in rows], DDL)
    found = link(frame, spark.createDataFrame(list(judged), JUDGED))
    return {r["record_id"]: (r["entity_id"], r["method"]) for r in found.select("record_id", "entity_id", "method").collect()}


REGISTRAR = record("A", "沈阳恒远机械制造有限公司", trust=0, registration_no=REG, org_code=ORG, division_code="210112", representative="t1", address="号段1号")


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({"uscc": USCC}, "exact"),
        ({"org_code": ORG}, "exact"),
        ({"taxpayer_no": TAX}, "crosswalk"),
        ({"taxpayer_no": USCC}, "crosswalk"),
        ({"registration_no": REG}, "crosswalk"),
    ],
)
def test_every_identifier_before_and_after_the_three_certificates_leads_home(spark: Any, given: dict[str, Any], method: str) -> None:
    found = linked(spark, [REGISTRAR, record("B", "恒远机械", **given)])
    assert found == {"A": ("A", "own"), "B": ("A", method)}


@pytest.mark.parametrize(
    "name",
    ["沈阳市恒远机械制造有限责任公司", "瀋陽恆遠機械制造有限公司".replace("恆遠機械", "恒远机械"), "辽宁沈阳恒远机械制造有限公司", "恒远机械制造有限公司"],
)
def test_a_variant_of_the_name_with_a_support_leads_home(spark: Any, name: str) -> None:
    assert linked(spark, [REGISTRAR, record("B", name, representative="t1")])["B"] == ("A", "name")


def test_a_variant_without_support_leads_home_only_where_one_organisation_bears_brand_and_trade(spark: Any) -> None:
    lone = record("B", "恒远机械制造有限责任公司")
    twin = record("T", "沈阳恒远机械制造股份有限公司", trust=0, registration_no="210102000012341", org_code=OTHER)
    assert linked(spark, [REGISTRAR, lone])["B"] == ("A", "name")
    assert linked(spark, [REGISTRAR, twin, lone])["B"] == ("B", "own")


def test_homonyms_need_support_that_only_one_of_them_has(spark: Any) -> None:
    twin = record("T", "沈阳恒远机械制造有限公司", trust=0, registration_no="210102000012341", org_code=OTHER, division_code="210102", representative="t2")
    asked = [record("B", REGISTRAR["name"]), record("C", REGISTRAR["name"], division_code="210102"), record("D", REGISTRAR["name"], representative="t1")]
    found = linked(spark, [REGISTRAR, twin, *asked])
    assert {k: v[0] for k, v in found.items()} == {"A": "A", "T": "T", "B": "B", "C": "T", "D": "A"}


def test_a_branch_is_not_its_head_office(spark: Any) -> None:
    assert linked(spark, [REGISTRAR, record("B", f"{REGISTRAR['name']}第一分公司", representative="t1")])["B"] == ("B", "own")


def test_a_former_name_leads_home(spark: Any) -> None:
    renamed = {**REGISTRAR, "names": [REGISTRAR["name"], "沈阳旧名商贸有限公司"]}
    assert linked(spark, [renamed, record("B", "沈阳旧名商贸有限公司")])["B"] == ("A", "name")


def test_a_code_that_no_register_knows_yields_to_name_and_support(spark: Any) -> None:
    mistyped = record("B", REGISTRAR["name"], org_code=OTHER, division_code="210112")
    assert linked(spark, [REGISTRAR, mistyped])["B"] == ("A", "name")
    assert linked(spark, [REGISTRAR, {**mistyped, "division_code": None}])["B"] == ("B", "own")


def test_a_judgement_outranks_rules_and_taking_it_back_restores_the_state(spark: Any) -> None:
    rows = [REGISTRAR, record("B", "沈阳恒远", uscc=USCC), record("C", "沈阳另一家有限公司"), record("D", "沈阳第三家有限公司")]
    before = linked(spark, rows)
    judged = linked(spark, rows, (("A", "C", "same"), ("C", "D", "same"), ("A", "B", "not_same")))
    assert {k: v[0] for k, v in judged.items()} == {"A": "A", "B": "B", "C": "A", "D": "A"}
    assert judged["C"][1] == judged["D"][1] == "judgement"
    assert linked(spark, rows, (("A", "C", "undecided"),)) == before == linked(spark, rows)


def test_a_later_record_never_changes_the_id_and_the_order_of_rows_never_counts(spark: Any) -> None:
    early = record("Z", "沈阳恒远机械制造有限公司", trust=7, day=1, uscc=USCC)
    later = {**REGISTRAR, "first_known_on": early["first_known_on"].replace(month=2)}
    rows = [early, later, record("B", "恒远机械制造有限公司", day=3, representative="t1")]
    assert {v[0] for v in linked(spark, rows).values()} == {"Z"}
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    assert linked(spark, shuffled) == linked(spark, rows)
