"""From a released row back to input rows, delivery, file, line and the original text, as the mart's own build
tells it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from citylake.audit.keys import find_rows, printed
from citylake.audit.origins import Origin, code_rows, origins
from citylake.contract.inputs import CODES, LEDGER, MARTS, mart_inputs
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import mart
from citylake.core.settings import Settings
from citylake.release.release import latest
from citylake.storage.delta import open_table
from citylake.storage.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from citylake.audit.builds import Build
    from citylake.audit.walk import Behind, Rows

SAMPLES = 5
WITHHELD = "withheld / 隐去: the figures count persons, so no record behind them is opened"
DIFFERS = (
    "the build gives another row today than was released: the mart's code, a code list or the ledger is"
    " another one now, so what is told here is not what made the released row"
)


@dataclass(frozen=True)
class Lineage:
    """What one build took from one input for the rows that were asked for."""

    mart: str
    input: str
    version: str
    made_from: int
    looked_at: int  # rows that only decided, such as the others in a window
    whole: bool  # read as a whole: a figure over all its rows stands in the row
    why: str  # why no row is told


@dataclass
class Found:
    """What was found so far: lineage by input, records by input and version, marts still to be followed."""

    lineage: list[Lineage] = field(default_factory=list)
    records: dict[tuple[str, str], Rows] = field(default_factory=dict)
    marts: dict[tuple[str, int], Rows] = field(default_factory=dict)
    differs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Tracer:
    """A lake as `trace` reads it."""

    settings: Settings
    store: Store
    contracts: dict[str, Contract]
    spark: Callable[[], SparkSession]

    def trace(self, table: str, key: list[str], shown: int = SAMPLES) -> dict[str, Any]:
        """The row of a released mart table with that key, what each build behind it read for it, and up to
        `shown` records per input.
        """
        contract, (release, version) = self._mart(table), self._pin(table)
        rows = find_rows(contract, _stored(self.settings, contract, version), key)
        row = rows.to_pylist()[0]
        told = {"table": table, "release": release, "row": {k: printed_cell(v) for k, v in row.items()}}
        if contract.suppress_below is not None:
            return {**told, "why": WITHHELD, "inputs": [], "origins": []}
        found = self.behind(contract, version, rows)
        return {**told, **self._told(found, shown)}

    def behind(self, contract: Contract, version: int, rows: pa.Table) -> Found:
        """What is behind rows of a mart's version; marts behind it are followed to their own inputs, each
        once.
        """
        from citylake.audit.walk import Rows, behind

        found, build = Found(), self.build(contract.id, version)
        asked = Rows(pa.struct([rows.schema.field(k) for k in contract.keys]))
        asked.add(rows.select(list(contract.keys)).to_pylist(), used=True)
        seen = behind(build, _columns(contract), asked, [c.name for c in contract.columns])
        self._take(contract, build, seen, found)
        if not _alike(rows.to_pylist(), seen.asked):
            found.differs.append(contract.id)
        while found.marts:
            self._follow(found)
        return found

    def build(self, name: str, version: int) -> Build:
        """The build of a mart's version over frames that name their rows."""
        from citylake.audit.builds import released_build

        return released_build(self.spark(), self.settings, self.store, self.contracts, name, version)

    def again(self, contract: Contract, build: Build, seen: Behind, asked: Rows) -> list[dict[str, Any]]:
        """The asked rows as the build gives them from the rows that were found behind them alone."""
        from citylake.audit.walk import among, restricted
        from citylake.marts.build import load_mart, typed

        rows = typed(load_mart(self.settings.root, contract.id).build(restricted(build, seen)), contract)
        kept = among(rows, _columns(contract), asked).select([c.name for c in contract.columns])
        return kept.toArrow().to_pylist()

    def _follow(self, found: Found) -> None:
        """The mart that reads most of the others first: it is asked once, for all its readers."""
        from citylake.audit.builds import mart_key
        from citylake.audit.walk import behind

        at = max(found.marts, key=lambda m: (self.depth(m[0]), m))
        contract, asked = self.contracts[at[0]], found.marts.pop(at)
        if contract.suppress_below is not None:
            found.lineage.append(Lineage(contract.id, "", str(at[1]), 0, 0, False, WITHHELD))
            return
        build = self.build(contract.id, at[1])
        seen = behind(build, mart_key(contract), asked, list(contract.keys))
        self._take(contract, build, seen, found)
        if len({tuple(map(str, r.values())) for r in seen.asked}) < len(asked.used):
            found.differs.append(contract.id)

    def _take(self, contract: Contract, build: Build, seen: Behind, found: Found) -> None:
        for step in build.rewriter.inputs:
            rows = seen.rows.get(step)
            used = sum(rows.used.values()) if rows else 0
            looked_at = len(rows.used) - used if rows else 0
            whole, version = step in seen.wholes, build.inputs[step.name]
            found.lineage.append(
                Lineage(contract.id, step.name, version, used, looked_at, whole, _why(used, looked_at, whole))
            )
            if rows and rows.used:
                self._pass_on(step.name, version, rows, found)

    @staticmethod
    def _pass_on(name: str, version: str, rows: Rows, found: Found) -> None:
        """Rows of a mart are followed where the result was made of them."""
        if not name.startswith(MARTS):
            found.records.setdefault((name, version), type(rows)(rows.kind)).merge(rows)
        elif (made := rows.made_of()) is not None:
            at = (name.removeprefix(MARTS), int(version))
            found.marts.setdefault(at, type(rows)(rows.kind)).merge(made)

    def _told(self, found: Found, shown: int) -> dict[str, Any]:
        counts = {f"{n}": len(r.used) for (n, _), r in found.records.items()}
        some = {n: f"{min(shown, c)} of {c}{' (--all)' if c > shown else ''}" for n, c in counts.items()}
        return {
            "why": f"{DIFFERS} ({', '.join(found.differs)})" if found.differs else "",
            "inputs": [x.__dict__ for x in found.lineage],
            "shown": some,
            "origins": [o.__dict__ for o in self._origins(found, shown)],
        }

    def _origins(self, found: Found, shown: int) -> Iterator[Origin]:
        for (name, version), rows in sorted(found.records.items(), key=lambda r: r[0]):
            some = dict(sorted(rows.used.items(), key=lambda r: (not r[1], tuple(map(str, r[0]))))[:shown])
            if name.startswith(CODES):
                yield from code_rows(self.settings.root, name, some)
            elif not name.startswith(LEDGER):
                yield from origins(self.settings, self.store, self.contracts, name, int(version), some)

    def depth(self, name: str) -> int:
        """How many marts lie one behind the other below this one."""
        behind = [i for i in mart_inputs(self.settings.root, name) if i.startswith(MARTS)]
        return 1 + max((self.depth(i.removeprefix(MARTS)) for i in behind), default=0)

    def _mart(self, table: str) -> Contract:
        found = next(
            (c for c in self.contracts.values() if c.kind == "mart" and mart(c.id).title == table), None
        )
        if found is None:
            raise LakeError(
                "trace.unknown_table", f"no mart table '{table}'", now="citylake sql 'show views'"
            )
        return found

    def _pin(self, table: str) -> tuple[int, int]:
        """The last release and the version of the table that it shows."""
        release = latest(self.store)
        if table not in release.tables:
            raise LakeError("trace.not_released", f"the last release holds no {table}", now="citylake run")
        return release.number, int(release.tables[table]["version"])


def _why(used: int, looked_at: int, whole: bool) -> str:
    if used or looked_at:
        return ""
    if whole:
        return "read as a whole: a figure over all its rows stands in this row, so no row is told apart"
    return "no row of this input is behind this row"


def _stored(settings: Settings, contract: Contract, version: int) -> pa.Table:
    opened = open_table(settings, mart(contract.id))
    assert opened is not None
    opened.load_as_version(version)
    return opened.to_pyarrow_table()


def _columns(contract: Contract) -> list[Any]:
    from pyspark.sql import functions as F

    return [F.col(k) for k in contract.keys]


def printed_cell(value: Any) -> Any:
    """A cell as `citylake sql` prints it."""
    return value if value is None or isinstance(value, int) else printed(value)


def _alike(stored: list[dict[str, Any]], built: list[dict[str, Any]]) -> bool:
    """Whether the same rows stand in both, in any order."""
    left = list(built)
    for row in stored:
        same = next((r for r in left if all(_same(v, r.get(k)) for k, v in row.items())), None)
        if same is None:
            return False
        left.remove(same)
    return not left


def _same(a: Any, b: Any) -> bool:
    """Floating point may differ in the last digit, as the order of a sum does."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(a) and math.isnan(b))
    return bool(a == b)
