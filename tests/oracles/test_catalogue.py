"""The catalogue speaks: every column of every released view and safe view bears the comment of its contract,
in Spark's catalogue and in the Delta log.
"""

from __future__ import annotations

from typing import Any

import pytest
from citylake.compile.tables import silver_shape
from citylake.contract.catalogue import column_comment, safe_views, table_comment, tags
from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.names import mart, silver
from citylake.core.settings import ROOT
from citylake.privacy.masking import holds_persons

from tests.oracles.city import City

pytestmark = pytest.mark.slow
CONTRACTS = [c for c in load_contracts(ROOT).values() if c.kind == "mart" or not holds_persons(c)]


def _said(contract: Contract) -> dict[str, str]:
    if contract.kind == "mart":
        return {c.name: column_comment(contract, c) for c in contract.columns}
    return {c.name: c.comment for c in silver_shape(contract).columns}


def _seen(spark: Any, title: str) -> dict[str, str]:
    """Column -> comment as DESCRIBE prints it."""
    rows = spark.sql(f"DESCRIBE {title}").collect()
    return {r.col_name: r.comment for r in rows}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.id)
def test_every_column_speaks(answered: tuple[City, Any], contract: Contract) -> None:
    _, spark = answered
    title = (mart if contract.kind == "mart" else silver)(contract.id).title
    assert _seen(spark, title) == {n: " ".join(t.split()) for n, t in _said(contract).items()}
    for view in safe_views(contract):
        assert _seen(spark, f"{contract.department}.{view.name}") == _seen(spark, title)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.id)
def test_every_view_names_owner_key_and_class(answered: tuple[City, Any], contract: Contract) -> None:
    _, spark = answered
    title = (mart if contract.kind == "mart" else silver)(contract.id).title
    told = {r.col_name: r.data_type for r in spark.sql(f"DESCRIBE EXTENDED {title}").collect()}
    assert told["Comment"] == " ".join(table_comment(contract).split())
    for name, value in tags(contract).items():
        assert f"{name}={value}" in told["View Properties"] + told.get("Table Properties", "")
