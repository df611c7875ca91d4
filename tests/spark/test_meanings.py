"""One reader of meaning: what people and programs write, by type, with the right answer (`meanings.json`:
Java, Oracle, pandas, Excel, yearbooks). `null` is no value; `!` is a value that nobody can read, and so is
never missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from citylake.contract.types import load_types

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("short_text", "code_text")
Answers = dict[tuple[str, str], tuple[str | None, str | None]]


def cells() -> dict[tuple[str, str], str | None]:
    """What is written in a column of a type -> what it means; a later group overrules an earlier one."""
    table = json.loads(Path(__file__).with_name("meanings.json").read_text("utf-8"))
    return {
        (kind, text): right
        for group in table.values()
        for kind in group["types"]
        for text, right in group["means"].items()
    }


@pytest.fixture(scope="module")
def answers(spark: Any) -> Answers:
    """(type, text) -> (clean text, typed value as text)."""
    types, texts = load_types(ROOT), dict[str, list[str]]()
    for kind, text in cells():
        texts.setdefault(kind, []).append(text)
    queries: list[str] = []
    for kind, written in texts.items():
        clean = types[kind].normalise.replace("{v}", "r")
        typed = f"CAST({types[kind].cast.replace('{v}', 'v')} AS STRING)"
        spark.createDataFrame([(w,) for w in written], "r STRING").createOrReplaceTempView(f"written_{kind}")
        queries.append(
            f"SELECT '{kind}' AS kind, r, v, {typed} AS t FROM (SELECT r, {clean} AS v FROM written_{kind})"
        )
    return {(r.kind, r.r): (r.v, r.t) for r in spark.sql(" UNION ALL ".join(queries)).collect()}


def test_every_spelling_has_its_meaning(answers: Answers) -> None:
    assert len(cells()) >= 300
    wrong = [
        (kind, text, right, came)
        for (kind, text), right in cells().items()
        if (came := _came(kind, *answers[kind, text])) != right
    ]
    assert wrong == [], "\n".join(map(str, wrong))


def _came(kind: str, clean: str | None, typed: str | None) -> str | None:
    if typed is None:
        return None if clean is None else "!"
    return typed if kind in WORDS else _plain(typed)


def _plain(text: str) -> str:
    """A decimal without the zeros that its type adds."""
    if not text.lstrip("-").replace(".", "", 1).isdigit() or "." not in text:
        return text
    short = text.rstrip("0").rstrip(".")
    return "0" if short in ("", "-0", "0") else short
