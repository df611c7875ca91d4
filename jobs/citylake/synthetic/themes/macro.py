"""Macro-economy: the monthly report and the series of the statistics bureau, and those who report to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from citylake.synthetic.defects import Change, Defect, always, when
from citylake.synthetic.economy import DISTRICT_SUMS, DISTRICTS, district_flow, flow, growth, is_flow, stock
from citylake.synthetic.order import Order
from citylake.synthetic.world import Row, World, codes, month_end

FIRST_YEAR, FIRST_REPORT = 2012, 2016
UNITS = {"万元": 1e4, "万千瓦时": 1e4}  # of one 亿元 and one 亿千瓦时
# The corrected report of 1-2月 2016, sent with that of March, over the first one.
REVISED = {"商品房销售额": 0.98, "货运量": 1.015, "固定资产投资/工业投资": 0.97}
REBASED, REBASED_BY = "社会消费品零售总额", 0.93
SWITCHED = ("进出口总额", "进出口总额/出口", "进出口总额/进口")  # printed in 万元 from March 2016 on
ABSENT = ("210123", "固定资产投资", date(2016, 3, 1))
OLD_CODES = {"210115": "210122"}  # before 2016


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """History in the first deliveries; the report of each month, none for January; a corrected one and a
    rebased series with March.
    """
    sent, first = month_end(month), month == date(FIRST_REPORT, 1, 1)
    if first:
        yield (
            _order(
                world,
                "statistics/indicator_series",
                "2015-001",
                "2015",
                sent,
                "主要指标历史数据2012-2015.csv",
            ),
            history(world),
        )
    since = date(FIRST_YEAR, 1, 1) if first else month
    for dataset, rows in (("finance/fiscal_revenue", revenue), ("power_supply/electricity", electricity)):
        title = world.contracts[dataset].title.zh
        yield (
            _order(
                world,
                dataset,
                f"{month:%Y-%m}-001",
                f"{month:%Y-%m}",
                sent + timedelta(days=9),
                f"{title}_{month:%Y%m}.csv",
            ),
            rows(world, since, month),
        )
    if month.month > 1:
        yield from _reports(world, month, sent + timedelta(days=14))


def _reports(world: World, month: date, sent: datetime) -> Iterator[tuple[Order, Iterator[Row]]]:
    first = month == date(FIRST_REPORT, 2, 1)
    label = "1-2" if month.month == 2 else str(month.month)
    yield (
        _report(world, month, "001", sent, f"统计月报{month.year}年{label}月.xlsx"),
        report(world, month, corrected=False),
    )
    if month == date(FIRST_REPORT, 3, 1):
        february, hour = date(FIRST_REPORT, 2, 1), timedelta(hours=1)
        yield (
            _report(world, february, "002", sent + hour, "统计月报2016年1-2月(更正).xlsx"),
            report(world, february, corrected=True),
        )
        yield (
            _order(
                world,
                "statistics/indicator_series",
                "2016-001",
                "2016",
                sent + timedelta(days=5),
                "社零核实修订.csv",
            ),
            rebased(world, month),
        )
    for dataset, rows, since in (
        ("commerce/trade_retail", retail, date(FIRST_YEAR, 2, 1)),
        ("statistics/district_indicator", districts, date(2014, 2, 1)),
    ):
        title = world.contracts[dataset].title.zh
        order = _order(
            world, dataset, f"{month:%Y-%m}-001", f"{month:%Y-%m}", sent, f"{title}_{month:%Y%m}.csv"
        )
        yield order, rows(world, since if first else month, month)


def _order(world: World, dataset: str, delivery: str, period: str, sent: datetime, file: str) -> Order:
    return Order(world.contracts[dataset], delivery, period, "changes", sent, file)


def _report(world: World, month: date, number: str, sent: datetime, file: str) -> Order:
    return _order(
        world, "statistics/monthly_indicator", f"{month:%Y-%m}-{number}", f"{month:%Y-%m}", sent, file
    )


def months(since: date, until: date) -> Iterator[date]:
    """First days from `since` to `until`."""
    for n in range(since.year * 12 + since.month - 1, until.year * 12 + until.month):
        yield date(n // 12, n % 12 + 1, 1)


def dictionary(world: World, month: date, source: str) -> Iterator[dict[str, str]]:
    """The indicators of a source in the edition of a month; quarterly ones at the end of their quarter
    only.
    """
    for item in codes(world.root, "indicators"):
        valid = (item["valid_from"] or "1900") <= month.isoformat() <= (item["valid_to"] or "9999")
        quarterly = item["cumulative_rule"] == "by_quarter" and month.month % 3
        if item["source"] == source and valid and not quarterly:
            yield item


def values(world: World, item: dict[str, str], month: date, scale: float = 1.0) -> Row:
    """Month and cumulative value with published growth as text in the dictionary's unit; no month value where
    January is not reported.
    """
    code, y, m = item["code"], month.year, month.month
    if not is_flow(code):
        now, before = stock(world.seed, code, month), stock(world.seed, code, month.replace(year=y - 1))
        rate = {} if item["kind"] == "index" else {"cumulative_growth_pct": f"{(now / before - 1) * 100:.1f}"}
        return {"cumulative_value": f"{now:.1f}", **rate}
    now, before = flow(world.seed, code, y), flow(world.seed, code, y - 1)
    row = _cumulative(sum(now[:m]) * scale, sum(before[:m]) * scale, code, y)
    if item["cumulative_rule"] == "every_month" or (item["cumulative_rule"] == "from_february" and m > 2):
        row |= {
            "month_value": _text(now[m - 1] * scale),
            "month_growth_pct": f"{growth(now[m - 1], before[m - 1], code, y):.1f}",
        }
    return row


def _cumulative(now: float, before: float, code: str, year: int) -> Row:
    return {"cumulative_value": _text(now), "cumulative_growth_pct": f"{growth(now, before, code, year):.1f}"}


def _text(value: float) -> str:
    return f"{value:.1f}" if value >= 200 else f"{value:.2f}" if value >= 20 else f"{value:.4f}"


def _in(row: Row, unit: str) -> Row:
    """The same amounts in ten-thousands, without decimals."""
    return (
        row
        | {k: f"{float(row[k]) * UNITS[unit]:.0f}" for k in ("month_value", "cumulative_value") if k in row}
        | {"unit_name": unit}
    )


def report(world: World, month: date, *, corrected: bool) -> Iterator[Row]:
    """The monthly report; its corrected edition differs in a few indicators. `#child`: a part of the row
    above.
    """
    for item in dictionary(world, month, "statistics/monthly_indicator"):
        code = item["code"]
        row = {
            "indicator_name": item["label_zh"],
            "unit_name": item["unit"],
            **values(world, item, month, REVISED.get(code, 1.0) if corrected else 1.0),
        }
        row = _in(row, "万元") if code in SWITCHED and month >= date(FIRST_REPORT, 3, 1) else row
        yield {
            **row,
            "#child": "1" if item["parent"] != "-" else "0",
            "#code": code,
            "#month": month.isoformat(),
        }


def history(world: World) -> Iterator[Row]:
    """All months of the four years before the first report, in one release."""
    for month in months(date(FIRST_YEAR, 1, 1), date(FIRST_REPORT - 1, 12, 1)):
        for item in dictionary(world, month, "statistics/monthly_indicator"):
            if month.month > 1 or item["cumulative_rule"] not in ("from_february", "by_quarter"):
                yield _series_row(item, month, values(world, item, month))


def rebased(world: World, until: date) -> Iterator[Row]:
    """One indicator anew from 2015 on, all months in one release."""
    for month in months(date(FIRST_REPORT - 1, 2, 1), until):
        item = next(
            i for i in dictionary(world, month, "statistics/monthly_indicator") if i["code"] == REBASED
        )
        if month.month > 1:
            row = values(world, item, month, REBASED_BY)
            yield _series_row(item, month, {k: v for k, v in row.items() if k.startswith("cumulative")})


def _series_row(item: dict[str, str], month: date, row: Row) -> Row:
    return {
        "indicator_code": item["code"],
        "month_text": f"{month:%Y-%m}",
        "unit_name": item["unit"],
        **row,
        **_marks(item["code"], month),
    }


def _marks(code: str, month: date) -> Row:
    return {"#code": code, "#month": month.isoformat()}


def revenue(world: World, since: date, until: date) -> Iterator[Row]:
    """Items of revenue in 万元; in 亿元 before 2015."""
    for month in months(since, until):
        for item in dictionary(world, month, "finance/fiscal_revenue"):
            row = {
                "item_name": item["label_zh"],
                "month_text": f"{month:%Y-%m}",
                "unit_name": "亿元",
                **values(world, item, month),
            }
            yield (row if month.year < 2015 else _in(row, "万元")) | _marks(item["code"], month)


def electricity(world: World, since: date, until: date) -> Iterator[Row]:
    """Consumption by use in 万千瓦时."""
    for month in months(since, until):
        for item in dictionary(world, month, "power_supply/electricity"):
            row = {"use_name": item["label_zh"], "month_text": f"{month:%Y-%m}", **values(world, item, month)}
            yield _in(row, "万千瓦时") | _marks(item["code"], month)


def retail(world: World, since: date, until: date) -> Iterator[Row]:
    """Cumulative retail sales by place and by form, with the shares of online and shop sales; no January."""
    for month in (m for m in months(since, until) if m.month > 1):
        for item in dictionary(world, month, "commerce/trade_retail"):
            online = round(Random(f"{world.seed}/online/{item['code']}/{month}").uniform(8, 16), 1)
            told = {k: v for k, v in values(world, item, month).items() if k.startswith("cumulative")}
            row = {
                "group_name": item["label_zh"],
                "month_text": f"{month:%Y-%m}",
                "unit_name": item["unit"],
                **told,
            }
            yield (
                row
                | {"online_share_pct": f"{online:.1f}", "shop_share_pct": f"{100 - online:.1f}"}
                | _marks(item["code"], month)
            )


def districts(world: World, since: date, until: date) -> Iterator[Row]:
    """Three indicators of the 13 districts under the codes of the time; one district does not report once."""
    names = {d["code"]: d["label_zh"] for d in codes(world.root, "divisions")}
    for month in (m for m in months(since, until) if m.month > 1):
        for district in DISTRICTS:
            printed = OLD_CODES.get(district, district) if month.year < 2016 else district
            for code in DISTRICT_SUMS:
                now, before = (
                    sum(district_flow(world.seed, code, district, y)[: month.month])
                    for y in (month.year, month.year - 1)
                )
                row = {} if (district, code, month) == ABSENT else _cumulative(now, before, code, month.year)
                named = {
                    "division_code": printed,
                    "division_name": names[printed],
                    "indicator_code": code,
                    "month_text": f"{month:%Y-%m}",
                    "unit_name": "亿元",
                }
                yield named | row | {"#district": district} | _marks(code, month)


def _unit_in_cell(v: str, row: Row, rng: Random) -> str | None:
    return f"{v}{row['unit_name']}" if v and row["unit_name"] != "%" else None


def _ten_thousand_times(v: str, row: Row, rng: Random) -> str | None:
    """The unit changed and its name did not."""
    return (
        f"{float(v) * 1e4:.0f}" if v and float(v) >= 1 and row["unit_name"] in ("亿元", "亿千瓦时") else None
    )


def _cumulative_as_month(v: str, row: Row, rng: Random) -> str | None:
    return row["cumulative_value"] if v and row["#month"][5:7] != "01" and row["unit_name"] != "%" else None


def _more_than_a_hundred(v: str, row: Row, rng: Random) -> str | None:
    return f"{float(v) + 0.7:.1f}"


_with_commas: Change = when(lambda v: float(v) >= 1000, lambda v: f"{float(v):,.1f}")
_VALUES = (
    Defect("D53", "cumulative_value", "cumulative_value.repaired", "repair", _unit_in_cell),
    Defect("D54", "cumulative_value", "", "nothing", _ten_thousand_times),
    Defect("D24", "cumulative_growth_pct", "cumulative_growth_pct.repaired", "repair", always("-")),
)
_COMMAS = Defect("D53", "cumulative_value", "cumulative_value.repaired", "repair", _with_commas)


def _month(table: str) -> Defect:
    return Defect("D57", "month_value", f"{table}.month_is_not_cumulative", "flag", _cumulative_as_month)


DEFECTS = {
    "statistics/monthly_indicator": (
        *_VALUES,
        Defect("D53", "cumulative_value", "cumulative_value.repaired", "repair", _with_commas),
        _month("monthly_indicator"),
    ),
    "statistics/indicator_series": (*_VALUES, _month("indicator_series")),
    "statistics/district_indicator": _VALUES,
    "finance/fiscal_revenue": (*_VALUES, _month("fiscal_revenue")),
    "power_supply/electricity": (*_VALUES, _month("electricity")),
    "commerce/trade_retail": (
        *_VALUES,
        Defect("D56", "shop_share_pct", "trade_retail.shares_sum", "flag", _more_than_a_hundred),
    ),
}
