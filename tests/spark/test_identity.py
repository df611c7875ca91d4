"""Which records are about one organisation: identifiers, names with support, judgements, and ids that stay.

Every scenario is a world of its own: its identifiers, names and people carry its number, so that one run of
Spark links them all.
"""

from __future__ import annotations

import csv
import datetime
import random
import re
from pathlib import Path
from typing import Any

import pytest
from citylake.identity.linking import link
from citylake.identity.records import IDENTIFIERS, records

Rows = list[dict[str, Any]]
Judged = tuple[tuple[str, str, str], ...]
ORG, OTHER = "PDY00001X", "PDY000028"
REG, TAX, USCC = "210112000012340", f"210112{ORG}", f"91210112{ORG}B"
DDL = (
    "record_id STRING, source STRING, trust INT, source_key STRING, name STRING, uscc STRING, org_code"
    " STRING, registration_no STRING, taxpayer_no STRING, division_code STRING, address STRING,"
    " representative STRING, names ARRAY<STRING>, first_known_on DATE"
)
COLUMNS = [c.split()[0] for c in DDL.split(",")]
JUDGED = "record_a STRING, record_b STRING, verdict STRING"


def record(record_id: str, name: str, trust: int = 6, day: int = 1, **given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("uscc", "org_code", "registration_no", "taxpayer_no", "division_code", "address", "representative")
    )
    own = {
        "record_id": record_id,
        "source": f"s{trust}",
        "trust": trust,
        "source_key": record_id,
        "name": name,
        "names": [name],
    }
    return {**own, **empty, "first_known_on": datetime.date(2016, 1, day), **given}


def renamed(name: str) -> dict[str, Any]:
    return {**REGISTRAR, "name": name, "names": [name]}


REGISTRAR = record(
    "A",
    "沈阳恒远机械制造有限公司",
    trust=0,
    registration_no=REG,
    org_code=ORG,
    division_code="210112",
    representative="t1",
    address="号段1号",
)
NAME = REGISTRAR["name"]
LONE = record("B", "恒远机械制造有限责任公司")
TWIN = record("T", "沈阳恒远机械制造股份有限公司", trust=0, registration_no="210102000012341", org_code=OTHER)
HOMONYM = record(
    "T",
    NAME,
    trust=0,
    registration_no="210102000012341",
    org_code=OTHER,
    division_code="210102",
    representative="t2",
)
MISTYPED = record("B", NAME, org_code=OTHER, division_code="210112")
SHORT = record("B", "恒远机械", representative="t1", division_code="210112")
HEPING = {**renamed("沈阳市和平区恒远烧烤店"), "division_code": "210102"}
FOUR = [
    REGISTRAR,
    record("B", "沈阳恒远", uscc=USCC),
    record("C", "沈阳另一家有限公司", day=2),
    record("D", "沈阳第三家有限公司", day=3),
]
ELDER = [
    record("Z", NAME, trust=7, day=1, uscc=USCC),
    {**REGISTRAR, "first_known_on": datetime.date(2016, 2, 1)},
    record("B", "恒远机械制造有限公司", day=3, representative="t1"),
]

# name: (records, judgements, what must come of them: record -> organisation, or organisation and method)
SCENARIOS: dict[str, tuple[Rows, Judged, dict[str, Any]]] = {
    "credit code": (
        [REGISTRAR, record("B", "恒远机械", uscc=USCC)],
        (),
        {"A": ("A", "own"), "B": ("A", "exact")},
    ),
    "organisation code": ([REGISTRAR, record("B", "恒远机械", org_code=ORG)], (), {"B": ("A", "exact")}),
    "old taxpayer number": (
        [REGISTRAR, record("B", "恒远机械", taxpayer_no=TAX)],
        (),
        {"B": ("A", "crosswalk")},
    ),
    "taxpayer number since 三证合一": (
        [REGISTRAR, record("B", "恒远机械", taxpayer_no=USCC)],
        (),
        {"B": ("A", "crosswalk")},
    ),
    "registration number": (
        [REGISTRAR, record("B", "恒远机械", registration_no=REG)],
        (),
        {"B": ("A", "crosswalk")},
    ),
    "place and form": (
        [REGISTRAR, record("B", "沈阳市恒远机械制造有限责任公司", representative="t1")],
        (),
        {"B": ("A", "name")},
    ),
    "traditional characters": (
        [REGISTRAR, record("B", "瀋陽恆遠機械制造有限公司", representative="t1")],
        (),
        {"B": ("A", "name")},
    ),
    "province before the city": (
        [REGISTRAR, record("B", "辽宁沈阳恒远机械制造有限公司", representative="t1")],
        (),
        {"B": ("A", "name")},
    ),
    "no place at all": (
        [REGISTRAR, record("B", "恒远机械制造有限公司", representative="t1")],
        (),
        {"B": ("A", "name")},
    ),
    "former name of a district": (
        [renamed("沈阳市浑南区恒远烧烤店"), record("B", "沈阳市东陵区恒远烧烤店")],
        (),
        {"B": ("A", "name")},
    ),
    "county that became a district": (
        [renamed("沈阳市辽中区恒远烧烤店"), record("B", "辽中县恒远烧烤店")],
        (),
        {"B": ("A", "name")},
    ),
    "functional area": (
        [renamed("沈阳市浑南区恒远烧烤店"), record("B", "沈阳浑南新区恒远烧烤店")],
        (),
        {"B": ("A", "name")},
    ),
    "rare character lost": (
        [renamed("沈阳喆恒远机械制造有限公司"), record("B", "沈阳□恒远机械制造有限公司")],
        (),
        {"B": ("A", "name")},
    ),
    "full width": (
        [renamed("沈阳ABC机械制造有限公司"), record("B", "沈阳ＡＢＣ机械制造（有限公司）")],
        (),
        {"B": ("A", "name")},
    ),
    "one bearer of brand and trade": ([REGISTRAR, LONE], (), {"B": ("A", "name")}),
    "two bearers, no support": ([REGISTRAR, TWIN, LONE], (), {"B": ("B", "own")}),
    "a later homonym unlinks nothing": (
        [REGISTRAR, {**TWIN, "first_known_on": datetime.date(2016, 2, 1)}, LONE],
        (),
        {"B": ("A", "name"), "T": "T"},
    ),
    "homonyms need a support that one has": (
        [
            REGISTRAR,
            HOMONYM,
            record("B", NAME),
            record("C", NAME, division_code="210102"),
            record("D", NAME, representative="t1"),
        ],
        (),
        {"A": "A", "T": "T", "B": "B", "C": "T", "D": "A"},
    ),
    "a replaced code of a division supports": (
        [{**REGISTRAR, "division_code": "210115"}, HOMONYM, record("B", NAME, division_code="210122")],
        (),
        {"B": "A"},
    ),
    "two shops of one name in two districts": (
        [
            HEPING,
            record("B", "沈阳市大东区恒远烧烤店", representative="t1"),
            record("C", "恒远烧烤店", division_code="210102"),
        ],
        (),
        {"A": "A", "B": "B", "C": "A"},
    ),
    "short name, same representative and division": ([REGISTRAR, SHORT], (), {"B": ("A", "name")}),
    "short name, same representative elsewhere": (
        [REGISTRAR, {**SHORT, "division_code": "210102"}],
        (),
        {"B": "B"},
    ),
    "another firm of one representative": (
        [REGISTRAR, record("B", "沈阳广源食品有限公司", representative="t1", division_code="210112")],
        (),
        {"B": "B"},
    ),
    "a branch is not its head office": (
        [REGISTRAR, record("B", f"{NAME}第一分公司", representative="t1", division_code="210112")],
        (),
        {"B": "B"},
    ),
    "its former name": (
        [{**REGISTRAR, "names": [NAME, "沈阳旧名商贸有限公司"]}, record("B", "沈阳旧名商贸有限公司")],
        (),
        {"B": ("A", "name")},
    ),
    "mistyped code, name and support": ([REGISTRAR, MISTYPED], (), {"B": ("A", "name")}),
    "mistyped code, name alone": ([REGISTRAR, {**MISTYPED, "division_code": None}], (), {"B": ("B", "own")}),
    "judgements outrank rules": (
        FOUR,
        (("A", "C", "same"), ("C", "D", "same"), ("A", "B", "not_same")),
        {"A": "A", "B": "B", "C": ("A", "judgement"), "D": "A"},
    ),
    "nothing judged": (FOUR, (), {"A": "A", "B": "A", "C": "C", "D": "D"}),
    "undecided": (FOUR, (("A", "C", "undecided"),), {"A": "A", "B": "A", "C": "C", "D": "D"}),
    "merged": (FOUR, (("A", "C", "same"),), {"C": ("A", "judgement"), "D": "D"}),
    "split again": (
        FOUR,
        (("A", "C", "not_same"),),
        {"C": ("C", "own")},
    ),  # the last judgement of a pair counts
    "taken apart": (FOUR, (("A", "B", "not_same"),), {"B": ("B", "own")}),
    "the eldest gives the id": (ELDER, (), {"Z": "Z", "A": "Z", "B": "Z"}),
    "in another order": (ELDER[::-1], (), {"Z": "Z", "A": "Z", "B": "Z"}),
}


def of_world(row: dict[str, Any], world: int) -> tuple[Any, ...]:
    """A record with the number of its world in all by which it could be linked."""
    mark = f"{world:03d}"
    text = {
        k: v.replace("PDY", mark) if isinstance(v, str) and k in ("uscc", "org_code", "taxpayer_no") else v
        for k, v in row.items()
    }
    number, person = text["registration_no"], text["representative"]
    marked = {
        "record_id": f"{mark}/{row['record_id']}",
        "source_key": f"{mark}/{row['source_key']}",
        "name": f"W{mark}{row['name']}",
        "names": [f"W{mark}{n}" for n in row["names"]],
        "registration_no": number and mark + number[3:],
        "representative": person and f"{mark}/{person}",
    }
    return tuple({**text, **marked}[c] for c in COLUMNS)


def linked(spark: Any, worlds: list[tuple[Rows, Judged]]) -> list[dict[str, dict[str, Any]]]:
    """The linked rows of every world by record, without the world's number."""
    rows = [of_world(r, n) for n, (given, _) in enumerate(worlds) for r in given]
    judged = [(f"{n:03d}/{a}", f"{n:03d}/{b}", v) for n, (_, said) in enumerate(worlds) for a, b, v in said]
    found: list[dict[str, dict[str, Any]]] = [{} for _ in worlds]
    for r in link(spark.createDataFrame(rows, DDL), spark.createDataFrame(judged, JUDGED)).collect():
        world, _, record_id = r["record_id"].partition("/")
        assert r["entity_id"].startswith(f"{world}/")
        texts = {k: "|".join(v) if isinstance(v, list) else str(v) for k, v in r.asDict().items()}
        found[int(world)][record_id] = {
            k: v.replace(f"{world}/", "").replace(f"W{world}", "").replace(world, "000")
            for k, v in texts.items()
        }
    return found


@pytest.fixture(scope="module")
def answers(spark: Any, root: Path) -> dict[str, dict[str, dict[str, Any]]]:
    worlds = {name: (rows, judged) for name, (rows, judged, _) in SCENARIOS.items()} | {
        "guides": (houses(root), ())
    }
    return dict(zip(worlds, linked(spark, list(worlds.values())), strict=True))


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(answers: dict[str, dict[str, dict[str, Any]]], name: str) -> None:
    expected = SCENARIOS[name][2]
    found = {k: (r["entity_id"], r["method"]) for k, r in answers[name].items()}
    assert {k: found[k] if isinstance(e, tuple) else found[k][0] for k, e in expected.items()} == expected


@pytest.mark.parametrize(
    ("name", "changed"),
    [("undecided", set()), ("merged", {"C"}), ("split again", set()), ("taken apart", {"B"})],
)
def test_a_judgement_changes_exactly_the_rows_it_must(
    answers: dict[str, dict[str, dict[str, Any]]], name: str, changed: set[str]
) -> None:
    before, after = answers["nothing judged"], answers[name]
    assert {k for k in before if str(before[k]) != str(after[k])} == changed


def houses(root: Path) -> Rows:
    """Zagat's as the register, Fodor's without an identifier; the telephone supports as a representative
    does.
    """

    def house(row: dict[str, str], trust: int, **given: Any) -> dict[str, Any]:
        support = {
            "address": row["addr"].strip(),
            "division_code": row["city"],
            "representative": re.sub(r"\D", "", row["phone"]),
        }
        return record(
            f"{'Z' if trust == 0 else 'F'}{row['id']}",
            re.sub("['&]", "", row["name"]),
            trust=trust,
            **support,
            **given,
        )

    return [house(r, 0, registration_no=f"{int(r['id']):015d}") for r in guide(root, "zagats")] + [
        house(r, 6) for r in guide(root, "fodors")
    ]


def guide(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "tests" / "truth_sets" / "fodors_zagats" / f"{name}.csv").open(
        encoding="utf-8", newline=""
    ) as handle:
        return list(csv.DictReader(handle))


def test_the_matcher_holds_on_a_public_truth_set_of_businesses(
    answers: dict[str, dict[str, dict[str, Any]]], root: Path
) -> None:
    true = {(f"F{r['fodors_id']}", f"Z{r['zagats_id']}") for r in guide(root, "matches_fodors_zagats")}
    register = {r["entity_id"]: k for k, r in answers["guides"].items() if k[0] == "Z"}
    found = {
        (k, register[r["entity_id"]])
        for k, r in answers["guides"].items()
        if k[0] == "F" and r["entity_id"] in register
    }
    precision, recall = len(found & true) / len(found), len(found & true) / len(true)
    print(f"precision {precision:.4f} recall {recall:.4f}")
    assert precision >= 0.95, sorted(found - true)
    assert recall >= 0.85, sorted(true - found)


SILVER = {
    "market_regulation/legal_entity": (
        "registration_no",
        "uscc",
        "name",
        "former_name",
        "org_code",
        "division_code",
        "address",
        "representative",
    ),
    "state_taxation/taxpayer": (
        "taxpayer_no",
        "name",
        "registration_no",
        "division_code",
        "address",
        "representative",
    ),
    "development_reform/admin_permit": tuple(
        f"counterpart_{c}" for c in ("name", "kind", "resident_id", *IDENTIFIERS)
    ),
}


def delivered(seed: int, firms: int) -> dict[str, list[tuple[int, dict[str, str | None]]]]:
    """What three offices hand over in the twelve months of 2016: (month, columns of SILVER)."""
    from citylake.synthetic.decisions import decisions
    from citylake.synthetic.organisations import taxpayers, variant
    from citylake.synthetic.people import entities

    found: dict[str, list[tuple[int, dict[str, str | None]]]] = {d: [] for d in SILVER}
    for month in (datetime.date(2016, m, 1) for m in range(1, 13)):
        permits = list(
            decisions(
                seed,
                "permit",
                month + datetime.timedelta(days=6 - month.weekday()),
                firms // 4,
                firms,
                revised=False,
            )
        )
        for n, row in enumerate(permits):  # a third names its counterpart by a variant of the name alone
            lone = {f"counterpart_{i}": "" for i in IDENTIFIERS} if n % 3 == 0 else {}
            row |= lone | {"counterpart_name": variant(row["counterpart_name"], random.Random(n), 0.5)}
        for (dataset, columns), rows in zip(
            SILVER.items(),
            (entities(seed, firms, month), taxpayers(seed, firms, month, "国税"), permits),
            strict=True,
        ):
            found[dataset] += [(month.month, {c: r[c] or None for c in columns}) for r in rows]
    return found


def in_run(row: dict[str, str | None], run: int) -> dict[str, str | None]:
    """A row as the world of one monthly run has it: three letters that no number holds."""
    mark = MARKS[run]

    def marked(column: str, text: str) -> str:
        if column.endswith("registration_no"):
            return mark + text[3:]
        plain = text.replace("PDY", mark)
        if column.endswith("name"):
            return f"W{mark}{plain}"
        return (
            plain if mark in plain or not column.endswith(("representative", "taxpayer_no")) else plain + mark
        )

    return {c: v and marked(c, v) for c, v in row.items()}


MARKS = {run: f"Q{chr(64 + run)}Q" for run in range(1, 13)}


def test_twelve_monthly_runs_never_change_an_id(spark: Any) -> None:
    """Run N sees what came until month N; the runs are worlds of their own in one plan. Ids are compared by
    what the records say.
    """
    frames = {}
    for dataset, rows in delivered(2016, 60).items():
        ddl = ", ".join(f"{c} STRING" for c in SILVER[dataset]) + ", _known_from TIMESTAMP"
        seen = [
            (*in_run(r, run).values(), datetime.datetime(2016, month, 28))
            for run in range(1, 13)
            for month, r in rows
            if month <= run
        ]
        frames[dataset] = spark.createDataFrame(seen, ddl)
    found = link(records(frames), spark.createDataFrame([], JUDGED)).collect()
    said = {r["record_id"]: _said(r) for r in found}
    runs: dict[str, dict[Any, Any]] = {mark: {} for mark in MARKS.values()}
    for r in found:
        runs[r["name"][1:4]][said[r["record_id"]]] = said[r["entity_id"]]
    for run in range(2, 13):
        before, now = runs[MARKS[run - 1]], runs[MARKS[run]]
        assert {k: (v, now.get(k)) for k, v in before.items() if now.get(k) != v} == {}, run
        assert len(now) > len(before)


def _said(row: Any) -> tuple[str, ...]:
    """What names a record in every run: a register's key, else all that a decision says of its
    counterpart.
    """
    columns = ("name", *IDENTIFIERS) if row["source"].startswith("development_reform") else ("source_key",)
    return (row["source"], *((row[c] or "").replace(row["name"][1:4], "") for c in columns))
