"""Plans and expressions of Spark Connect as the messages that they are: what stands in them, and whether they
look at other rows than their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql.connect.column import Column as ConnectedColumn
from pyspark.sql.connect.dataframe import DataFrame as Connected
from pyspark.sql.connect.expressions import Expression as Node
from pyspark.sql.connect.plan import LogicalPlan
from pyspark.sql.connect.proto import Expression, Relation

from citylake.core.errors import LakeError

_BEYOND = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|\b(over|select)\b", re.IGNORECASE)


def unknown(what: str) -> LakeError:
    """No answer rather than a wrong one."""
    return LakeError(
        "trace.operator",
        f"the build uses {what}, of which it is not known what rows it looks at",
        now="teach citylake.audit.provenance this operator, or build the table without it",
    )


class _Given(LogicalPlan):
    """A plan that is given as its message."""

    def __init__(self, relation: Relation) -> None:
        super().__init__(None)
        self._relation = relation

    def plan(self, session: Any) -> Relation:
        return self._relation


class _GivenNode(Node):
    """An expression that is given as its message."""

    def __init__(self, expression: Expression) -> None:
        super().__init__()
        self._expression = expression

    def to_plan(self, session: Any) -> Expression:
        return self._expression

    def __repr__(self) -> str:
        return "given"


def over(relation: Relation, kind: str, **inputs: DataFrame) -> Relation:
    """The same operator, with the same id, over other inputs."""
    copy = Relation()
    copy.CopyFrom(relation)
    for name, frame in inputs.items():
        getattr(getattr(copy, kind), name).CopyFrom(relation_of(frame))
    return copy


def frame_of(relation: Relation, spark: Any) -> DataFrame:
    """The frame of a plan."""
    return Connected(_Given(relation), spark)  # pyright: ignore[reportReturnType]


def relation_of(frame: DataFrame) -> Relation:
    """The plan of a frame."""
    made: Any = frame
    return made._plan.plan(made._session.client)


def expression_of(column: Column, spark: Any) -> Expression:
    """The message of a column."""
    made: Any = column
    return made._expr.to_plan(spark.client)


def column_of(expression: Expression) -> Column:
    """A column of a message."""
    return ConnectedColumn(_GivenNode(expression))  # pyright: ignore[reportReturnType]


def attribute(name: str) -> Expression:
    """A column by its name."""
    found = Expression()
    found.unresolved_attribute.unparsed_identifier = f"`{name}`"
    return found


def unaliased(expression: Expression) -> Expression:
    """An expression without the name that it is given."""
    return unaliased(expression.alias.expr) if expression.WhichOneof("expr_type") == "alias" else expression


def is_star(expression: Expression) -> bool:
    """Whether it stands for all columns of the frame; `x.*` stands for those of a struct or of a side."""
    star = expression.WhichOneof("expr_type") == "unresolved_star"
    return star and not expression.unresolved_star.HasField("unparsed_target")


def _messages(message: Any) -> Iterator[Any]:
    """A message and all in it, except other relations."""
    yield message
    for description, value in message.ListFields():
        if description.message_type is None or description.message_type.full_name == "spark.connect.Relation":
            continue
        several = value if not hasattr(value, "ListFields") else [value]
        if hasattr(several, "values") and not isinstance(several, list):
            several = [v for v in several.values() if hasattr(v, "ListFields")]
        for one in several:
            yield from _messages(one)


def windows_in(expressions: Any) -> list[Any]:
    """The windows of expressions; LakeError for what looks at other rows in a way of its own."""
    found = []
    for one in (m for e in expressions for m in _messages(e)):
        name = type(one).__name__
        if name == "Window":
            found.append(one)
        if name == "SubqueryExpression" or (name == "ExpressionString" and _beyond(one.expression)):
            raise unknown("a subquery or a window inside a text of SQL")
    unlike = {tuple(p.SerializeToString() for p in w.partition_spec): w for w in found}
    return list(unlike.values())


def _beyond(sql: str) -> bool:
    return any(m[1] for m in _BEYOND.finditer(sql))


def looks_at_one_row(message: Any, where: str) -> None:
    """LakeError where an expression looks at other rows than its own."""
    if windows_in([message]):
        raise unknown(f"a window in {where}")
