"""The layouts of 2016 and 2018 swap two code columns and rename others: every value of every row stands under
its own name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import pytest
from citylake.contract.load import load_contracts
from citylake.ingest.decode import open_file
from citylake.synthetic.deliver import Office
from citylake.synthetic.generate import months_of, orders
from citylake.synthetic.world import World

KINDS = ("development_reform/admin_permit", "development_reform/admin_penalty")


@pytest.mark.parametrize("dataset", KINDS)
def test_both_layouts_are_read_right_on_every_row(root: Path, tmp_path: Path, dataset: str) -> None:
    contract = load_contracts(root)[dataset]
    office, layouts, wrong = (
        Office(tmp_path, 2016, "off", _nowhere(), {}),
        dict[str, int](),
        list[tuple[str, int, str]](),
    )
    for month in months_of(3):
        for order, rows in orders(World(2016, 1.0, load_contracts(root)), month):
            if order.contract.id != dataset:
                continue
            true = list(rows)
            with open_file(office.deliver(order, iter(true)) / order.file, contract) as decoder:
                records = list(decoder)
            names = [c.name for c in contract.layout_columns(order.layout)]
            for row, record in zip(true, records, strict=True):
                read = dict(zip(decoder.columns, record.values, strict=True))
                wrong += [
                    (order.delivery, record.number, n) for n in names if (read[n] or "") != row.get(n, "")
                ]
                layouts[order.layout] = layouts.get(order.layout, 0) + 1
    assert wrong == []
    assert min(layouts.values()) > 100 and set(layouts) == {"layout-2016", "layout-2018"}


def _nowhere() -> TextIO:
    import io

    return io.StringIO()
