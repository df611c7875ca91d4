"""Which kept records a change can reach at each step of the linking: found in an index of hashes, so that few
rows are read whole.

Every answer here is a bound from above: a row too many costs a little and changes nothing, as a collision of
hashes does; a row too few
would change a result (tests/spark/test_increment.py).
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from citylake.identity import linking as by


def index(kept: DataFrame) -> DataFrame:
    """A few bytes of each record that `linking.linked` gave: its groups as hashes, `confirmed`, and `decided`
    where a judgement moved it.
    """
    groups = [_hash(c).alias(c) for c in ("registration_no", "id_anchor", "name_anchor", "anchor")]
    return kept.select("record_id", "confirmed", _decided().alias("decided"), "block_hashes", *groups)


def identified(index: DataFrame, fresh: DataFrame) -> DataFrame:
    """Ids of fresh records, and of those that share a registration number or an identifier with one, before
    or after.

    Of a record reached by its identifier alone the group by number may be absent, save what counts: the
    record that leads it to that identifier.
    """
    was = same(index, fresh).localCheckpoint()  # read three times
    numbers = _values(fresh.select(_hash("registration_no")), was.select("registration_no"))
    numbered = _share(index, "registration_no", numbers)
    led = F.concat(F.lit(by.BY_CODE), by.organisation_code())
    anchors = _values(fresh.select(_hash(led)), was.select("id_anchor"), numbered.select("id_anchor"))
    return _ids(was, _share(index, "id_anchor", anchors))


def compared(index: DataFrame, moved: DataFrame) -> DataFrame:
    """Ids of unconfirmed records that are compared with a moved confirmed one, and of confirmed ones with
    which they and moved ones are.
    """
    others = rest(index, moved)
    reached = _values(
        *[rows.where("confirmed").select(F.explode("block_hashes")) for rows in (moved, same(index, moved))]
    )
    asking = _in_blocks(others.where("NOT confirmed"), reached).localCheckpoint()  # read twice
    sought = _values(
        *[rows.select(F.explode("block_hashes")) for rows in (asking, moved.where("NOT confirmed"))]
    )
    return _ids(asking, _in_blocks(others.where("confirmed"), sought))


def placed(index: DataFrame, moved: DataFrame, judgements: DataFrame) -> DataFrame:
    """Ids of moved and judged records and all that share a place with one, before or after, and of those that
    a judgement moved.
    """
    once = (
        same(index, moved)
        .union(same(index, _named(judgements)))
        .union(index.where("decided"))
        .localCheckpoint()
    )  # read three times
    places = _values(moved.select(_hash("name_anchor")), once.select("name_anchor"), once.select("anchor"))
    return _ids(once, _share(index, "name_anchor", places))


def same(rows: DataFrame, others: DataFrame) -> DataFrame:
    """The rows of the records that are among the others."""
    return rows.join(F.broadcast(others.select("record_id")), "record_id", "left_semi")


def rest(rows: DataFrame, others: DataFrame) -> DataFrame:
    """The rows of the records that are not among the others."""
    return rows.join(F.broadcast(others.select("record_id")), "record_id", "left_anti")


def _decided() -> Column:
    """Whether a judgement moved a linked record out of the place that the rules gave it."""
    return F.col("apart") | (F.col("anchor") != F.col("name_anchor"))


def _named(judgements: DataFrame) -> DataFrame:
    """Ids of the records that judgements name."""
    return judgements.select(F.explode(F.array("record_a", "record_b")).alias("record_id")).distinct()


def _hash(of: Column | str) -> Column:
    value = F.col(of) if isinstance(of, str) else of
    return F.when(value.isNotNull(), F.xxhash64(value))


def _values(*columns: DataFrame) -> DataFrame:
    return reduce(DataFrame.union, columns).toDF("value").dropna().distinct()


def _ids(*rows: DataFrame) -> DataFrame:
    return reduce(DataFrame.union, [r.select("record_id") for r in rows]).distinct()


def _share(index: DataFrame, group: str, values: DataFrame) -> DataFrame:
    return index.join(F.broadcast(values), F.col(group) == F.col("value"), "left_semi")


def _in_blocks(index: DataFrame, blocks: DataFrame) -> DataFrame:
    """The rows that share a block with one of these; a row may come twice."""
    each = index.select("*", F.explode("block_hashes").alias("value"))
    return each.join(F.broadcast(blocks), "value", "left_semi").drop("value")
