"""The plan of a city's deliveries: which office sends what, when, and what goes wrong with whole files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from citylake.city import events, organisations, people
from citylake.city.deliver import Office, Order, Row, month_end
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.lake.settings import ROOT

SIZES = {"residents": 6000, "firms": 2000, "permits": 60, "penalties": 40, "components": 3000, "cases": 300, "listed": 25, "dishonest": 12, "repairs": 6}


def generate(
    out: Path, *, months: int = 2, scale: float = 1.0, seed: int = 2016, defects: Literal["off", "normal", "heavy"] = "normal", only: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Write `out/inbox/<department>/<dataset>/<delivery>/` and `out/truth/defects.jsonl`; the same seed gives the same bytes.

    `scale` multiplies people, firms, components and cases. Returns the numbers of deliveries, rows and planted defects.
    """
    contracts = load_contracts(ROOT)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    with (out / "truth" / "defects.jsonl").open("w+", encoding="utf-8") as truth:
        office = Office(out, seed, defects, truth)
        for month in months_of(months):
            for order, rows in orders(seed, contracts, month, scale):
                if not only or order.contract.id in only:
                    _send(office, order, rows)
    return {"deliveries": office.deliveries, "rows": office.rows, "planted": office.planted}


def months_of(count: int) -> list[date]:
    """The first days of so many months from January 2016."""
    return [date(2016 + m // 12, m % 12 + 1, 1) for m in range(count)]


def orders(seed: int, contracts: dict[str, Contract], month: date, scale: float) -> Iterator[tuple[Order, Iterator[Row]]]:
    """What every office sends for a month and the true rows of it, before anything goes wrong."""
    n = {k: max(10, int(v * scale)) for k, v in SIZES.items()}
    streets: dict[str, list[str]] = {}
    for s in events.codes(ROOT, "streets"):
        streets.setdefault(s["division_code"], []).append(s["code"])
    made: list[tuple[str, str, str, Iterator[Row]]] = [
        ("civil_affairs/resident", "full", f"人口_{month:%Y%m}.txt", people.residents(seed, n["residents"], month, streets)),
        ("market_regulation/legal_entity", "full", f"法人_{month:%Y%m}.csv", people.entities(seed, n["firms"], month)),
        ("environment/air_quality_hourly", "changes", f"china_sites_{month:%Y%m}.csv", events.air(seed, month, ROOT)),
        ("weather/station_hourly", "changes", f"SURF_CHN_HOR_{month:%Y%m}.csv", events.weather(seed, month, ROOT)),
        ("construction/component", "full", f"城市部件_{month:%Y%m}.csv", events.components(seed, n["components"], month, ROOT)),
        ("construction/component_case", "changes", f"案卷_{month:%Y%m}.json", events.cases(seed, n["cases"], n["components"], month, ROOT)),
    ]
    for dataset, coverage, file, rows in made:
        yield Order(contracts[dataset], f"{month:%Y-%m}-001", f"{month:%Y-%m}", coverage, month_end(month), file), rows
    if month.month > 1:
        yield _indicators(contracts, seed, month)
    yield from _organisations(contracts, seed, month, n)
    yield from _weeks(contracts, seed, month, n)


def _organisations(contracts: dict[str, Contract], seed: int, month: date, n: dict[str, int]) -> Iterator[tuple[Order, Iterator[Row]]]:
    """What the other offices know about organisations: registers every month, lists as they grow, grades once a year."""
    delivery, period, sent = f"{month:%Y-%m}-001", f"{month:%Y-%m}", month_end(month)
    for dataset, rows in organisations.registers(seed, n["firms"], month, 0.2):
        kind = "json" if contracts[dataset].format == "json" else "csv"
        yield Order(contracts[dataset], delivery, period, "full", sent, f"{contracts[dataset].title.zh}_{month:%Y%m}.{kind}"), rows
    changes = {
        "market_regulation/list_entry": organisations.list_entries(seed, n["listed"], n["firms"], month),
        "court/dishonest_organisation": organisations.dishonest(seed, n["dishonest"], n["firms"], month),
    }
    if month.month > 1:
        changes["development_reform/credit_repair"] = organisations.repairs(seed, n["repairs"], n["penalties"], n["firms"], month)
    for dataset, rows in changes.items():
        yield Order(contracts[dataset], delivery, period, "changes", sent, f"{contracts[dataset].title.zh}_{month:%Y%m}.csv"), rows
    if month.month == 2:
        grades = organisations.tax_grades(seed, n["firms"], month.year - 1, month.replace(day=15))
        yield (
            Order(contracts["state_taxation/tax_grade"], f"{month.year}-001", str(month.year - 1), "changes", sent, f"纳税信用等级_{month.year - 1}.csv"),
            grades,
        )


def _indicators(contracts: dict[str, Contract], seed: int, month: date) -> tuple[Order, Iterator[Row]]:
    label = "1-2" if month.month == 2 else str(month.month)
    order = Order(contracts["statistics/monthly_indicator"], f"{month:%Y-%m}-001", f"{month:%Y-%m}", "changes",
                  month_end(month) + timedelta(days=14), f"统计月报{month.year}年{label}月.xlsx")  # fmt: skip
    return order, ({**row, "#child": "1" if child else "0"} for row, child in events.indicators(seed, month, ROOT))


def _weeks(contracts: dict[str, Contract], seed: int, month: date, n: dict[str, int]) -> Iterator[tuple[Order, Iterator[Row]]]:
    """Weekly lists; from the second month on in the later layout, whose columns swap; some exports carry a BOM."""
    day = month + timedelta(days=6 - month.weekday())
    while day.month == month.month:
        year, week, _ = day.isocalendar()
        layout = "layout-2016" if (month.year, month.month) == (2016, 1) else "layout-2018"
        for kind, zh in (("permit", "行政许可"), ("penalty", "行政处罚")):
            sent = datetime(day.year, day.month, day.day, 9, 30) + timedelta(days=1)
            order = Order(contracts[f"development_reform/admin_{kind}"], f"{year}-W{week:02d}-001", day.isoformat(), "changes", sent,
                          f"双公示_{zh}_{day:%Y%m%d}.csv", layout, bom=week % 3 == 0, unnamed=2 if week % 4 == 0 else 0)  # fmt: skip
            count = n["permits"] if kind == "permit" else n["penalties"]
            yield order, events.decisions(seed, kind, day, count, n["firms"], revised=day.isocalendar().week % 4 == 2)
        day += timedelta(days=7)


def _send(office: Office, order: Order, rows: Iterator[Row]) -> None:
    """Deliver, with what goes wrong for a whole file: once cut short in transfer, once sent twice under another name."""
    folder = office.deliver(order, rows)
    if order.bom:
        office.log(order, id="D03", record=None, column="", rule="", expect="nothing")
    if order.unnamed:
        office.log(order, id="D07", record=None, column="", rule="", expect="nothing")
    if office.defects == "off":
        return
    if order.contract.id == "construction/component_case" and order.period == "2016-01":
        _cut(office, order, folder)
    if order.delivery == "2016-W01-001" and order.contract.id == "development_reform/admin_permit":
        _again(office, order, folder)


def _cut(office: Office, order: Order, folder: Path) -> None:
    """The file of this delivery lost its tail; the office sends the whole one again the next day."""
    whole = folder.with_name(order.delivery[:-1] + "2")
    shutil.copytree(folder, whole, dirs_exist_ok=True)
    body = (folder / order.file).read_bytes()
    (folder / order.file).write_bytes(body[: len(body) * 4 // 5])
    _restate(whole, order, delivery=whole.name, corrects=order.delivery)
    office.log(order, id="D14", record=None, column="", rule="delivery.bytes", expect="refuse")
    office.deliveries += 1
    # What was planted in the file is in the corrected delivery.
    office.truth.flush()
    path = Path(office.truth.name)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        if line["dataset"] == order.contract.id and line["delivery"] == order.delivery and line["id"] != "D14":
            line["delivery"] = whole.name
    office.truth.seek(0)
    office.truth.truncate()
    office.truth.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _again(office: Office, order: Order, folder: Path) -> None:
    """The same bytes under another name and number."""
    again = folder.with_name(order.delivery[:-1] + "2")
    shutil.copytree(folder, again, dirs_exist_ok=True)
    name = order.file.replace(".csv", "(1).csv")
    (again / order.file).rename(again / name)
    _restate(again, order, delivery=again.name, file=name)
    office.log(Order(order.contract, again.name, order.period, order.coverage, order.sent_at, name), id="D15", record=None, column="", rule="", expect="repeat")
    office.deliveries += 1


def _restate(folder: Path, order: Order, *, delivery: str, corrects: str | None = None, file: str | None = None) -> None:
    path = folder / "manifest.json"
    body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    body |= {"delivery": delivery, "corrects": corrects, "sent_at": (order.sent_at + timedelta(days=1)).isoformat() + "+08:00"}
    if file:
        body["files"][0]["name"] = file
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), "utf-8")
