"""Which records are about one organisation: identifiers, names with support, judgements, and ids that stay."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest
from citylake.identity.linking import link

ORG, OTHER = "PDY00001X", "PDY000028"
REG, TAX, USCC = "210112000012340", f"210112{ORG}", f"91210112{ORG}B"
DDL = (
    "record_id STRING, source STRING, trust INT, source_key STRING, name STRING, uscc STRING, org_code STRING, registration_no STRING,"
    " taxpayer_no STRING, division_code STRING, address STRING, representative STRING, names ARRAY<STRING>, first_known_on DATE"
)
COLUMNS = [c.split()[0] for c in DDL.replace(",", ", ").split(", ") if c.strip()]
JUDGED = "record_a STRING, record_b STRING, verdict STRING"


def record(record_id: str, name: str, trust: int = 6, day: int = 1, **given: Any) -> dict[str, Any]:
    import datetime

    empty = dict.fromkeys(("uscc", "org_code", "registration_no", "taxpayer_no", "division_code", "address", "representative"))
    own = {"record_id": record_id, "source": f"s{trust}", "trust": trust, "source_key": record_id, "name": name, "names": [name]}
    return {**own, **empty, "first_known_on": datetime.date(2016, 1, day), **given}


def linked(spark: Any, rows: list[dict[str, Any]], judged: tuple[tuple[str, str, str], ...] = ()) -> dict[str, tuple[str, str]]:
    frame = spark.createDataFrame([tuple(r[c] for c in COLUMNS) for r in rows], DDL)
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


def test_a_judgement_changes_the_rows_it_names_and_to_split_what_was_merged_restores_every_byte(spark: Any) -> None:
    rows = [
        REGISTRAR,
        record("B", "沈阳恒远", uscc=USCC),
        record("C", "沈阳另一家有限公司", day=2),
        record("D", "沈阳另一家有限公司", day=3),
        record("E", "沈阳乙有限公司"),
    ]
    before = whole_rows(spark, rows)
    merged = whole_rows(spark, rows, (("A", "C", "same"),))
    assert {r for r in before if before[r] != merged[r]} == {"C", "D"}
    assert whole_rows(spark, rows, (("A", "C", "not_same"),)) == before  # the pair's last judgement counts: split restores
    apart = whole_rows(spark, rows, (("A", "B", "not_same"),))
    assert {r for r in before if before[r] != apart[r]} == {"B"}
    assert whole_rows(spark, rows, (("A", "B", "undecided"),)) == before


def whole_rows(spark: Any, rows: list[dict[str, Any]], judged: tuple[tuple[str, str, str], ...] = ()) -> dict[str, str]:
    """Every linked row as text, by record."""
    found = link(spark.createDataFrame([tuple(r[c] for c in COLUMNS) for r in rows], DDL), spark.createDataFrame(list(judged), JUDGED))
    return {r["record_id"]: str(r) for r in found.collect()}


@pytest.mark.parametrize(
    ("registered", "written"),
    [
        ("沈阳市浑南区恒远烧烤店", "沈阳市东陵区恒远烧烤店"),
        ("沈阳市辽中区恒远烧烤店", "辽中县恒远烧烤店"),
        ("沈阳喆恒远机械制造有限公司", "沈阳□恒远机械制造有限公司"),
        ("沈阳ABC机械制造有限公司", "沈阳ＡＢＣ机械制造（有限公司）"),
        ("沈阳张氏报业有限公司", "瀋陽張氏報業有限公司"),
    ],
)
def test_old_districts_and_other_characters_are_one_name(spark: Any, registered: str, written: str) -> None:
    rows = [{**REGISTRAR, "name": registered, "names": [registered]}, record("B", written)]
    assert linked(spark, rows)["B"] == ("A", "name")


def test_two_shops_of_one_name_in_two_districts_are_two(spark: Any) -> None:
    heping = {**REGISTRAR, "name": "沈阳市和平区恒远烧烤店", "names": ["沈阳市和平区恒远烧烤店"], "division_code": "210102"}
    rows = [heping, record("B", "沈阳市大东区恒远烧烤店", representative="t1"), record("C", "恒远烧烤店", division_code="210102")]
    assert {k: v[0] for k, v in linked(spark, rows).items()} == {"A": "A", "B": "B", "C": "A"}


def test_a_code_that_was_replaced_supports_as_the_one_in_force(spark: Any) -> None:
    twin = record("T", "沈阳恒远机械制造有限公司", trust=0, registration_no="210102000012341", org_code=OTHER, division_code="210102", representative="t2")
    rows = [{**REGISTRAR, "division_code": "210115"}, twin, record("B", REGISTRAR["name"], division_code="210122")]
    assert linked(spark, rows)["B"] == ("A", "name")


def test_a_later_record_never_changes_the_id_and_the_order_of_rows_never_counts(spark: Any) -> None:
    early = record("Z", "沈阳恒远机械制造有限公司", trust=7, day=1, uscc=USCC)
    later = {**REGISTRAR, "first_known_on": early["first_known_on"].replace(month=2)}
    rows = [early, later, record("B", "恒远机械制造有限公司", day=3, representative="t1")]
    assert {v[0] for v in linked(spark, rows).values()} == {"Z"}
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    assert linked(spark, shuffled) == linked(spark, rows)


def test_a_later_homonym_unlinks_nothing(spark: Any) -> None:
    lone = record("B", "恒远机械制造有限责任公司", day=2)
    twin = record("T", "沈阳恒远机械制造股份有限公司", trust=0, day=3, registration_no="210102000012341", org_code=OTHER)
    assert linked(spark, [REGISTRAR, twin, lone])["B"] == ("A", "name")


SILVER = {
    "market_regulation/legal_entity": ("registration_no", "uscc", "name", "former_name", "org_code", "division_code", "address", "representative"),
    "state_taxation/taxpayer": ("taxpayer_no", "name", "registration_no", "division_code", "address", "representative"),
    "development_reform/admin_permit": tuple(f"counterpart_{c}" for c in ("name", "uscc", "org_code", "registration_no", "taxpayer_no")),
}  # fmt: skip


def delivered(seed: int, firms: int) -> dict[str, list[tuple[Any, ...]]]:
    """What three offices hand over in the twelve months of 2016, as silver rows: columns of SILVER and the moment that they came."""
    import datetime

    from citylake.city.decisions import decisions
    from citylake.city.organisations import taxpayers, variant
    from citylake.city.people import entities

    found: dict[str, list[tuple[Any, ...]]] = {d: [] for d in SILVER}
    for month in (datetime.date(2016, m, 1) for m in range(1, 13)):
        came = datetime.datetime(2016, month.month, 28)
        permits = list(decisions(seed, "permit", month + datetime.timedelta(days=6 - month.weekday()), firms // 4, firms, revised=False))
        for n, row in enumerate(permits):  # a third names its counterpart by a variant of the name alone
            lone = {k: "" for k in row if k.startswith("counterpart_")} if n % 3 == 0 else {}
            row |= lone | {"counterpart_name": variant(row["counterpart_name"], random.Random(n), 0.5)}
        for (dataset, columns), rows in zip(SILVER.items(), (entities(seed, firms, month), taxpayers(seed, firms, month, "国税"), permits), strict=True):
            found[dataset] += [(*(r[c] or None for c in columns), came) for r in rows]
    return found


def test_twelve_monthly_runs_never_change_an_id(spark: Any) -> None:
    from citylake.identity.records import records

    rows = delivered(2016, 120)
    seen: dict[str, str] = {}
    for month in range(1, 13):
        ddl = {d: ", ".join(f"{c} STRING" for c in columns) + ", _known_from TIMESTAMP" for d, columns in SILVER.items()}
        known = {d: spark.createDataFrame([r for r in rows[d] if r[-1].month <= month], ddl[d]) for d in SILVER}
        found = link(records(known), spark.createDataFrame([], JUDGED)).select("record_id", "entity_id").collect()
        ids = {r["record_id"]: r["entity_id"] for r in found}
        assert {k: (v, ids.get(k)) for k, v in seen.items() if ids.get(k) != v} == {}
        assert len(ids) > len(seen)
        seen = ids
    assert set(seen.values()) <= set(seen), "every id is a record that resolves"


def test_the_matcher_holds_on_a_public_truth_set_of_businesses(spark: Any, root: Path) -> None:
    """Fodor's against Zagat's (112 true pairs of 533 x 331): Zagat's as the register, Fodor's without an identifier; the telephone supports."""
    folder = root / "tests" / "truth_sets" / "fodors_zagats"

    def rows(name: str) -> list[dict[str, str]]:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    def house(row: dict[str, str], trust: int, **given: Any) -> dict[str, Any]:
        support = {"address": row["addr"].strip(), "division_code": row["city"], "representative": re.sub(r"\D", "", row["phone"])}
        return record(f"{'Z' if trust == 0 else 'F'}{row['id']}", re.sub("['&]", "", row["name"]), trust=trust, **support, **given)

    houses = [house(r, 0, registration_no=f"{int(r['id']):015d}") for r in rows("zagats")] + [house(r, 6) for r in rows("fodors")]
    true = {(f"F{r['fodors_id']}", f"Z{r['zagats_id']}") for r in rows("matches_fodors_zagats")}
    found = {(k, v) for k, (v, _) in linked(spark, houses).items() if k[0] == "F" and v[0] == "Z"}
    precision, recall = len(found & true) / len(found), len(found & true) / len(true)
    assert precision >= 0.95, sorted(found - true)
    assert recall >= 0.85, sorted(true - found)
