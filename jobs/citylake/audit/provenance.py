"""Which input rows each row of a frame came from, derived from the plan that Spark itself runs.

A plan is rewritten operator by operator. Operators of one row (select, filter, join, union) carry columns
that name the input rows; an operator of many rows (group, distinct, window, semi join) is a `Step`: its
output carries the key of the group alone, and the rows of a group are found in the step's own input when they
are asked for. So no row carries a set, and a plan grows by as many columns as it has steps. An operator that
is not known here is an error that names it. (Cui and Widom, Tracing the lineage of view data, 2000; Glavic
and Alonso, Perm, 2009.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.connect.proto import Aggregate as Group
from pyspark.sql.connect.proto import Expression, Join, Relation, SetOperation

from citylake.audit.plans import (
    attribute,
    column_of,
    expression_of,
    frame_of,
    is_star,
    looks_at_one_row,
    over,
    relation_of,
    unaliased,
    unknown,
    windows_in,
)

Known = dict[int, "Carried"]  # id of a plan -> what is carried along with it
ONE_ROW = (
    "filter",
    "sort",
    "drop",
    "with_columns_renamed",
    "hint",
    "fill_na",
    "repartition",
    "repartition_by_expression",
)
CONSTANT = ("local_relation", "cached_local_relation", "chunked_cached_local_relation", "range")


@dataclass(frozen=True)
class Link:
    """A column that names rows of a step or of an input; `seen`: the row was made with a look at them."""

    to: Step
    seen: bool = False


@dataclass(eq=False)
class Step:
    """An input, or the rows that an operator of many rows takes in, each with the key of its group."""

    number: int
    name: str
    rows: Carried | None = None  # None: an input
    keys: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Carried:
    """A frame with the columns that name what is behind each row, and the steps read as a whole."""

    frame: DataFrame
    links: Mapping[str, Link] = field(default_factory=dict)
    wholes: frozenset[Step] = frozenset()


class Rewriter:
    """Rewrites the frames of one build; what it has met once it knows again by the id of the plan."""

    def __init__(self, spark: Any) -> None:
        self.spark = spark
        self.steps: list[Step] = []
        self.inputs: dict[Step, Carried] = {}
        self._known: Known = {}
        self._steps_of: dict[tuple[int, str], Step] = {}
        self._names = (f"__from_{i}" for i in itertools.count())

    def input(self, name: str, rows: DataFrame, key: Sequence[Column]) -> DataFrame:
        """The frame of an input as the build reads it; the columns of `key` name its rows."""
        column, step = next(self._names), self._step(name, keys=tuple(key))
        self.inputs[step] = Carried(rows.withColumn(column, key_of(key)), {column: Link(step)})
        return self._shown(self.inputs[step])

    def checkpoint(self, frame: DataFrame) -> DataFrame:
        """A checkpoint of a frame that a build wants in between, with what it carries."""
        carried = self.follow(frame)
        return self._shown(Carried(carried.frame.localCheckpoint(), carried.links, carried.wholes))

    def follow(self, frame: DataFrame) -> Carried:
        """The frame with the columns that name what is behind each of its rows."""
        return self._follow(relation_of(frame))

    def _shown(self, carried: Carried) -> DataFrame:
        """A frame without the carried columns, by which they are found again."""
        frame = carried.frame.drop(*carried.links)
        self._known[relation_of(frame).common.plan_id] = carried
        return frame

    def _step(self, name: str, rows: Carried | None = None, keys: tuple[Column, ...] = ()) -> Step:
        step = Step(len(self.steps), name, rows, keys)
        self.steps.append(step)
        return step

    def _frame(self, relation: Relation) -> DataFrame:
        return frame_of(relation, self.spark)

    def _follow(self, relation: Relation) -> Carried:
        known = self._known.get(relation.common.plan_id)
        if known is not None:
            return self._renamed(known)
        kind = str(relation.WhichOneof("rel_type"))
        if kind in CONSTANT:
            return Carried(self._frame(relation))
        if kind in ONE_ROW:
            return self._one_row(relation, kind)
        rule: Callable[[Relation], Carried] | None = getattr(self, f"_{kind}", None)
        if rule is None:
            raise unknown(kind)
        return rule(relation)

    def _renamed(self, known: Carried) -> Carried:
        """The same under names of its own, so that a frame may be joined with itself."""
        names = {old: next(self._names) for old in known.links}
        frame = known.frame.withColumnsRenamed(names) if names else known.frame
        return Carried(frame, {names[o]: k for o, k in known.links.items()}, known.wholes)

    def _one_row(self, relation: Relation, kind: str) -> Carried:
        body = getattr(relation, kind)
        looks_at_one_row(body, kind)
        below = self._follow(body.input)
        return Carried(self._frame(over(relation, kind, input=below.frame)), below.links, below.wholes)

    def _subquery_alias(self, relation: Relation) -> Carried:
        """The carried columns lose the alias again, so that `alias.*` is what it was."""
        below = self._one_row(relation, "subquery_alias")
        names = {old: next(self._names) for old in below.links}
        bare = below.frame.withColumns({new: F.col(old) for old, new in names.items()}).drop(*names)
        return Carried(
            bare if names else below.frame, {names[o]: k for o, k in below.links.items()}, below.wholes
        )

    def _with_columns(self, relation: Relation) -> Carried:
        below = self._windows(relation, relation.with_columns.input, relation.with_columns.aliases)
        return Carried(
            self._frame(over(relation, "with_columns", input=below.frame)), below.links, below.wholes
        )

    def _project(self, relation: Relation) -> Carried:
        below = self._windows(relation, relation.project.input, relation.project.expressions)
        copy = over(relation, "project", input=below.frame)
        if not any(is_star(e) for e in relation.project.expressions):
            copy.project.expressions.extend(attribute(n) for n in below.links)
        return Carried(self._frame(copy), below.links, below.wholes)

    def _unpivot(self, relation: Relation) -> Carried:
        if not relation.unpivot.HasField("values"):
            raise unknown("unpivot without values")
        below = self._follow(relation.unpivot.input)
        copy = over(relation, "unpivot", input=below.frame)
        copy.unpivot.ids.extend(attribute(n) for n in below.links)
        return Carried(self._frame(copy), below.links, below.wholes)

    def _windows(self, relation: Relation, child: Relation, expressions: Any) -> Carried:
        """The rows below, with the group of each window that the expressions look through."""
        below, links, wholes = self._follow(child), {}, set()
        for window in windows_in(expressions):
            names = window.partition_spec
            step = self._many(relation, "window", child, names)
            if not names:
                wholes.add(step)
            else:
                links[next(self._names)] = step
        frame = below.frame
        if links:
            frame = frame.withColumns({c: key_of(s.keys) for c, s in links.items()})
        seen = {c: Link(s, seen=True) for c, s in links.items()}
        return Carried(frame, {**below.links, **seen}, below.wholes | wholes)

    def _many(self, relation: Relation, name: str, child: Relation, keys: Sequence[Expression]) -> Step:
        """The step of an operator of many rows; one operator read twice is one step."""
        bare = [unaliased(k) for k in keys]
        known = (relation.common.plan_id, name + "".join(k.SerializeToString().hex() for k in bare))
        if known not in self._steps_of:
            rows = self._follow(child)
            self._steps_of[known] = self._step(name, rows=rows, keys=tuple(column_of(k) for k in bare))
        return self._steps_of[known]

    def _aggregate(self, relation: Relation) -> Carried:
        body = relation.aggregate
        if body.group_type != Group.GROUP_TYPE_GROUPBY:
            raise unknown(Group.GroupType.Name(body.group_type))
        looks_at_one_row(body, "a window inside an aggregate")
        step = self._many(relation, "group", body.input, body.grouping_expressions)
        return self._grouped(relation, step)

    def _grouped(self, relation: Relation, step: Step) -> Carried:
        assert step.rows is not None
        copy = over(relation, "aggregate", input=step.rows.frame)
        if not step.keys:
            return Carried(self._frame(copy), {}, frozenset({step}))
        name = next(self._names)
        copy.aggregate.aggregate_expressions.append(expression_of(key_of(step.keys).alias(name), self.spark))
        return Carried(self._frame(copy), {name: Link(step)})

    def _deduplicate(self, relation: Relation) -> Carried:
        """DISTINCT is a group by all columns."""
        body = relation.deduplicate
        if not body.all_columns_as_keys:
            raise unknown("dropDuplicates by some columns")
        grouped = Relation()
        grouped.common.CopyFrom(relation.common)
        grouped.aggregate.input.CopyFrom(body.input)
        grouped.aggregate.group_type = Group.GROUP_TYPE_GROUPBY
        grouped.aggregate.grouping_expressions.extend(attribute(c) for c in self._frame(body.input).columns)
        return self._aggregate(grouped)

    def _join(self, relation: Relation) -> Carried:
        body = relation.join
        looks_at_one_row(body.join_condition, "join")
        if body.join_type == Join.JOIN_TYPE_LEFT_SEMI:
            return self._semi(relation)
        left, right = self._follow(body.left), self._follow(body.right)
        frame = self._frame(over(relation, "join", left=left.frame, right=right.frame))
        if body.join_type == Join.JOIN_TYPE_LEFT_ANTI:
            return Carried(frame, left.links, left.wholes | right.wholes)
        return Carried(frame, {**left.links, **right.links}, left.wholes | right.wholes)

    def _semi(self, relation: Relation) -> Carried:
        """The rows of the right side that let a row of the left one pass are those with its key."""
        body = relation.join
        if not body.using_columns:
            raise unknown("a semi join by a condition")
        left = self._follow(body.left)
        step = self._many(relation, "match", body.right, [attribute(c) for c in body.using_columns])
        name = next(self._names)
        keyed = left.frame.withColumn(name, key_of([F.col(c) for c in body.using_columns]))
        frame = self._frame(over(relation, "join", left=keyed))
        return Carried(frame, {**left.links, name: Link(step)}, left.wholes)

    def _set_op(self, relation: Relation) -> Carried:
        body = relation.set_op
        if body.set_op_type != SetOperation.SET_OP_TYPE_UNION or not body.is_all:
            raise unknown(SetOperation.SetOpType.Name(body.set_op_type))
        left, right = self._follow(body.left_input), self._follow(body.right_input)
        links, wholes = {**left.links, **right.links}, left.wholes | right.wholes
        if body.by_name:
            copy = over(relation, "set_op", left_input=left.frame, right_input=right.frame)
            copy.set_op.allow_missing_columns = True  # the links that the other branch has
            return Carried(self._frame(copy), links, wholes)
        ends = [self._at_the_end(side, links) for side in (left, right)]
        frame = self._frame(over(relation, "set_op", left_input=ends[0], right_input=ends[1]))
        return Carried(frame.withColumnsRenamed({f"{n}_": n for n in links}), links, wholes)

    @staticmethod
    def _at_the_end(carried: Carried, links: Mapping[str, Link]) -> DataFrame:
        """All links as the last columns, empty where the branch has none: a union goes by position."""
        moved = {f"{n}_": F.col(n) if n in carried.links else F.lit(None) for n in links}
        return carried.frame.withColumns(moved).drop(*carried.links)


def key_of(keys: Sequence[Column]) -> Column:
    """The key of a row as one cell."""
    return F.struct(*[k.alias(f"k{i}") for i, k in enumerate(keys)])
