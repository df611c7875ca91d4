"""A report of nothing is a delivery where its contract says so: it is received, judged, admitted and counted;
elsewhere it is refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from citylake.contract.load import load_contracts
from citylake.core.calendar import first_day
from citylake.core.settings import ROOT, Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.ledger.batches import batch_state
from citylake.ledger.evidence import events
from citylake.ledger.receipts import dataset_receipts
from citylake.pipeline.lake import open_lake
from citylake.pipeline.steps import decode_dataset, receive_dataset, refine_dataset

from tests.flow.deliveries import write_delivery

CONTRACTS = load_contracts(ROOT)
MAY_BE_EMPTY = sorted(c.id for c in CONTRACTS.values() if c.empty_allowed)
PERIODS = {1.0: "2016-03-14", 7.0: "2016-03-14", 31.0: "2016-03", 366.0: "2016"}


def _header(dataset: str) -> bytes:
    contract = CONTRACTS[dataset]
    layout = next(iter(contract.layouts), "")
    texts = [c.header(layout) for c in contract.layout_columns(layout)]
    return (contract.delimiter.join(texts) + "\r\n").encode(contract.encoding)


def test_offices_that_may_have_nothing_may_say_so() -> None:
    assert {"weather/warning", "court/dishonest_organisation", "environment/hazardous_waste"} <= set(
        MAY_BE_EMPTY
    )


@pytest.mark.parametrize("dataset", MAY_BE_EMPTY)
def test_a_report_of_nothing_is_admitted(lake_settings: Settings, tmp_path: Path, dataset: str) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "zero-reports"}))
    period = PERIODS[CONTRACTS[dataset].frequency_days]
    assert first_day(period).year == 2016
    write_delivery(tmp_path, CONTRACTS[dataset], period, {"无.csv": _header(dataset)}, records=0)
    fetch_folder(lake.store, tmp_path)
    for verb in (receive_dataset, decode_dataset, refine_dataset):
        verb(lake, dataset)
    (receipt,) = dataset_receipts(lake.store, dataset)
    assert (receipt.outcome, receipt.records, receipt.findings) == ("accepted", 0, ())
    assert batch_state(receipt, events(lake.store, dataset)) == "admitted"


def test_elsewhere_a_report_of_nothing_is_refused(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "zero-reports"}))
    dataset = "construction/component"
    write_delivery(tmp_path, CONTRACTS[dataset], "2016-03", {"无.csv": _header(dataset)}, records=0)
    fetch_folder(lake.store, tmp_path)
    (answer,) = receive_dataset(lake, dataset)["receipts"]
    assert [f["rule"] for f in answer["findings"]] == ["delivery.no_records"]
