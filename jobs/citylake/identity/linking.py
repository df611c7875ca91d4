"""Which source records are about one organisation: identifiers first, then names with support, then what
people judged.

The links follow from the records and the judgements alone, so a run from nothing gives what twelve monthly
runs give, and taking a
judgement back restores what was there before it.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.identity import names
from citylake.storage.spark import checkpoint

# Support for a link by name, in points: the whole name, a brand and trade that only one organisation bears
# (the registrar refuses
# a second one: 企业名称登记管理规定 2012, article 6), and what the offices agree on. Of homonyms only support
# tells one. A name that is
# merely alike needs the representative and a place beside it.
POINTS = {"whole": 3, "only": 3, "like": 2, "division": 2, "address": 4, "representative": 4}
ENOUGH, ENOUGH_ALIKE, AGAINST_CODE, MARGIN = 3, 8, 7, 2
# Kinds of anchors; united ones take the least, so an organisation with a code keeps it.
BY_CODE, BY_NUMBER, BY_NAME, APART = "1:", "2:", "3:", "4:"
REGISTERS = 3  # the sources up to this trust give identifiers; a code that none of them knows may be mistyped


def link(records: DataFrame, judgements: DataFrame) -> DataFrame:
    """Records with `entity_id`, `method` (own, exact, crosswalk, name, judgement) and `reason`.

    `records` as `identity.records.records` gives them; `judgements`: record_a, record_b, verdict (same,
    not_same, undecided).
    The id of an entity is the record id of its first known record: later records never change it, a merge
    keeps the
    elder's, and every id ever given stays a record that resolves.
    """
    return linked(records, judgements).select(*records.columns, *BY_ELDEST)


# What each step adds to the records before it; a step is a function of these columns and of one group of
# rows.
BY_IDENTIFIER = ("id_anchor", "id_method", "id_reason")
BY_CONFIRMATION = ("confirmed",)
BY_NAMES = ("name_anchor", "name_method", "name_reason")
BY_JUDGEMENT = ("apart", "before", "anchor")
BY_ELDEST = ("entity_id", "method", "reason")


def linked(records: DataFrame, judgements: DataFrame) -> DataFrame:
    """Records with what every step found out about them, save what follows from a record alone;
    `identity.increment` goes on from here.
    """
    # Each step reads the one before several times; without checkpoints the plan, and the work, would double
    # at every step.
    known = checkpoint(by_confirmation(by_identifier(checkpoint(by_keys(records)))))
    return by_eldest(by_judgement(checkpoint(unkeyed(by_name(known))), judgements))


def by_keys(records: DataFrame) -> DataFrame:
    """Adds `keys`, of each name its writings (whole, core, branch, named, division), and `blocks`, within
    which records are compared:
    brand and trade (`n`) and the representative (`r`), also as hashes. One row at a time.
    """
    wholes = f"transform(names, n -> {names.whole('n')})"
    parts = (
        f"w AS whole, {names.core('w')} AS core, {names.branch('w')} AS branch, {names.district('w')} AS"
        " named"
    )
    each = f"transform({wholes}, w -> struct({parts}))"
    placed = (
        f"struct(k.whole, k.core, k.branch, k.named, coalesce({names.in_force('division_code')}, k.named) AS"
        " division)"
    )
    keyed = records.withColumn("keys", F.expr(f"transform(filter({each}, k -> k.core <> ''), k -> {placed})"))
    by_representative = (
        "if(size(keys) > 0 AND representative IS NOT NULL, array(concat('r', representative)), array())"
    )
    blocks = f"array_distinct(concat(transform(keys, k -> {_NAME_BLOCK}), {by_representative}))"
    return keyed.withColumn("blocks", F.expr(blocks)).withColumn(
        "block_hashes", F.expr("transform(blocks, b -> xxhash64(b))")
    )


def unkeyed(records: DataFrame) -> DataFrame:
    """Without the keys and blocks, which a record can be given again; the hashes stay, so that the record can
    be found.
    """
    return records.drop("keys", "blocks")


_NAME_BLOCK = "concat('n', k.core, '|', k.branch)"


_IN_CREDIT_CODE = "CASE WHEN length(uscc) = 18 THEN substr(uscc, 9, 9) END"
_IN_TAXPAYER_NUMBER = (
    "CASE length(taxpayer_no) WHEN 15 THEN substr(taxpayer_no, 7, 9) WHEN 18 THEN substr(taxpayer_no, 9,"
    " 9) END"
)


def organisation_code() -> Column:
    """The organisation code that a record bears: its own, or inside its credit code or taxpayer number
    (domain.md 1.4).
    """
    return F.coalesce(F.expr(_IN_CREDIT_CODE), "org_code", F.expr(_IN_TAXPAYER_NUMBER))


def by_identifier(records: DataFrame) -> DataFrame:
    """Adds `id_anchor`: the organisation code that a record bears or leads to, else its registration number,
    else NULL.

    A registration number leads to the code that the most trusted record with both gives. Looks at records of
    one registration number.
    """
    coded = records.withColumn("_org", organisation_code())
    pairs = coded.where("_org IS NOT NULL AND registration_no IS NOT NULL").groupBy(
        F.col("registration_no").alias("_reg")
    )
    crosswalk = pairs.agg(F.min(F.struct("trust", "source_key", "_org"))["_org"].alias("_led"))
    led = coded.join(crosswalk, F.col("registration_no") == F.col("_reg"), "left")
    org, number = F.coalesce("_org", "_led"), F.col("registration_no")
    given = F.col("org_code").isNotNull() | F.expr(_IN_CREDIT_CODE).isNotNull()
    method = F.when(given, "exact").when(org.isNotNull(), "crosswalk").when(number.isNotNull(), "exact")
    reason = (
        F.when(given, F.concat(F.lit("organisation code "), "_org"))
        .when(
            F.col("_org").isNotNull(), F.concat(F.lit("organisation code in taxpayer number "), "taxpayer_no")
        )
        .when(
            org.isNotNull(),
            F.concat(F.lit("registration number "), number, F.lit(" belongs to organisation code "), "_led"),
        )
        .when(number.isNotNull(), F.concat(F.lit("registration number "), number))
    )
    anchor = F.coalesce(F.concat(F.lit(BY_CODE), org), F.concat(F.lit(BY_NUMBER), number))
    return led.withColumns({"id_anchor": anchor, "id_method": method, "id_reason": reason}).drop(
        "_org", "_reg", "_led"
    )


def by_confirmation(records: DataFrame) -> DataFrame:
    """Adds `confirmed`: a register knows the identifier. Looks at records of one `id_anchor`."""
    trusted = F.min("trust").over(Window.partitionBy("id_anchor")) <= REGISTERS
    return records.withColumn("confirmed", F.col("id_anchor").isNotNull() & trusted)


def by_name(records: DataFrame) -> DataFrame:
    """Records without an identifier that a register knows get as `name_anchor` that of the one organisation
    whose name and support fit.

    A district in both names that is not the same one (old and new names of a district are) tells two
    organisations apart.
    Where nothing fits clearly records keep the identifier they have, or stand alone under their name. Looks
    at confirmed records
    in the blocks of one that is not.
    """
    best = _best(candidates(records))
    alone = F.concat(F.lit(BY_NAME), F.expr(names.whole("name")))
    return (
        records.join(best, "record_id", "left")
        .withColumns(
            {
                "name_method": (
                    F.when(F.col("_anchor").isNotNull(), "name").otherwise(
                        F.coalesce("id_method", F.lit("name"))
                    )
                ),
                "name_reason": F.coalesce(
                    "_why", "id_reason", F.lit("no identifier and no name that fits clearly")
                ),
                "name_anchor": F.coalesce("_anchor", "id_anchor", alone),
            }
        )
        .drop("_anchor", "_why")
    )


def candidates(records: DataFrame) -> DataFrame:
    """The pairs that are compared: each record that no register's identifier leads home beside every
    organisation that bears its brand and
    trade, or has its representative. A record gives a row per name and block.
    """
    lost = _entries(records.where("NOT confirmed")).select(
        "record_id", F.col("id_anchor").alias("anchor"), "_block", *_NAMED, "first_known_on", *_SUPPORT
    )
    return _as_known(lost.join(_profiles(_entries(records.where("confirmed"))), "_block"))


_NAMED = ("_core", "_branch", "_whole", "_named")
_SUPPORT = ("_division", "address", "representative")


def _entries(records: DataFrame) -> DataFrame:
    """A row per name and block of each record."""
    each = records.withColumn("k", F.explode("keys")).withColumns(
        {c: F.col(f"k.{c[1:]}") for c in (*_NAMED, "_division")}
    )
    own = F.filter("blocks", lambda b: b.startswith("r") | (b == F.expr(_NAME_BLOCK)))
    return each.withColumn("_block", F.explode(own))


def _profiles(entries: DataFrame) -> DataFrame:
    """One row per organisation and block with all that can support a link."""
    gathered = [F.collect_set(s).alias(f"{s}_set") for s in ("_whole", "_named", *_SUPPORT)]
    cores = F.collect_set(F.struct(F.col("_core").alias("core"), F.col("_branch").alias("branch"))).alias(
        "_cores"
    )
    return entries.groupBy("_block", F.col("id_anchor").alias("_anchor")).agg(
        F.min("first_known_on").alias("_since"), cores, *gathered
    )


def _as_known(pairs: DataFrame) -> DataFrame:
    """Candidates that were known when the record came, else the first that came after it: a later homonym
    unlinks nothing. Adds `_bearers`.
    """
    per_name = Window.partitionBy("record_id", "_block")
    known = F.greatest("first_known_on", F.min("_since").over(per_name))
    early = pairs.withColumn("_by", known).where("_since <= _by")
    return early.withColumn("_bearers", F.size(F.collect_set("_anchor").over(per_name)))


def _best(pairs: DataFrame) -> DataFrame:
    """Of the candidates of a record the best, where it has enough points and a margin over the next."""
    named = F.col("_block").startswith("n")
    hit = {
        "whole": F.array_contains("_whole_set", F.col("_whole")),
        "only": named & (F.col("_bearers") == 1),
        "like": ~named,
        "division": F.array_contains("_division_set", F.col("_division")),
        "address": F.array_contains("address_set", F.col("address")),
        "representative": F.array_contains("representative_set", F.col("representative")),
    }
    elsewhere = (F.size("_named_set") > 0) & ~F.array_contains("_named_set", F.col("_named"))
    sound = pairs.where(~F.coalesce(elsewhere, F.lit(False)) & (named | F.expr(_LIKE)))
    points = sum((F.when(c, POINTS[n]).otherwise(0) for n, c in hit.items()), start=F.lit(0))
    told = F.concat_ws(", ", *[F.when(c, n) for n, c in hit.items()])
    needed = F.when(~named, ENOUGH_ALIKE).when(F.col("anchor").isNull(), ENOUGH).otherwise(AGAINST_CODE)
    scored = sound.select(
        "record_id", "_anchor", (points - needed).alias("_over"), points.alias("_points"), told.alias("_told")
    )
    each = scored.groupBy("record_id", "_anchor").agg(
        F.max(F.struct("_over", "_points", "_told")).alias("_top")
    )
    order = Window.partitionBy("record_id").orderBy(F.col("_top").desc(), "_anchor")
    ranked = each.withColumns({"_rank": F.row_number().over(order), "_next": F.lead("_top").over(order)})
    clear = F.col("_next").isNull() | (F.col("_top._over") - F.col("_next._over") >= MARGIN)
    why = F.concat(
        F.lit("name fits; agrees on "),
        F.col("_top._told"),
        F.lit(" ("),
        F.col("_top._points"),
        F.lit(" points)"),
    )
    return ranked.where((F.col("_rank") == 1) & (F.col("_top._over") >= 0) & clear).select(
        "record_id", "_anchor", why.alias("_why")
    )


# A name that is part of the other, or differs in less than a third of its characters: short forms and slips
# of the pen.
_LIKE = """exists(_cores, c -> c.branch = _branch AND least(length(c.core), length(_core)) >= 2 AND (
    contains(c.core, _core) OR contains(_core, c.core) OR 3 * levenshtein(c.core, _core) < length(_core)))"""


def by_judgement(records: DataFrame, judgements: DataFrame) -> DataFrame:
    """What people judged outranks every rule: `not_same` takes record_b out of the organisation of record_a,
    then `same` unites anchors.

    Where the rules hold the two apart anyway, `not_same` changes nothing: so to split what was merged
    restores what was before.
    Adds `apart`, `before`, the anchor before any union, and `anchor`. Looks at judged records and those of
    their `name_anchor`.
    """
    judged = _judged(records, judgements)
    apart = F.broadcast(
        judged.select(F.explode("apart").alias("record_id"), F.lit(True).alias("apart")).distinct()
    )
    split = records.join(apart, "record_id", "left").withColumn("apart", F.coalesce("apart", F.lit(False)))
    split = split.withColumn(
        "before", F.when(F.col("apart"), F.concat(F.lit(APART), "record_id")).otherwise(F.col("name_anchor"))
    )
    united = F.broadcast(_united(judged).withColumnRenamed("anchor", "before"))
    return (
        split.join(united, "before", "left").withColumn("anchor", F.coalesce("_into", "before")).drop("_into")
    )


def by_eldest(records: DataFrame) -> DataFrame:
    """Adds `entity_id`, `method` and `reason`. Looks at records of one `anchor`."""
    eldest = F.min(F.struct("first_known_on", "trust", "source_key", "record_id", "before")).over(
        Window.partitionBy("anchor")
    )
    found = records.withColumn("_eldest", eldest).withColumn("entity_id", F.col("_eldest.record_id"))
    own = F.col("entity_id") == F.col("record_id")
    # Of what a judgement united, the records that were not with the eldest before are there by that
    # judgement.
    brought = F.col("before") != F.col("_eldest.before")
    reason = F.when(F.col("apart"), "judged another organisation").otherwise(F.col("name_reason"))
    return found.withColumns(
        {
            "method": (
                F.when(own, "own").when(brought | F.col("apart"), "judgement").otherwise(F.col("name_method"))
            ),
            "reason": F.when(brought, F.concat(F.lit("judged the same; before: "), reason)).otherwise(reason),
        }
    ).drop("_eldest")


def _judged(records: DataFrame, judgements: DataFrame) -> DataFrame:
    """One row, since judgements are made by people: `apart`, the records that leave, and `edges`, the anchors
    (a, b) judged the same.
    """
    sides = F.explode(
        F.array(
            *[F.struct(F.lit(s).alias("side"), F.col(f"record_{s}").alias("record_id")) for s in ("a", "b")]
        )
    )
    named = F.broadcast(
        judgements.select("record_a", "record_b", "verdict", sides.alias("_end")).select("*", "_end.*")
    )
    at = records.select("record_id", F.col("name_anchor").alias("anchor")).join(named, "record_id")
    ends = at.groupBy("record_a", "record_b", "verdict").agg(
        *[F.max(F.when(F.col("side") == s, F.col("anchor"))).alias(s) for s in ("a", "b")]
    )
    every = ends.where("a IS NOT NULL AND b IS NOT NULL").agg(
        F.collect_list(F.struct("record_a", "record_b", "verdict", "a", "b")).alias("judged")
    )
    apart = every.withColumn(
        "apart",
        F.expr("transform(filter(judged, j -> j.verdict = 'not_same' AND j.a = j.b), j -> j.record_b)"),
    )
    end = "if(array_contains(apart, j.record_{s}), concat('" + APART + "', j.record_{s}), j.{s}) AS {s}"
    both = ", ".join(end.format(s=s) for s in ("a", "b"))
    edges = F.expr(f"transform(filter(judged, j -> j.verdict = 'same'), j -> struct({both}))")
    return apart.select("apart", F.array_sort(F.array_distinct(edges)).alias("edges"))


def _united(judged: DataFrame) -> DataFrame:
    """anchor -> _into: the least anchor that judgements connect it with."""
    # Each edge gives the greater of its two labels the smaller one: union by relabelling, as a fold.
    own = (
        "map_from_entries(transform(array_distinct(flatten(transform(edges, e -> array(e.a, e.b)))), n ->"
        " struct(n, n)))"
    )
    fold = (
        "(m, e) -> transform_values(m, (k, v) -> if(v = greatest(m[e.a], m[e.b]), least(m[e.a], m[e.b]), v))"
    )
    return judged.select(F.explode(F.expr(f"aggregate(edges, {own}, {fold})")).alias("anchor", "_into"))
