"""Whether the register moves as its movements say, by street, district, city and month: stock before + births
+ in - deaths - out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from citylake.marts.history import current
from citylake.marts.population.areas import CITY, in_todays_codes, street_or_unknown
from citylake.marts.population.suppression import shown, withhold

INPUTS = ("civil_affairs/movement", "civil_affairs/resident", "codes/divisions")
FLOWS = ("births", "moved_in", "deaths", "moved_out")
KINDS = {"11": "births", "12": "moved_in", "21": "deaths", "22": "moved_out", "30": "moved_in"}
COUNTED = ("stock_before", *FLOWS, "register_stock", "turnover")
CHECKED_FROM = 1000  # residents expected: below, a single late paper is more than the tolerance


def build(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row per area and month. A movement counts in the month of its registration; a move within the city
    leaves one street and enters another.
    """
    return balance(_streets(inputs))


def balance(streets: DataFrame) -> DataFrame:
    """Streets, districts and the city with what may be shown of each.

    Withheld together: the four flows of an area, since with the stocks they are one equation. They are judged
    with the turnover
    (the smaller of inflow and outflow, summed over streets): where it is small, the change of the stock alone
    would tell the flows.
    """
    districts = _judged(_summed(streets, F.col("district_code"), F.lit(CITY)), ["stat_month"])
    city = _judged(_summed(streets, F.lit(CITY), F.lit(None).cast("string")), ["stat_month"])
    above = districts.select(
        F.col("area_code").alias("parent_code"),
        "stat_month",
        F.col("_stock").alias("_above"),
        F.col("_flows").alias("_flows_above"),
    )
    placed = streets.withColumnsRenamed({"street_code": "area_code", "district_code": "parent_code"}).join(
        above, ["parent_code", "stat_month"]
    )
    judged = _judged(placed, ["parent_code", "stat_month"], F.col("_above"), F.col("_flows_above")).drop(
        "_above", "_flows_above"
    )
    return _published(city.unionByName(districts).unionByName(judged))


def _streets(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Every street in every month of the register, with its stock at the month's end, the one before, its
    flows and its turnover.
    """
    residents = _steps(inputs["civil_affairs/resident"])
    entries = residents.unionByName(_flows(current(inputs["civil_affairs/movement"])))
    entries = in_todays_codes(entries, "street", inputs["codes/divisions"])
    sums = [F.sum(F.when(F.col("measure") == m, F.col("n")).otherwise(0)).alias(m) for m in ("stock", *FLOWS)]
    cells = entries.groupBy("district_code", "street_code", "stat_month").agg(*sums)
    bounds = residents.agg(F.min("stat_month").alias("first"), F.max("stat_month").alias("last"))
    months = F.explode(F.expr("sequence(first, last, INTERVAL 1 MONTH)")).alias("stat_month")
    grid = (
        cells.select("district_code", "street_code")
        .distinct()
        .crossJoin(bounds)
        .select("district_code", "street_code", months)
    )
    dense = grid.join(cells, ["district_code", "street_code", "stat_month"], "left").fillna(0)
    along = Window.partitionBy("street_code").orderBy("stat_month")
    stocked = dense.withColumn("register_stock", F.sum("stock").over(along))
    stocked = stocked.withColumn("stock_before", F.lag("register_stock").over(along))
    turnover = F.least(F.col("births") + F.col("moved_in"), F.col("deaths") + F.col("moved_out")).alias(
        "turnover"
    )
    lived_in = (
        F.col("register_stock")
        + F.coalesce("stock_before", F.lit(0))
        + F.col("births")
        + F.col("moved_in")
        + F.col("deaths")
        + F.col("moved_out")
        > 0
    )
    return stocked.where(lived_in).select(
        "district_code", "street_code", "stat_month", "stock_before", *FLOWS, "register_stock", turnover
    )


def _steps(register: DataFrame) -> DataFrame:
    """Steps of the stock: each version known now adds one to its street when it begins and takes one away
    when it ends.
    """
    alive = register.where("_known_to IS NULL AND cancelled_on IS NULL")
    steps = F.array(
        *[
            F.struct(F.trunc(day, "month").alias("stat_month"), F.lit(n).alias("n"))
            for day, n in (("_valid_from", 1), ("_valid_to", -1))
        ]
    )
    rows = alive.select(street_or_unknown().alias("street"), F.explode(steps).alias("e"))
    return rows.where("e.stat_month IS NOT NULL").select(
        "street", "e.stat_month", F.lit("stock").alias("measure"), "e.n"
    )


def _flows(movements: DataFrame) -> DataFrame:
    """One row per street that a movement touches."""
    measure = F.create_map(*[F.lit(x) for pair in KINDS.items() for x in pair])[F.col("kind_code")]
    entered = F.struct(F.col("street_code").alias("street"), measure.alias("measure"))
    left = F.struct(F.col("from_street_code").alias("street"), F.lit("moved_out").alias("measure"))
    touched = F.explode(F.array_compact(F.array(entered, F.when(F.col("kind_code") == "30", left)))).alias(
        "e"
    )
    return movements.select(F.trunc("registered_on", "month").alias("stat_month"), touched).select(
        "e.street", "stat_month", "e.measure", F.lit(1).alias("n")
    )


def _summed(streets: DataFrame, area: Column, parent: Column) -> DataFrame:
    """The streets of an area together."""
    placed = streets.withColumn("area_code", area).withColumn("parent_code", parent)
    return placed.groupBy("area_code", "parent_code", "stat_month").agg(*[F.sum(c).alias(c) for c in COUNTED])


def _judged(
    areas: DataFrame,
    group: Sequence[str],
    stock_above: Column | None = None,
    flows_above: Column | None = None,
) -> DataFrame:
    """`_stock`, `_before`, `_flows`: what of a row is withheld. A stock is withheld in both months that show
    it.
    """
    stocks = withhold(areas, group, ["register_stock"], ["area_code"], name="_stock", total=stock_above)
    along = Window.partitionBy("area_code").orderBy("stat_month")
    follows = F.lag("stat_month").over(along) == F.add_months("stat_month", -1)
    before = (
        F.when(F.col("stock_before").isNull(), False)
        .when(follows, F.lag("_stock").over(along))
        .otherwise(True)
    )
    told = stocks.withColumn("_before", F.coalesce(before, F.lit(True)))
    hidden = F.col("_stock") | F.col("_before")
    return withhold(
        told, group, [*FLOWS, "turnover"], ["area_code"], name="_flows", also=hidden, total=flows_above
    )


def _published(areas: DataFrame) -> DataFrame:
    stock, before, flows = F.col("_stock"), F.col("_before"), F.col("_flows")
    expected = (
        F.col("stock_before") + F.col("births") + F.col("moved_in") - F.col("deaths") - F.col("moved_out")
    )
    gap = F.col("register_stock") - F.col("expected_stock")
    level = (
        F.when(F.col("area_code") == CITY, "city")
        .when(F.length("area_code") == 6, "district")
        .otherwise("street")
    )
    share = F.when(
        F.col("expected_stock") >= CHECKED_FROM, F.expr("try_divide(1000 * gap, expected_stock)")
    ).cast("bigint")
    rows = (
        areas.withColumn("expected_stock", expected).withColumn("gap", gap).withColumn("gap_permille", share)
    )
    derived = [shown(c, flows) for c in (*FLOWS, "expected_stock", "gap", "gap_permille")]
    return rows.select(
        "area_code",
        level.alias("area_level"),
        "parent_code",
        "stat_month",
        shown("stock_before", before),
        shown("register_stock", stock),
        *derived,
        (F.col("gap") == 0).alias("balanced"),
        stock.alias("stock_withheld"),
        flows.alias("flows_withheld"),
    )
