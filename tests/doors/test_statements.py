"""No statement of a reader runs a program, reads a path, writes, or changes what another one sees: by the
prompt, over JDBC, over Spark Connect. What analysts ask is answered by each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from citylake.core.errors import LakeError
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.release.query import ask

from tests.doors.conftest import Told
from tests.doors.jdbc import over_jdbc
from tests.doors.statements import ATTACKS, QUERIES, SUBSTITUTED

COUNT = "select count(*) from asked.t"


def _harmless(came: str, named: dict[str, str]) -> None:
    assert "canary-4711" not in came
    assert not Path(named["out"]).exists()


def test_the_prompt(readers: Any, spark: Any, named: dict[str, str], told: Told) -> None:
    for statement in ATTACKS:
        with pytest.raises(LakeError) as caught:
            ask(readers, statement.format(**named), 10)
        assert caught.value.rule in ("sql.read_only", "sql.wrong", "sql.refused"), statement
        assert "\n" not in caught.value.what, "one line"
        _harmless(str(caught.value), named)
        told("prompt", statement, "refused", "refused")
    assert ask(readers, COUNT, 10).rows == [(5,)], "the server lives, and shows the same"
    assert spark.sql(f"DESCRIBE HISTORY {named['path']}").count() == 2


def test_spark_connect(readers: Any, spark: Any, named: dict[str, str], told: Told) -> None:
    from pyspark.errors import PySparkException

    for statement in ATTACKS:
        with pytest.raises(PySparkException) as caught:
            readers.sql(statement.format(**named)).collect()
        _harmless(str(caught.value), named)
        told("connect", statement, "refused", "refused")
    assert readers.sql(COUNT).collect()[0][0] == 5
    assert spark.sql(f"DESCRIBE HISTORY {named['path']}").count() == 2


def test_jdbc(lake_settings: Settings, spark: Any, named: dict[str, str], told: Told) -> None:
    asked = [*ATTACKS, *QUERIES, COUNT]
    secret = local_secret(lake_settings.state, "reader")
    came = over_jdbc(lake_settings, "citylake", secret, [s.format(**named) for s in asked])
    assert len(came) == len(asked)
    words = ["refused" if c.startswith("ERROR") else "answered" for c in came]
    wanted = ["refused"] * len(ATTACKS) + ["answered"] * (len(QUERIES) + 1)
    for statement, should, did, text in zip(asked, wanted, words, came, strict=True):
        told("jdbc", statement, should, did)
        _harmless(text, named)
    assert words == wanted, [(s, c) for s, w, d, c in zip(asked, wanted, words, came, strict=True) if w != d]
    assert came[-1] == "OK\n5"
    assert spark.sql(f"DESCRIBE HISTORY {named['path']}").count() == 2


def test_what_analysts_ask_is_answered(readers: Any, table: str, told: Told) -> None:
    for statement in QUERIES:
        assert ask(readers, statement.format(t=table), 50).columns, statement
        told("prompt", statement, "answered", "answered")


def test_a_text_names_no_environment(readers: Any) -> None:
    for text in SUBSTITUTED:
        assert ask(readers, f"select '{text}'", 1).rows == [(text,)]
