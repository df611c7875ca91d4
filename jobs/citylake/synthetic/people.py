"""The organisations of the synthetic city, streamed from a seed: the same number gives the same subject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from citylake.synthetic.identifiers import (
    old_registration_no,
    org_code,
    registration_no,
    uscc,
    with_uscc_check,
)

# Shares of registered residents by district, in percent (rounded judgement, no census figure).
DISTRICTS = {
    "210102": 9,
    "210103": 10,
    "210104": 9,
    "210105": 11,
    "210106": 12,
    "210111": 6,
    "210112": 8,
    "210113": 5,
    "210114": 8,
    "210115": 6,
    "210123": 5,
    "210124": 5,
    "210181": 6,
}
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红建国文斌鑫宇浩博雪梅晨欣怡佳"
BRANDS = "恒远盛华金泰宏达瑞丰德隆嘉信万通东方浑河辽沈北陵中兴百川新松启明三好天成广源立德正阳"
TRADES = (
    ("机械制造", "3421"),
    ("建筑工程", "4700"),
    ("商贸", "5299"),
    ("餐饮管理", "6210"),
    ("物流", "5430"),
    ("软件", "6510"),
    ("房地产开发", "7010"),
    ("食品", "1491"),
    ("医药", "2710"),
    ("装饰工程", "5010"),
    ("科技", "7590"),
    ("汽车零部件", "3660"),
)
RARE = "喆堃淼"  # brands with a character that GB 2312 lacks: offices lose it
SHOPS = (
    ("烧烤店", "6210"),
    ("便利店", "5211"),
    ("理发店", "7920"),
    ("汽车修理部", "8011"),
    ("五金商行", "5274"),
)
PLACES = {
    "210102": "和平区",
    "210103": "沈河区",
    "210104": "大东区",
    "210105": "皇姑区",
    "210106": "铁西区",
    "210111": "苏家屯区",
    "210112": "浑南区",
    "210113": "沈北新区",
    "210114": "于洪区",
    "210115": "辽中区",
    "210123": "康平县",
    "210124": "法库县",
    "210181": "新民市",
}
TRUTH = "#organisation"  # the number of the true organisation; keys with # are never delivered
AUTHORITIES = (
    "沈阳市工商行政管理局",
    "沈阳市质量技术监督局",
    "沈阳市食品药品监督管理局",
    "沈阳市安全生产监督管理局",
    "沈阳市环境保护局",
    "沈阳市城乡建设委员会",
)


@dataclass(frozen=True)
class Entity:
    """One organisation as it truly is."""

    registration_no: str
    uscc: str
    org_code: str
    name: str
    division: str
    industry: str
    capital: str
    currency: str
    established: date
    status: str


def weighted(table: dict[str, int], ticket: int) -> str:
    """The code at a ticket of 0 to 99 of a table of percentages."""
    for code, weight in table.items():
        if ticket < weight:
            return code
        ticket -= weight
    raise ValueError("weights do not reach 100")


def month_number(month: date) -> int:
    """Months since January 2016."""
    return (month.year - 2016) * 12 + month.month - 1


def entity(seed: int, i: int) -> Entity:
    """Organisation number `i`."""
    rng = Random(f"{seed}/entity/{i}")
    place = weighted(DISTRICTS, rng.randrange(100))
    trade, industry = rng.choice(TRADES)
    # Two characters are too few for a large city: the registrar refuses a name that another firm of the trade
    # bears.
    brand = "".join(rng.choices(BRANDS, k=2 if i < 6000 else 3)) + (
        "" if rng.random() < 0.7 else rng.choice(BRANDS)
    )
    form = rng.choices(("有限公司", "有限责任公司", "股份有限公司", "集团有限公司"), (70, 15, 10, 5))[0]
    org = org_code(i)
    name = f"沈阳{'市' if rng.random() < 0.3 else ''}{brand}{trade}{form}" + (
        "" if rng.random() > 0.05 else f"第{i % 9 + 1}分公司"
    )
    status = rng.choices(("存续", "在业", "吊销未注销", "注销"), (70, 22, 5, 3))[0]
    founded = date(1985, 1, 1) + timedelta(days=rng.randrange(11000))
    name = (
        f"{name[:-2]}（{i}）公司"
        if i % 97 == 0
        else name.replace(brand, RARE[i % 3] + brand, 1)
        if i % 53 == 1
        else name
    )
    sole = i % 11 == 5  # a sole trader: a short brand, homonyms in other districts
    if sole:
        trade, industry = rng.choice(SHOPS)
        name = f"沈阳市{PLACES[place]}{''.join(rng.choices(BRANDS, k=2 if i < 6000 else 3))}{trade}"
    code = (with_uscc_check(f"92{place}{org}") if sole else uscc(place, org)) if rng.random() < 0.85 else ""
    old = founded < date(2007, 7, 1) and i % 10 == 7
    number = (
        registration_no(place, 60_000_000 + i)
        if sole
        else (old_registration_no if old else registration_no)(place, i)
    )
    capital = f"{rng.choice((10, 30, 50, 100, 200, 500, 1000, 5000)) * rng.choice((1, 1, 1, 2, 3))}.000000"
    return Entity(
        number,
        code,
        org,
        name,
        place,
        industry,
        capital,
        rng.choices(("156", "840"), (97, 3))[0],
        founded,
        status,
    )


def former_name(seed: int, i: int, name: str) -> str:
    """The name that an organisation bore before, empty for most; other offices go on writing it."""
    rng = Random(f"{seed}/former/{i}")
    if i % 11 == 5 or rng.random() >= 0.05 or not name.startswith("沈阳"):
        return ""
    trade, _ = rng.choice(TRADES)
    return f"沈阳{''.join(rng.choices(BRANDS, k=4))}{trade}有限公司"


@dataclass(frozen=True)
class Facts:
    """What may change about an organisation from month to month, the same for every office that asks."""

    representative: str
    address: str
    gone: bool
    open_ended: bool


def person(rng: Random) -> str:
    """A person's name."""
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=1 + (rng.random() < 0.7)))


def facts(seed: int, i: int, division: str, month: date) -> Facts:
    """The facts of organisation `i` in a month: a few move, a few leave."""
    n, rng = month_number(month), Random(f"{seed}/entity-month/{i}")
    changes, ends, who = rng.random(), rng.random(), person(rng)
    number = rng.randrange(1, 300)
    address = f"沈阳市{division}号段{number}号" if changes >= 0.01 * n else f"沈阳市新址{number}号"
    return Facts(who, address, ends < 0.003 * n, rng.random() >= 0.6)


def renamed(i: int, month: date) -> bool:
    """Whether the registrar approved a new name by a month; other offices go on with the old one."""
    return i % 40 == 3 and month_number(month) >= 1 + i % 3


def new_name(name: str) -> str:
    """The name after a change of brand."""
    place = "沈阳市" if name.startswith("沈阳市") else "沈阳"
    return f"{place}新{name.removeprefix(place)}"


def registered(count: int, month: date) -> int:
    """How many organisations were ever registered by a month."""
    return count + month_number(month) * max(count // 200, 1)


def entities(seed: int, count: int, month: date) -> Iterator[dict[str, str]]:
    """The register of organisations as of a month."""
    for i in range(registered(count, month)):
        e = entity(seed, i)
        now = facts(seed, i, e.division, month)
        if now.gone:
            continue
        until = date(e.established.year + 30, e.established.month, min(e.established.day, 28))
        yield {
            "registration_no": e.registration_no,
            "uscc": e.uscc,
            "name": new_name(e.name) if renamed(i, month) else e.name,
            "former_name": e.name if renamed(i, month) else former_name(seed, i, e.name),
            "org_code": e.org_code,
            "enterprise_type_code": "1219" if "股份" in e.name else "1130",
            "registration_type_code": "160" if "股份" in e.name else "173",
            "industry_code": e.industry,
            "representative": now.representative,
            "registered_capital_10k": e.capital,
            "capital_currency_code": e.currency,
            "established_on": e.established.isoformat(),
            "approved_on": e.established.isoformat(),
            "operates_from": e.established.isoformat(),
            "operates_to": "" if now.open_ended else until.isoformat(),
            "authority_name": "沈阳市工商行政管理局",
            "status_code": e.status,
            "address": now.address,
            "division_code": e.division,
            "business_scope": f"{e.name[2:8]}相关经营；依法须经批准的项目，经批准后方可开展",
            TRUTH: str(i),
        }
