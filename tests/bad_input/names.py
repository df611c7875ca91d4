"""Kinds 14 to 21: what files are called."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from tests.bad_input.firm import Case, csv, rows

INVALID = "manifest.invalid"


def cases() -> Iterator[Case]:
    """Every variant."""
    body, more = csv(), csv(rows(20)[10:])
    for kind, names in {
        14: {"alone": "..", "parent": "../firm.csv", "inside": "a/../firm.csv"},
        15: {"root": "/firm.csv", "drive": "C:\\firm.csv", "drive_relative": "c:firm.csv"},
        16: {
            "nul": "firm\0.csv",
            "newline": "firm\n.csv",
            "escape": "firm\x1b[2J.csv",
            "delete": "firm\x7f.csv",
        },
        19: {"256_bytes": "a" * 252 + ".csv", "long_chinese": "法" * 90 + ".csv", "beyond_a_key": "a" * 1100},
    }.items():
        for variant, name in names.items():
            yield Case(kind, variant, body, "R", INVALID, name=name)
    for kind, names in {
        17: {"underscore": "_firm.csv", "dot": ".firm.csv", "both": "_.csv"},
        18: {
            "percent": "a%2Ffirm.csv",
            "hash_question": "a#b?.csv",
            "globs": "a {x}[y]*.csv",
            "colon": "法人:沈阳 2016.csv",
        },
        20: {"nfd": unicodedata.normalize("NFD", "é法人.csv"), "full_width": "ｆｉｒｍ.csv"},
    }.items():
        for variant, name in names.items():
            yield Case(kind, variant, body, "N", name=name)
    yield Case(
        20,
        "nfc_and_nfd",
        body,
        "R",
        INVALID,
        name="é.csv",
        others={unicodedata.normalize("NFD", "é.csv"): more},
    )
    yield Case(20, "wide_and_narrow", body, "R", INVALID, name="ａ.csv", others={"a.csv": more})
    yield Case(21, "case_of_stem", body, "N", name="Firm.csv", others={"firm.csv": more})
    yield Case(21, "case_of_ending", body, "N", name="firm.CSV", others={"firm.csv": more})
    yield Case(
        21,
        "same_twice",
        body,
        "R",
        INVALID,
        promised={"entries": [{"name": "firm.csv", "bytes": 1, "sha256": "0" * 64, "records": 1}]},
    )
