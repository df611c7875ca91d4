"""One world of organisations as every office knows it: own numbers, own way to write a name, own gaps.

Every row carries the true organisation under `people.TRUTH`, which no writer delivers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

from citylake.synthetic.decisions import JOINT, decisions
from citylake.synthetic.identifiers import org_code, resident_id, with_uscc_check
from citylake.synthetic.people import DISTRICTS, RARE, TRUTH, Entity, entity, facts, former_name, registered
from citylake.synthetic.world import Row

PUBLIC = 60_000  # numbers of institutions begin here, those of social organisations at twice as much
UNTIL = date(2016, 1, 1)
BACKLOG = (
    date(2015, 3, 8),
    date(2015, 8, 9),
    date(2015, 11, 8),
)  # weeks whose penalties come with the first list of 2016
OLD_PLACES = {
    "浑南区": "东陵区",
    "沈北新区": "新城子区",
    "辽中区": "辽中县",
    "新民市": "新民县",
}  # offices go on writing the former name
OLD_CODES = {"210115": "210122"}  # older registers keep the code before 2016
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789()"}


def variant(name: str, rng: Random, share: float) -> str:
    """A name as another office writes it, in a share of cases: form, place, city, district or characters
    differ, brand and trade stay.
    """
    if rng.random() >= share:
        return name
    ways = [name.removeprefix("沈阳市").removeprefix("沈阳"), f"辽宁{name}", name.translate(WIDE)]
    ways += [name.replace(new, old) for new, old in OLD_PLACES.items() if new in name]
    ways += [name.replace(c, "□") for c in RARE if c in name]
    if name.startswith("沈阳"):
        ways.append(
            name.replace("沈阳市", "沈阳", 1)
            if name.startswith("沈阳市")
            else name.replace("沈阳", "沈阳市", 1)
        )
    if "有限责任公司" in name:
        ways.append(name.replace("有限责任公司", "有限公司"))
    elif "有限公司" in name and "股份" not in name:
        ways.append(name.replace("有限公司", "有限责任公司"))
    return rng.choice(ways)


def written(seed: int, i: int, e: Entity, rng: Random, share: float) -> str:
    """The name under which another office knows an organisation: half of the renamed ones under their former
    name.
    """
    former = former_name(seed, i, e.name)
    return variant(former if former and rng.random() < 0.5 else e.name, rng, share)


def _each(
    seed: int, count: int, month: date, office: str, share: float
) -> Iterator[tuple[int, Entity, Random]]:
    """The organisations that an office knows in a month, each with the office's own chance."""
    for i in range(registered(count, month)):
        rng = Random(f"{seed}/{office}/{i}")
        if rng.random() < share:
            e = entity(seed, i)
            if not facts(seed, i, e.division, month).gone:
                yield i, e, rng


def organisation_codes(seed: int, count: int, month: date, variants: float = 0.2) -> Iterator[Row]:
    """The register of organisation codes; one in ten organisations never asked for a code."""
    for i, e, rng in _each(seed, count, month, "codes", 0.9):
        now = facts(seed, i, e.division, month)
        yield {
            "org_code": e.org_code,
            "name": written(seed, i, e, rng, variants),
            "registration_no": e.registration_no if rng.random() < 0.8 else "",
            "uscc": e.uscc if rng.random() < 0.5 else "",
            "address": now.address,
            "division_code": OLD_CODES.get(e.division, e.division) if rng.random() < 0.4 else e.division,
            "representative": now.representative,
            "established_on": e.established.isoformat(),
            "authority_name": "沈阳市质量技术监督局",
            "status_code": e.status,
            TRUTH: str(i),
        }


def taxpayers(seed: int, count: int, month: date, office: str, variants: float = 0.2) -> Iterator[Row]:
    """The register of state (`国税`) or local (`地税`) taxation; the number is old (15) or the credit
    code.
    """
    for i, e, rng in _each(seed, count, month, office, 0.8):
        now, number = facts(seed, i, e.division, month), tax_number(seed, i, e)
        yield {
            "taxpayer_no": number,
            "name": written(seed, i, e, rng, variants),
            "registration_no": e.registration_no if rng.random() < 0.6 else "",
            "address": now.address,
            "division_code": (
                rng.choice(list(DISTRICTS)) if rng.random() < 0.02 else e.division
            ),  # moved, the tax office knows it under the old district
            "representative": now.representative,
            "authority_name": f"沈阳市{office}局",
            "registered_on": (e.established + timedelta(days=20)).isoformat(),
            "status_code": e.status,
            TRUTH: str(i),
            **_of_a_person(number),
        }


def tax_number(seed: int, i: int, e: Entity) -> str:
    """The number under which both tax offices know an organisation: since 三证合一 the credit code for half
    of them.

    A sole trader without it pays tax under its owner's identifier and two digits.
    """
    rng = Random(f"{seed}/three/{i}")
    if e.uscc and rng.random() < 0.5:
        return e.uscc
    if e.registration_no[6] == "6":
        return (
            resident_id(
                e.division,
                f"19{rng.randrange(50, 90)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}",
                rng.randrange(1, 1000),
            )
            + "00"
        )
    return f"{e.division}{e.org_code}"


def _of_a_person(number: str) -> Row:
    """Marks for the truth log: a number of 20 characters is its owner's identifier, and the lake says so."""
    return (
        {"#finding": "D31", "#rule": "taxpayer_no.person_id", "#expect": "flag"} if len(number) == 20 else {}
    )


def institutions(seed: int, count: int, month: date) -> Iterator[Row]:
    """Public institutions; some bear a second official name."""
    kinds = ("中学", "小学", "图书馆", "医院", "环境监测站", "文化馆")
    for i in range(max(count // 20, 3)):
        rng, number = Random(f"{seed}/institution/{i}"), PUBLIC + i
        place, org = rng.choice(list(DISTRICTS)), org_code(number)
        kind = rng.choice(kinds)
        yield _public(
            number, place, "12", f"沈阳市第{i + 1}{kind}", facts(seed, number, place, UNTIL).representative
        ) | {
            "certificate_no": f"事证第121{i:09d}号",
            "other_names": f"沈阳市{kind}第{i + 1}分馆；辽宁省{kind}实践基地{i + 1}号" if i % 4 == 0 else "",
            "org_code": org,
            "sponsor_name": "沈阳市教育局",
            "funding_source": rng.choice(("财政补助", "经费自理")),
            "address": f"沈阳市{place}号段{i + 1}号",
        }


def social_organisations(seed: int, count: int, month: date) -> Iterator[Row]:
    """Social groups, private non-enterprise units and foundations."""
    for i in range(max(count // 25, 3)):
        rng, number = Random(f"{seed}/society/{i}"), 2 * PUBLIC + i
        kind, word = rng.choice((("社会团体", "协会"), ("民办非企业单位", "服务中心"), ("基金会", "基金会")))
        place = rng.choice(list(DISTRICTS))
        name = f"沈阳市{rng.choice(('养老', '物流', '机械', '餐饮', '环保'))}{word}第{i + 1}会"
        yield _public(number, place, "52", name, facts(seed, number, place, UNTIL).representative) | {
            "certificate_no": f"沈民社证字第{i:05d}号",
            "organisation_kind": kind,
            "org_code": org_code(number),
            "address": f"沈阳市{place}号段{i + 1}号",
        }


def _public(number: int, place: str, kind: str, name: str, representative: str) -> Row:
    return {
        "uscc": with_uscc_check(f"{kind}{place}{org_code(number)}"),
        "name": name,
        "division_code": place,
        "representative": representative,
        "established_on": "1998-05-04",
        "status_code": "存续",
        TRUTH: str(number),
    }


def list_entries(seed: int, count: int, firms: int, month: date) -> Iterator[Row]:
    """Entries of a month, and those of two months before that were removed since: a removal revises the
    entry.
    """
    for back in (0, 2):
        listed = _back(month, back)
        if listed is None:
            continue
        for i in range(count):
            row, removed = _entry(seed, i, firms, listed)
            if back == 0 or removed:
                yield row | (
                    {"removed_on": f"{month:%Y-%m}-15", "removal_reason": "已补报年度报告"} if back else {}
                )


def _entry(seed: int, i: int, firms: int, month: date) -> tuple[Row, bool]:
    rng = Random(f"{seed}/list/{month}/{i}")
    number = rng.randrange(firms)
    e, serious = entity(seed, number), rng.random() < 0.2
    row = {
        "entry_no": f"沈市监异字〔{month.year}〕{month.month:02d}{i:04d}号",
        "list_code": "serious" if serious else "abnormal",
        "uscc": e.uscc if rng.random() < 0.7 else "",
        "registration_no": e.registration_no,
        "name": variant(e.name, rng, 0.2),
        "reason": (
            "被列入经营异常名录届满3年仍未履行相关义务"
            if serious
            else rng.choice(("未按规定公示年度报告", "通过登记的住所无法联系"))
        ),
        "listed_on": f"{month:%Y-%m}-{rng.randrange(1, 28):02d}",
        "authority_name": "沈阳市工商行政管理局",
        "removed_on": "",
        "removal_reason": "",
        TRUTH: str(number),
    }
    return row, not serious and rng.random() < 0.5


def _back(month: date, months: int) -> date | None:
    at = month.year * 12 + month.month - 1 - months
    return date(at // 12, at % 12 + 1, 1) if at >= 2016 * 12 else None


def dishonest(seed: int, count: int, firms: int, month: date) -> Iterator[Row]:
    """Organisations that defied a judgment; the court prints the organisation code with its hyphen, or none.
    Some have a tax grade A.
    """
    for i in range(count):
        rng = Random(f"{seed}/court/{month}/{i}")
        number = rng.randrange(firms)
        while i % 4 == 0 and tax_grade(seed, number) != "A":
            number = (number + 1) % firms
        e, day = entity(seed, number), rng.randrange(1, 28)
        yield {
            "case_no": f"（{month.year}）辽01执{month.month:02d}{i:04d}号",
            "gist_no": f"（{month.year - 1}）辽01民初{i:04d}号",
            "name": variant(e.name, rng, 0.2),
            "card_no": e.uscc if e.uscc and rng.random() < 0.5 else e.org_code,
            "court_name": "沈阳市中级人民法院",
            "filed_on": f"{month:%Y-%m}-{day:02d}",
            "duty": "支付货款及利息",
            "performance": rng.choice(("全部未履行", "部分履行")),
            "published_on": f"{month:%Y-%m}-{day + 1:02d}",
            "removed_on": "",
            TRUTH: str(number),
        }


def tax_grade(seed: int, i: int) -> str:
    """The grade of organisation `i`."""
    return Random(f"{seed}/grade/{i}").choices("ABCD", (10, 70, 15, 5))[0]


def tax_grades(seed: int, count: int, year: int, published: date) -> Iterator[Row]:
    """Grades of a year for the organisations that state taxation knows."""
    for i, e, _ in _each(seed, count, published, "国税", 0.8):
        number = tax_number(seed, i, e)
        yield {
            "year": str(year),
            "taxpayer_no": number,
            "name": e.name,
            "grade": tax_grade(seed, i),
            "authority_name": "沈阳市国税局",
            "published_on": published.isoformat(),
            TRUTH: str(i),
            **_of_a_person(number),
        }


def repairs(seed: int, count: int, penalties: int, firms: int, month: date) -> Iterator[Row]:
    """Repairs of penalties of the month before and, early in 2016, of those of 2015: some before the minimum
    period has passed.
    """
    last = month - timedelta(days=1)
    sundays = [last.replace(day=7 - last.replace(day=1).weekday())]
    sundays += BACKLOG[month.month - 2 : month.month - 1] if month.year == 2016 else ()
    for n, sunday in enumerate(sundays):
        for i, decision in enumerate(decisions(seed, "penalty", sunday, penalties, firms, revised=False)):
            if i < count and decision["counterpart_uscc"] and not decision[JOINT]:
                day = date.fromisoformat(f"{month:%Y-%m}-{i % 27 + 1:02d}")
                yield {
                    "authority_name": decision["authority_name"],
                    "document_no": decision["document_no"],
                    "counterpart_uscc": decision["counterpart_uscc"],
                    "severity": "serious" if (i + n) % 5 == 0 else "general",
                    "applied_on": (day - timedelta(days=10)).isoformat(),
                    "repaired_on": day.isoformat(),
                    TRUTH: decision[TRUTH],
                }


def registers(seed: int, count: int, month: date, variants: float) -> Iterator[tuple[str, Iterator[Row]]]:
    """(dataset, rows) of every register besides the registrar's own."""
    made: dict[str, Callable[[], Iterator[Row]]] = {
        "quality_supervision/organisation_code": lambda: organisation_codes(seed, count, month, variants),
        "public_sector_reform/institution": lambda: institutions(seed, count, month),
        "civil_affairs/social_organisation": lambda: social_organisations(seed, count, month),
        "state_taxation/taxpayer": lambda: taxpayers(seed, count, month, "国税", variants),
        "local_taxation/taxpayer": lambda: taxpayers(seed, count, month, "地税", variants),
    }
    for dataset, rows in made.items():
        yield dataset, rows()
