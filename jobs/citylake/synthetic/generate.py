"""The plan of a city's deliveries: which office sends what, when, and what goes wrong with whole files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from citylake.contract.load import load_contracts
from citylake.core.settings import ROOT
from citylake.synthetic.deliver import Office
from citylake.synthetic.order import Order
from citylake.synthetic.themes import THEMES
from citylake.synthetic.world import Row, World


def generate(
    out: Path,
    *,
    months: int = 2,
    scale: float = 1.0,
    seed: int = 2016,
    defects: Literal["off", "normal", "heavy"] = "normal",
    only: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Write `out/inbox/<department>/<dataset>/<delivery>/` and `out/truth/defects.jsonl`; the same seed gives
    the same bytes.

    `scale` multiplies people, firms, components and cases. Returns the numbers of deliveries, rows and
    planted defects.
    """
    world = World(seed, scale, load_contracts(ROOT))
    kinds = {dataset: planted for theme in THEMES for dataset, planted in theme.DEFECTS.items()}
    (out / "truth").mkdir(parents=True, exist_ok=True)
    with (out / "truth" / "defects.jsonl").open("w+", encoding="utf-8") as truth:
        office = Office(out, seed, defects, truth, kinds)
        for month in months_of(months):
            for order, rows in orders(world, month):
                if not only or order.contract.id in only:
                    _send(office, order, rows)
    return {"deliveries": office.deliveries, "rows": office.rows, "planted": office.planted}


def months_of(count: int) -> list[date]:
    """The first days of so many months from January 2016."""
    return [date(2016 + m // 12, m % 12 + 1, 1) for m in range(count)]


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """What every office sends for a month and the true rows of it, before anything goes wrong."""
    for theme in THEMES:
        yield from theme.orders(world, month)


def _send(office: Office, order: Order, rows: Iterator[Row]) -> None:
    """Deliver, with what goes wrong for a whole file: once cut short in transfer, once sent twice under
    another name.
    """
    folder = office.deliver(order, rows)
    if order.bom:
        office.log(order, id="D03", record=None, column="", rule="", expect="nothing")
    for spell in order.spells:
        office.log(order, record=None, column="value", rule="", expect="spell", **spell)
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
        if (
            line["dataset"] == order.contract.id
            and line["delivery"] == order.delivery
            and line["id"] != "D14"
        ):
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
    office.log(
        Order(order.contract, again.name, order.period, order.coverage, order.sent_at, name),
        id="D15",
        record=None,
        column="",
        rule="",
        expect="repeat",
    )
    office.deliveries += 1


def _restate(
    folder: Path, order: Order, *, delivery: str, corrects: str | None = None, file: str | None = None
) -> None:
    path = folder / "manifest.json"
    body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    body |= {
        "delivery": delivery,
        "corrects": corrects,
        "sent_at": (order.sent_at + timedelta(days=1)).isoformat() + "+08:00",
    }
    if file:
        body["files"][0]["name"] = file
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), "utf-8")
