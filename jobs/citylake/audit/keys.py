"""The key of a mart row as a person types it, compared by the types of its columns, never as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from citylake.contract.model import Column, Contract
from citylake.core.calendar import BEIJING
from citylake.core.errors import LakeError

EMPTY = ("", "NULL", "null", "None")  # how SQL and Python print a cell without a value
NEAREST, COMPARED = 3, 2000
_WORDS = {"true": True, "false": False, "1": True, "0": False}
EXAMPLES = {
    "DATE": "2016-02-01",
    "TIMESTAMP": "2016-02-01 09:30:00+08:00",
    "BOOLEAN": "true",
    "STRING": "text",
}


def find_rows(contract: Contract, rows: pa.Table, texts: Sequence[str]) -> pa.Table:
    """The rows with a key; LakeError `trace.key` when it is none, `trace.no_row` with the nearest keys when
    no row has it. Moments without a zone are Beijing time; an empty text or NULL is a cell without a value.
    """
    columns = [contract.column(k) for k in contract.keys]
    if len(texts) != len(columns):
        raise LakeError(
            "trace.key",
            f"{contract.id} has the key {described(columns)}; {len(texts)} values were given",
            now="give one value for each column, in this order",
        )
    equal = [_equal(c, rows[c.name], t) for c, t in zip(columns, texts, strict=True)]
    hit = pa.array([True] * rows.num_rows)
    for one in equal:
        hit = pc.and_(hit, one)  # pyright: ignore[reportAttributeAccessIssue]
    found = rows.filter(hit)
    if found.num_rows == 0:
        raise LakeError(
            "trace.no_row",
            f"no row of {contract.id} has the key {' '.join(map(repr, texts))}; its key is"
            f" {described(columns)}{_nearest(columns, rows, texts, equal)}",
            now="copy the key as `citylake sql` prints it",
        )
    return found


def described(columns: Sequence[Column]) -> str:
    """Key columns with their types: `day (DATE), item_code (STRING)`."""
    return ", ".join(f"{c.name} ({c.type.physical})" for c in columns)


def printed(value: object) -> str:
    """A value of a key as `citylake sql` prints it; moments in Beijing time."""
    if value is None:
        return "NULL"
    return str(value.astimezone(BEIJING) if isinstance(value, datetime) else value)


def _equal(column: Column, cells: pa.ChunkedArray, text: str) -> pa.Array:
    """Where the cells hold what the text says."""
    empty = cells.is_null() if text in EMPTY else None
    try:
        value = _value(column.type.physical, text)
        equal = pc.equal(cells, pa.scalar(value, cells.type))  # pyright: ignore[reportAttributeAccessIssue]
        same = equal.fill_null(False)
    except (ValueError, InvalidOperation, pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        if empty is None:
            raise _refused(column, text) from None
        same = empty
    both = same if empty is None else pc.or_(same, empty)  # pyright: ignore[reportAttributeAccessIssue]
    return both.combine_chunks()


def _refused(column: Column, text: str) -> LakeError:
    kind = column.type.physical
    example = EXAMPLES.get(kind, "12.5" if kind.startswith("DECIMAL") else "12")
    return LakeError(
        "trace.key",
        f"'{text}' is no value of the key column {column.name} ({kind})",
        now=f"write it like {example}",
    )


def _value(kind: str, text: str) -> Any:
    if kind == "DATE":
        return _day(text)
    if kind == "TIMESTAMP":
        return _moment(text)
    if kind == "BOOLEAN":
        if text.strip().lower() not in _WORDS:
            raise ValueError(text)
        return _WORDS[text.strip().lower()]
    if kind.startswith("DECIMAL"):
        return Decimal(text)
    if kind in ("BIGINT", "INT", "INTEGER", "SMALLINT"):
        return _whole(Decimal(text))
    return float(text) if kind in ("DOUBLE", "FLOAT") else text


def _whole(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise ValueError(number)
    return int(number)


def _day(text: str) -> date:
    moment = datetime.fromisoformat(text.strip())
    if moment.timetz().replace(tzinfo=None) != time():
        raise ValueError(text)
    return moment.date()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).astimezone(UTC)


def _nearest(
    columns: Sequence[Column], rows: pa.Table, texts: Sequence[str], equal: Sequence[pa.Array]
) -> str:
    """The end of a message: the keys that agree in most columns, and of these the most alike."""
    if rows.num_rows == 0:
        return "; the table has no row"
    score = sum((pc.cast(e, pa.int8()) for e in equal[1:]), pc.cast(equal[0], pa.int8()))
    best = rows.filter(pc.equal(score, pc.max(score)))  # pyright: ignore[reportAttributeAccessIssue]
    keys = best.select([c.name for c in columns]).slice(0, COMPARED).to_pylist()
    asked = " ".join(texts)
    told = [" ".join(f"'{printed(v)}'" for v in k.values()) for k in keys]
    told.sort(key=lambda t: -SequenceMatcher(None, asked, t.replace("'", "")).ratio())
    return f"; nearest: {'; '.join(told[:NEAREST])}"
