"""A semantic type answers every text: with a value, with none, or with a rule that is broken. None ends the
batch in which a text stands, whatever an office writes.
"""

from __future__ import annotations

from typing import Any

from citylake.contract.load import load_contracts, load_types
from citylake.core.settings import ROOT, Settings
from citylake.onboarding.evidence import chances, judge
from citylake.storage.spark import plan_for

HOSTILE = (
    *(
        "男",
        "12男",
        "4151X",
        "-",
        "--1",
        "+",
        "1.2.3",
        "1e",
        "1E999",
        "-1E-999",
        "NaN",
        "Infinity",
        "9" * 400,
    ),
    *(
        "٣٤",
        "１２",
        "Ⅷ",
        "½",
        "\u200b",
        "\ufeff1",
        "'",
        "''",
        "\\",
        "\\'",
        "%",
        "_",
        "${env:X}",
        "{v}",
        "{t}",
    ),
    *(
        "24:00",
        "2016-02-30",
        "0000-00-00",
        "9999-12-31",
        "2016-13",
        "20160230",
        "1900-01-00",
        "T",
        "Z",
        "+08:00",
    ),
    *("true", "null", "[]", '{"a":', "0x10", "1L", "1D", "1.0BD", "1 2", "1\n2", "1\t2", "a" * 9000, "😀"),
    *(
        "00",
        "0" * 15,
        "0" * 18,
        "9" * 18,
        "91210100MA0ABCDE1X",
        "12345678901234X",
        "54342",
        "210102001001001",
    ),
)
SHAPED = ("91210100MA0ABCDE1X", "2016-03-01 08:00:00", "12.50", "210102", "沈阳市", "A1-b2", "4151", "12331")


def test_no_text_ends_the_batch_it_stands_in(spark: Any, lake_settings: Settings) -> None:
    plan_for(spark, lake_settings, 1)
    types = [t for t in load_types(ROOT).values() if t.personal == "none"]
    pool = [*HOSTILE, *chances(dict.fromkeys(SHAPED, 1))]
    like = load_contracts(ROOT)["weather/station_hourly"]
    judged = judge(spark, types, pool, like, ROOT)
    assert judged.keys() == {t.name for t in types}
    assert all(said.keys() == set(pool) for said in judged.values())
    # A text that is kept in no column and broken in none would be lost without a word.
    marks = {t for said in judged.values() for t, v in said.items() if v.kept or v.refused}
    assert set(pool) - marks <= {"-", "null", "\u200b"}
