"""The economy of the city as it is: flows by month, stocks, indices and districts; what the offices round,
print and revise.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from random import Random

CITY = "210100"
SEASON = (0.80, 0.72, 0.98, 1.00, 1.03, 1.12, 0.98, 0.99, 1.06, 1.05, 1.07, 1.20)
# Monthly base of 2015 in the unit of the dictionary; synthetic.
FLOWS = {
    "地区生产总值": 480.0,
    "规模以上工业增加值": 260.0,
    "固定资产投资": 420.0,
    "商品房销售面积": 160.0,
    "商品房销售额": 105.0,
    "社会消费品零售总额": 610.0,
    "一般公共预算收入": 110.0,
    "一般公共预算支出": 130.0,
    "进出口总额": 120.0,
    "实际利用外资": 1.6,
    "全社会用电量": 52.0,
    "货运量": 3300.0,
    "客运量": 3700.0,
}
STOCKS = {
    "金融机构本外币存款余额": 14200.0,
    "金融机构本外币存款余额/住户存款": 6100.0,
    "金融机构本外币贷款余额": 12600.0,
}
INDICES = {"居民消费价格指数": 101.6, "居民消费价格指数/食品烟酒价格": 103.1, "工业生产者出厂价格指数": 96.2}
# Whole -> partitions of it; the last part is what the others leave.
PARTITIONS: dict[str, tuple[dict[str, float], ...]] = {
    "地区生产总值": ({"第一产业": 0.05, "第二产业": 0.47, "第三产业": 0.48},),
    "规模以上工业增加值": ({"轻工业": 0.23, "重工业": 0.77},),
    "社会消费品零售总额": ({"城镇": 0.92, "乡村": 0.08}, {"商品零售": 0.88, "餐饮收入": 0.12}),
    "一般公共预算收入": ({"税收收入": 0.78, "非税收入": 0.22},),
    "一般公共预算收入/税收收入": (
        {"增值税": 0.2, "营业税": 0.3, "企业所得税": 0.16, "个人所得税": 0.07, "其他税收": 0.27},
    ),
    "进出口总额": ({"出口": 0.38, "进口": 0.62},),
    "全社会用电量": ({"第一产业": 0.02, "第二产业": 0.61, "第三产业": 0.21, "城乡居民生活": 0.16},),
}
SUBSETS = {
    "固定资产投资": {"工业投资": 0.26, "房地产开发投资": 0.48, "基础设施投资": 0.21},
    "社会消费品零售总额": {"限额以上零售额": 0.38},
    "一般公共预算支出": {"教育支出": 0.14, "社会保障和就业支出": 0.18},
    "全社会用电量": {"工业用电量": 0.55},
}
# Levels of 2016 over those before once padding was taken out; published growth speaks of the comparable base
# and knows no break.
BREAKS = {"固定资产投资": 0.52, "规模以上工业增加值": 0.61}
# Growth at comparable prices, or on a base that the bureau revised, stands so many points above the ratio of
# levels.
OTHER_BASE = {"商品房销售面积": 2.6, "一般公共预算支出": -1.8, "全社会用电量/工业用电量": 3.4}
ODD_MONTHS = {("商品房销售额", 2014, 9): 1.9, ("货运量", 2013, 6): 0.4}
DISTRICTS = {
    "210102": 0.13,
    "210103": 0.13,
    "210104": 0.09,
    "210105": 0.10,
    "210106": 0.15,
    "210111": 0.06,
    "210112": 0.10,
    "210113": 0.06,
    "210114": 0.07,
    "210115": 0.03,
    "210123": 0.02,
    "210124": 0.02,
    "210181": 0.04,
}
DISTRICT_SUMS = {
    "固定资产投资": 1.0,
    "规模以上工业增加值": 1.07,
    "一般公共预算收入": 0.99,
}  # what the districts report in sum, over the city


@lru_cache(maxsize=4096)
def flow(seed: int, code: str, year: int) -> tuple[float, ...]:
    """Twelve true monthly flows of a code of the city."""
    whole, _, name = code.rpartition("/")
    if not whole:
        return tuple(_whole(seed, code, year, m) for m in range(1, 13))
    above = flow(seed, whole, year)
    return tuple(v * _share(seed, whole, name, year, m) for m, v in enumerate(above, 1))


def _whole(seed: int, code: str, year: int, month: int) -> float:
    rng = Random(f"{seed}/flow/{code}/{year}/{month}")
    trend = Random(f"{seed}/trend/{code}").uniform(0.97, 1.09) ** (year - 2015)
    fall = BREAKS.get(code, 1.0) if year >= 2016 else 1.0
    return (
        FLOWS[code]
        * SEASON[month - 1]
        * trend
        * fall
        * ODD_MONTHS.get((code, year, month), 1.0)
        * rng.uniform(0.97, 1.03)
    )


def _share(seed: int, whole: str, name: str, year: int, month: int) -> float:
    partition = next((p for p in PARTITIONS.get(whole, ()) if name in p), None)
    if partition is None:
        return SUBSETS[whole][name] * _stir(seed, f"{whole}/{name}", year, month)
    shares = {n: s * _stir(seed, f"{whole}/{n}", year, month) for n, s in partition.items()}
    return shares[name] / sum(shares.values())


def _stir(seed: int, code: str, year: int, month: int) -> float:
    return Random(f"{seed}/share/{code}/{year}/{month}").uniform(0.98, 1.02)


def district_flow(seed: int, code: str, district: str, year: int) -> tuple[float, ...]:
    """What a district reports by month; 和平 and 沈河 move alike, so that their growth ties."""
    mover = "210102" if district == "210103" else district
    weight = DISTRICTS[district] * DISTRICT_SUMS[code]
    return tuple(
        v * weight * (1 + Random(f"{seed}/{code}/{mover}/{year}/{m}").uniform(-0.02, 0.02))
        for m, v in enumerate(flow(seed, code, year), 1)
    )


def growth(now: float, before: float, code: str, year: int) -> float:
    """Published growth in percent of a flow: the ratio of levels, but for a break of the series and for
    another base.
    """
    whole = code.split("/")[0]
    fall = BREAKS.get(whole, 1.0) if year == 2016 else 1.0
    return (now / fall / before - 1) * 100 + OTHER_BASE.get(code, 0.0)


def stock(seed: int, code: str, month: date) -> float:
    """The level at the end of a month; an index for the month."""
    rng = Random(f"{seed}/stock/{code}/{month}")
    if code in INDICES:
        return INDICES[code] + rng.uniform(-0.6, 0.6)
    return STOCKS[code] * 1.006 ** ((month.year - 2015) * 12 + month.month) * rng.uniform(0.998, 1.002)


def is_flow(code: str) -> bool:
    """Whether a code adds up over months."""
    return code not in STOCKS and code not in INDICES
