"""What every semantic type makes of the texts of a file's columns, by the SQL that would judge them in the
lake; and what it makes of random texts of the same shapes, so that agreement by chance is known as such.
"""

from __future__ import annotations

import random
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from citylake.compile.select import compile_contract
from citylake.contract.model import Bilingual, Column, Contract, SemanticType
from citylake.core.calendar import BEIJING
from citylake.ingest.decode import bronze_schema

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

TEXTS = 200
"""Different texts of a column that are judged, evenly spaced over the file."""
_CHANCES = 12  # random texts for each shape
_SHAPES = 6  # of a column that are looked at
_TOGETHER = 60  # types in one query
MOMENT = "timestamp"
_NONE = Bilingual("无", "none")


@dataclass(frozen=True)
class Verdict:
    """What a type makes of a text."""

    value: str | None
    refused: bool  # a rule refuses or empties it
    flags: frozenset[str] = frozenset()  # reasons without the column's name

    @property
    def kept(self) -> bool:
        """The text is read as a value."""
        return self.value is not None and not self.refused

    @property
    def absent(self) -> bool:
        """The type reads the text as no value."""
        return self.value is None and not self.refused


@dataclass(frozen=True)
class Fit:
    """How well a type fits a column."""

    type: SemanticType
    kept: float  # share of the texts that stand for a value and are kept
    strange: tuple[str, ...]  # texts that are not kept, most frequent first
    surprise: float  # bits by which the texts fit better than random ones of their shapes


Judged = dict[str, dict[str, Verdict]]
"""Type -> text -> verdict."""


def judge(
    spark: SparkSession, types: Iterable[SemanticType], texts: Iterable[str], like: Contract, root: Path
) -> Judged:
    """Every type over every text. `like`: any contract of the lake, whose columns do not matter."""
    kinds, pool = list(types), sorted(set(texts))
    out: Judged = {}
    for start in range(0, len(kinds), _TOGETHER):
        out |= _judged(spark, kinds[start : start + _TOGETHER], pool, like, root)
    return out


def _judged(
    spark: SparkSession, kinds: list[SemanticType], pool: list[str], like: Contract, root: Path
) -> Judged:
    text = Column("text", _NONE, replace(kinds[0], personal="none"), bronze_only=True)
    copies = (Column(f"c_{k.name}", _NONE, k, derived="text", derived_from=("text",)) for k in kinds)
    contract = replace(like, columns=(text, *copies), row_rules=(), order_by=())
    spark.createDataFrame(_bronze(contract, pool)).createOrReplaceTempView("sample_bronze")  # pyright: ignore[reportArgumentType]
    select = compile_contract(contract, root).select.replace("{bronze}", "sample_bronze")
    values = ", ".join(f"CAST(c_{k.name} AS STRING) AS c_{k.name}" for k in kinds)
    rows = spark.sql(f"SELECT _row_no, {values}, _verdict, _flags FROM ({select})").collect()
    return {k.name: {pool[r["_row_no"]]: _verdict(r, k) for r in rows} for k in kinds}


def _bronze(contract: Contract, pool: list[str]) -> pa.Table:
    """Rows as bronze holds them, delivered today."""
    from datetime import datetime

    known = {
        "_row_no": pa.array(range(len(pool)), pa.int64()),
        "text": pa.array(pool),
        "_sent_at": pa.array([datetime.now(BEIJING).isoformat(timespec="seconds")] * len(pool)),
    }
    schema = bronze_schema(contract)
    return pa.table({f.name: known.get(f.name, pa.nulls(len(pool), f.type)) for f in schema}, schema=schema)


def _verdict(row: Row, kind: SemanticType) -> Verdict:
    mine = f"c_{kind.name}."
    refused = {r.removeprefix(mine) for r in row["_verdict"] if r.startswith(mine)}
    flags = {r.removeprefix(mine) for r in row["_flags"] if r.startswith(mine)}
    emptied = {c.reason for c in kind.checks if c.severity == "blank"} | {"unparsable"}
    value = row[f"c_{kind.name}"]
    return Verdict(value, bool(refused) or (value is None and bool(flags & emptied)), frozenset(flags))


def sampled(cells: list[str]) -> Counter[str]:
    """Different texts of a column with their counts: the most frequent, and others evenly spaced."""
    counted = Counter(c for c in cells if c.strip())
    if len(counted) <= TEXTS:
        return counted
    first = dict(counted.most_common(TEXTS // 2))
    rest = [t for t in counted if t not in first]
    step = max(1, len(rest) // (TEXTS // 2))
    return Counter(first | {t: counted[t] for t in rest[::step][: TEXTS // 2]})


def chances(counted: Mapping[str, int]) -> list[str]:
    """Random texts of the shapes that a column shows: digits for digits, letters for letters of their kind.
    The seed is fixed: a file has one answer.
    """
    draw = random.Random(4711)
    shapes = [s for s, _ in Counter(map(shape, counted)).most_common(_SHAPES)]
    return [_drawn(shape, draw) for shape in shapes for _ in range(_CHANCES)]


def shape(text: str) -> str:
    """A text whose digits are 9, capitals A, other ASCII letters a, Chinese 字; marks stay."""
    return re.sub(
        r"[\u3400-\u9fff]", "字", re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub("[0-9]", "9", text)))
    )


def _drawn(shape: str, draw: random.Random) -> str:
    pools = {"9": string.digits, "A": string.ascii_uppercase, "a": string.ascii_lowercase}
    return "".join(
        chr(draw.randrange(0x4E00, 0x9FA5)) if c == "字" else draw.choice(pools[c]) if c in pools else c
        for c in shape
    )


def fit(kind: SemanticType, counted: Mapping[str, int], judged: Judged, random: Sequence[str]) -> Fit:
    """How well a type fits the texts of a column, and how far that is beyond chance: how well it fits
    random texts of the same shapes.
    """
    said = {t: v for t in counted if not (v := judged[kind.name][t]).absent}
    kept = {t for t in said if _whole(kind, t, judged)}
    strange = sorted((t for t in said if t not in kept), key=lambda t: -counted[t])
    odds = (sum(_whole(kind, t, judged) for t in random) + 1) / (len(random) + 2)
    weight = sum(counted[t] for t in said) or 1
    return Fit(kind, sum(counted[t] for t in kept) / weight, tuple(strange), -len(kept) * log(odds, 2))


def _whole(kind: SemanticType, text: str, judged: Judged) -> bool:
    """A type keeps a text with all that it says: a day keeps no time of the day, a month no day."""
    said = judged[kind.name][text]
    moment = judged[MOMENT][text].value if kind.physical == "DATE" and MOMENT in judged else None
    return said.kept and (moment is None or moment == f"{said.value} 00:00:00")
