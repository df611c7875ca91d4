"""Every SQL statement of the analysts' pages runs on the mart tables as their contracts describe them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import load_contracts
from citylake.core.names import mart
from citylake.core.settings import ROOT


def _statements() -> Iterator[tuple[str, str]]:
    for page in sorted((ROOT / "docs" / "analysts").rglob("*.md")):
        for block in re.findall(r"```sql\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            text = "\n".join(line for line in block.splitlines() if not line.startswith("--"))
            yield from ((page.name, s.strip()) for s in text.split(";") if s.strip())


@pytest.fixture(scope="module")
def empty_marts(spark: Any, root: Path) -> None:
    for contract in (c for c in load_contracts(root).values() if c.kind == "mart"):
        title = mart(contract.id).title
        columns = ", ".join(f"CAST(NULL AS {c.type.physical}) AS {c.name}" for c in contract.columns)
        spark.sql(f"CREATE DATABASE IF NOT EXISTS {title.split('.')[0]}").collect()
        spark.sql(f"CREATE OR REPLACE VIEW {title} AS SELECT {columns} WHERE false").collect()


@pytest.mark.parametrize(("page", "statement"), list(_statements()))
def test_a_documented_statement_runs(empty_marts: None, spark: Any, page: str, statement: str) -> None:
    assert spark.sql(statement).columns, page
