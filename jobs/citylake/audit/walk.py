"""From the keys of some rows back to the input rows behind them, and from input rows on to the rows that they
reach, over the steps of a rewritten build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from itertools import product
from operator import and_, or_
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.audit.builds import Build
from citylake.audit.provenance import Carried, Step, key_of
from citylake.storage.columns import RECEIPT

Key = tuple[Any, ...]
LISTED = 50  # so many values of a column are told one by one to the scan, more by the least and the greatest
FEW = 1000  # rows behind a figure over all rows are told one by one up to so many
_USED = "__used"


@dataclass
class Rows:
    """Rows of a step by key: whether the result was made of them, or only with a look at them."""

    kind: pa.StructType
    used: dict[Key, bool] = field(default_factory=dict)

    def add(self, keys: Sequence[dict[str, Any] | None], *, used: bool) -> None:
        """Take in more keys; once used, always used."""
        for key in keys:
            if key is not None:
                named = tuple(_hashable(v) for v in key.values())
                self.used[named] = used or self.used.get(named, False)

    def merge(self, other: Rows) -> None:
        """Take in the rows of another; once used, always used."""
        for key, used in other.used.items():
            self.used[key] = used or self.used.get(key, False)

    def made_of(self) -> Rows | None:
        """Those that the result was made of; None when there is none."""
        used = {k: True for k, u in self.used.items() if u}
        return Rows(self.kind, used) if used else None

    def table(self, prefix: str = "__w", flag: str = _USED) -> pa.Table:
        """One column per field of the key, and whether it is used."""
        columns = [pa.array([k[i] for k in self.used], f.type) for i, f in enumerate(self.kind)]
        names = [f"{prefix}{i}" for i in range(len(columns))]
        return pa.table([*columns, pa.array(list(self.used.values()), pa.bool_())], [*names, flag])


@dataclass
class Behind:
    """What is behind some rows: keys of input rows by step, the inputs that were read as a whole, and the
    rows themselves.
    """

    rows: dict[Step, Rows] = field(default_factory=dict)
    wholes: set[Step] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)


def behind(build: Build, keys: Sequence[Column], asked: Rows, shown: Sequence[str]) -> Behind:
    """All that is behind the rows of a build whose `keys` were asked for, step by step from the last to the
    first; of the rows themselves the columns `shown`.
    """
    found = Behind()
    rows = F.collect_list(F.struct(*shown)).alias("__asked")
    found.asked = _collect(build.rows, among(build.rows.frame, keys, asked), found, [rows])["__asked"]
    for step in reversed(build.rewriter.steps):
        if step.rows is None or step not in found.rows or not found.rows[step].used:
            continue
        if step.keys:
            _collect(step.rows, among(step.rows.frame, step.keys, found.rows[step]), found)
        else:
            _few_or_whole(step, step.rows, found)
    return found


def _few_or_whole(step: Step, carried: Carried, found: Behind) -> None:
    """The rows of a figure over all rows, when they are few; else what it reads was read as a whole."""
    some = carried.frame.limit(FEW + 1).withColumn(_USED, F.lit(True))
    few = Behind()
    if _collect(carried, some, few, [F.count(F.lit(1)).alias("__count")])["__count"] > FEW:
        _whole(step, found)
        return
    for deeper, rows in few.rows.items():
        found.rows.setdefault(deeper, Rows(rows.kind)).merge(rows)


def _collect(carried: Carried, rows: DataFrame, found: Behind, more: Sequence[Column] = ()) -> dict[str, Any]:
    """Which rows of deeper steps the rows name: one scan, one row of sets."""
    for step in carried.wholes:
        found.rows.setdefault(step, Rows(pa.struct([]))).used[()] = True
    parts = list(product(carried.links.items(), (True, False)))
    sets = [_named(name, link.seen, used).alias(f"{name}_{used}") for (name, link), used in parts]
    told = rows.agg(*sets, *(more or [F.lit(1).alias("__one")])).toArrow()
    for (name, link), used in parts:
        column = told.column(f"{name}_{used}")
        found.rows.setdefault(link.to, Rows(column.type.value_type)).add(column[0].as_py(), used=used)
    return {n: told.column(n)[0].as_py() for n in told.column_names if n.startswith("__") and "from" not in n}


def _named(name: str, seen: bool, used: bool) -> Column:
    """The set of keys in a column of links, of rows that are used or of those that are only seen."""
    counts = F.lit(not used) if seen else F.col(_USED) == used
    return F.collect_set(F.when(counts, F.col(name)))


def among(frame: DataFrame, keys: Sequence[Column], asked: Rows) -> DataFrame:
    """The rows whose keys are asked for (an empty cell equals an empty cell), with `__used`.

    What a column may hold is told by itself too: such a condition goes down to the scan.
    """
    named = [f"__k{i}" for i in range(len(keys))]
    keyed = frame.withColumns(dict(zip(named, keys, strict=True)))
    for i, name in enumerate(named):
        keyed = keyed.where(_holds(F.col(name), {k[i] for k in asked.used}))
    if len(asked.used) == 1:
        return keyed.withColumn(_USED, F.lit(next(iter(asked.used.values()))))
    wanted = F.broadcast(frame.sparkSession.createDataFrame(asked.table()))
    same = reduce(and_, (F.col(n).eqNullSafe(F.col(f"__w{i}")) for i, n in enumerate(named)))
    return keyed.join(wanted, same)


def _holds(column: Column, values: set[Any]) -> Column:
    """Whether a column holds one of the values, or, of many, lies between the least and the greatest."""
    given = [v for v in values if v is not None]
    empty = [column.isNull()] if len(given) < len(values) else []
    if any(isinstance(v, tuple) for v in given):
        return F.lit(True)
    if len(given) <= LISTED:
        some = [column == _literal(v) for v in given]
    else:
        some = [column.between(_literal(min(given)), _literal(max(given)))]
    return reduce(or_, [*some, *empty], F.lit(False))


def _literal(value: Any) -> Column:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return F.lit(str(value)).cast(f"decimal(38,{max(0, -exponent) if isinstance(exponent, int) else 0})")
    return F.lit(value)


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        value = list(value.values())
    return tuple(_hashable(v) for v in value) if isinstance(value, list) else value


def _whole(step: Step, found: Behind) -> None:
    if step.rows is None:
        found.wholes.add(step)
    else:
        for deeper in (*step.rows.wholes, *(k.to for k in step.rows.links.values())):
            _whole(deeper, found)


def restricted(build: Build, found: Behind) -> dict[str, DataFrame]:
    """The inputs of a build with the rows alone that were found; one that was read as a whole stays whole."""
    frames = {}
    for step, carried in build.rewriter.inputs.items():
        name, asked = next(iter(carried.links)), found.rows.get(step)
        columns = [c for c in carried.frame.columns if c != name]
        if step in found.wholes:
            frames[step.name] = carried.frame.select(columns)
        elif asked is None or not asked.used:
            frames[step.name] = carried.frame.select(columns).where("false")
        else:
            keys = [F.col(f"{name}.k{i}") for i in range(len(asked.kind))]
            frames[step.name] = among(carried.frame, keys, asked).select(columns)
    return frames


def named(carried: Carried, receipt: int) -> Rows:
    """The rows of an input that a delivery brought."""
    name = next(iter(carried.links))
    told = carried.frame.where(F.col(RECEIPT) == receipt).agg(F.collect_set(name).alias("keys")).toArrow()
    rows = Rows(told.column("keys").type.value_type)
    rows.add(told.column("keys")[0].as_py(), used=True)
    return rows


def onward(build: Build, hit: dict[Step, Rows], keys: Sequence[Column]) -> tuple[Rows, bool]:
    """The rows of a build that input rows reach, by its keys, and whether a figure over all rows of something
    that they reach stands in it: then every row may depend on them.
    """
    reached = dict(hit)
    for step in build.rewriter.steps:
        rows = _touched(step.rows, step.keys or [F.lit(1)], reached) if step.rows else None
        if rows is not None and rows.used:
            reached[step] = rows
    rows = _touched(build.rows, keys, reached) or Rows(pa.struct([]))
    frames = (build.rows, *(s.rows for s in build.rewriter.steps if s.rows))
    return rows, any(w in reached for frame in frames for w in frame.wholes)


def _touched(carried: Carried, keys: Sequence[Column], reached: dict[Step, Rows]) -> Rows | None:
    """The keys of the rows that name a row reached before; None when none can."""
    links = {n: k for n, k in carried.links.items() if k.to in reached}
    if not links:
        return None
    frame, made, seen = carried.frame, [], []
    for i, (name, link) in enumerate(links.items()):
        rows, flag = reached[link.to], f"__hit{i}"
        wanted = frame.sparkSession.createDataFrame(rows.table(f"__h{i}_", flag))
        same = [F.col(f"{name}.k{j}").eqNullSafe(F.col(f"__h{i}_{j}")) for j in range(len(rows.kind))]
        frame = frame.join(F.broadcast(wanted), reduce(and_, [F.col(name).isNotNull(), *same]), "left")
        made.append(F.lit(False) if link.seen else F.coalesce(F.col(flag), F.lit(False)))
        seen.append(F.col(flag).isNotNull())
    used = reduce(or_, made)
    sets = [
        F.collect_set(F.when(used, key_of(keys))).alias("a"),
        F.collect_set(F.when(~used, key_of(keys))).alias("b"),
    ]
    told = frame.where(reduce(or_, seen)).agg(*sets).toArrow()
    found = Rows(told.column("a").type.value_type)
    for column, flag in (("a", True), ("b", False)):
        found.add(told.column(column)[0].as_py(), used=flag)
    return found
