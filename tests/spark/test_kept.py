"""A mart is built on from what it kept only where its inputs did nothing but grow; everything else builds it
whole.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from citylake.core.names import kept, silver
from citylake.core.settings import Settings
from citylake.marts.kept import frame
from citylake.pipeline.lake import Lake, open_lake
from citylake.storage.delta import version

DATASET, MART, DDL = "market_regulation/legal_entity", "credit/entity_record", "record_id STRING, name STRING"


@pytest.fixture(scope="module")
def lake(lake_settings: Settings) -> Lake:
    return open_lake(lake_settings.model_copy(update={"lake": f"{lake_settings.lake}-kept"}))


class Built:
    """A mart of one input whose calls are noted; `update` sees what is kept and gives every row that is not
    in it.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake, self.calls = lake, [""]
        self.module = ModuleType("mart")
        self.module.build = self._build  # type: ignore[attr-defined]
        self.module.update = self._update  # type: ignore[attr-defined]

    def _build(self, inputs: Any) -> Any:
        self.calls.append("build")
        return inputs[DATASET]

    def _update(self, inputs: Any, changed: Any, held: Any) -> Any:
        self.calls.append("update")
        assert set(changed) <= set(inputs)
        return inputs[DATASET].exceptAll(held) if changed else held.limit(0)

    def rows(self, code: str = "1") -> tuple[str, list[tuple[str, str]]]:
        """What was called last, and the mart's rows."""
        spark, settings = self.lake.spark, self.lake.settings
        at = {DATASET: str(version(settings, silver(DATASET))), "code": code}
        inputs = {DATASET: spark.read.format("delta").load(silver(DATASET).spark_uri(settings.lake))}
        self.calls.append("")
        found = frame(spark, settings, self.lake.contracts[MART], self.module, inputs, at)
        return self.calls[-1], sorted((r["record_id"], r["name"]) for r in found.collect())


def test_only_growth_is_built_on(lake: Lake) -> None:
    address, mart = silver(DATASET).spark_uri(lake.settings.lake), Built(lake)

    def arrive(*rows: tuple[str, str]) -> None:
        lake.spark.createDataFrame(rows, DDL).write.format("delta").mode("append").save(address)

    arrive(("a", "1"), ("b", "1"))
    assert mart.rows() == ("build", [("a", "1"), ("b", "1")])
    assert mart.rows() == ("", [("a", "1"), ("b", "1")])
    arrive(("c", "1"))
    arrive(("d", "1"))
    assert mart.rows() == ("update", [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")])
    assert mart.rows(code="2") == ("build", [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")])
    lake.spark.sql(f"DELETE FROM delta.`{address}` WHERE record_id = 'a'").collect()
    assert mart.rows(code="2") == ("build", [("b", "1"), ("c", "1"), ("d", "1")])
    arrive(("e", "1"))
    lake.spark.sql(f"DELETE FROM {kept(MART).sql(lake.settings.lake)}").collect()
    assert mart.rows(code="2") == ("build", [("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")])
