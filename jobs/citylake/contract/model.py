"""What a department promised, as the rest of the lake sees it: frozen, typed, free of YAML."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from citylake.contract.meaning import header_key

AMEND_SUFFIX = ".amend.csv"
Kind = Literal["register", "event", "observation", "mart"]
Severity = Literal["error", "warning", "info", "blank"]  # blank: a warning, and the value is taken out
Personal = Literal["none", "drop", "token", "resident_id"]


@lru_cache(maxsize=256)
def _header_keys(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(header_key, texts))


@dataclass(frozen=True)
class Bilingual:
    """A text in Chinese and English."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """The text in `zh` or `en`."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Check:
    """A condition of a type that a value must meet; SQL text over `{v}` (normalised text) and `{t}` (typed
    value).
    """

    reason: str
    sql: str
    meaning: Bilingual
    severity: Severity = "error"


@dataclass(frozen=True)
class SemanticType:
    """One meaning for every column that names it: normalisation, cast, rules, bounds, class, mask, source."""

    name: str
    meaning: Bilingual
    logical: str  # ODCS logicalType
    physical: str  # Spark SQL type
    normalise: str  # SQL over {v} (text as delivered) giving clean text or NULL
    cast: str  # SQL over {v} (clean text) giving the typed value or NULL
    shown: str = (
        "{v}"  # SQL over {v} (text as delivered) giving what the cell shows; computed columns read it
    )
    checks: tuple[Check, ...] = ()
    repairs: tuple[
        Check, ...
    ] = ()  # conditions over {raw} and {v} that flag a value changed by normalisation
    expectations: tuple[dict[str, Any], ...] = ()  # GX expectations without column and rule id
    classification: str = "internal"
    personal: Personal = "none"
    source: str = ""
    rounds: bool = False  # the cast keeps fewer decimals than a text may have
    codes: str | None = None  # name of a list under schemas/codes/


@dataclass(frozen=True)
class Column:
    """One column of a contract with all that its type gives it."""

    name: str
    label: Bilingual
    type: SemanticType
    headers: dict[str, str] = field(
        default_factory=dict
    )  # layout -> header text; layout "" serves every other layout
    key: int | None = None
    required: bool = False
    bronze_only: bool = False
    derived: str | None = None  # SQL over bronze text columns and lineage columns
    derived_from: tuple[str, ...] = ()
    start: int | None = None  # fixed width: first byte, from 0
    end: int | None = None  # fixed width: one past the last byte
    valid_on: str | None = (
        None  # SQL date over typed and lineage columns on which the code must have been valid
    )
    meaning: Bilingual | None = None
    missing: str = (
        ""  # SQL over {v} (text as delivered): the contract says that this text stands for no value
    )
    formerly: tuple[str, ...] = ()  # the names that it had in earlier contracts, oldest first

    @property
    def origin(self) -> str:
        """The name under which the column was known first; it stands for the column for good."""
        return self.formerly[0] if self.formerly else self.name

    def header(self, layout: str) -> str:
        """The header text of this column in a layout."""
        return self.headers.get(layout, self.headers.get("", self.name))

    @property
    def delivered(self) -> bool:
        """Whether departments send it (else it is derived)."""
        return self.derived is None


@dataclass(frozen=True)
class RowRule:
    """A condition over the typed columns of one row, by its stable id `<column or table>.<reason>`."""

    id: str
    sql: str  # TRUE (or NULL) where the row is sound
    severity: Severity
    dimension: str
    meaning: Bilingual  # what is wrong with a row that breaks it
    columns: tuple[str, ...] = ()  # those that the condition speaks of


@dataclass(frozen=True)
class Owner:
    """Who answers for a dataset."""

    department: str
    name: str
    contact: str
    name_en: str = ""

    def of(self, language: str) -> str:
        """The name in `zh` or `en`."""
        return self.name if language == "zh" else self.name_en or self.name


@dataclass(frozen=True)
class SafeView:
    """A view over those rows of a mart that may be joined and summed without counting a thing twice."""

    name: str
    where: str  # SQL over columns of the table


@dataclass(frozen=True)
class Contract:
    """One dataset or mart table: what it holds, how it comes, when, and what must hold."""

    id: str  # "<department>/<dataset>" or "<mart>/<table>"
    version: str
    title: Bilingual
    purpose: Bilingual
    limitations: Bilingual
    grain: Bilingual
    kind: Kind
    owner: Owner
    columns: tuple[Column, ...]
    row_rules: tuple[RowRule, ...]  # those written in `quality`; those of types are compiled in contract.sql
    rows_min: int | None
    rows_max: int | None
    format: str = ""  # a key of ingest.decode.FORMATS
    container: str = ""  # gzip or zip around the data file
    preamble: int = 0  # delimited text: lines before the header
    footer: str = ""  # delimited text: how the total row at the end begins
    encoding: str = "utf-8"
    delimiter: str = ","
    layouts: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # layout -> column names in order; {} = one layout
    quarantine_max: float = 0.005
    ended_max: float = 0.05
    superseded_max: float | None = None
    order_by: tuple[str, ...] = ()
    record_bytes: int | None = None
    unpivot: dict[str, str] | None = None
    table: dict[str, Any] | None = None
    records: str | None = (
        None  # JSON: the member that holds the array of records; XML: the name of a row's element
    )
    frequency_days: float = 31.0
    latency_hours: float = 72.0
    unattested: bool = False
    revision: Literal["hold", "append", "replace"] = (
        "hold"  # what other bytes under the name of an accepted delivery are
    )
    ignored: tuple[str, ...] = ()  # header texts of columns that a file may have and nobody reads
    signed: bool = False  # whether manifests must bear the department's signature
    empty_allowed: bool = False  # whether a delivery may hold no record at all
    suppress_below: int | None = None
    reference_day: tuple[str, ...] = ()  # marts: it tells of the last day that all these datasets cover
    views: tuple[SafeView, ...] = ()  # marts: rows that can be summed, beside the whole table
    chart: dict[str, Any] | None = None  # marts: the picture of the table on its page
    path: str = ""  # the YAML file, relative to the root

    @property
    def superseded_bound(self) -> float:
        """The largest share of a batch's rows that others of it may supersede. One row of a key counts, so
        keys that fell together (digits lost in a spreadsheet) show here; an event may be told more than once.
        """
        usual = 0.2 if self.kind == "event" else 0.05
        return usual if self.superseded_max is None else self.superseded_max

    def ignores(self, header: str) -> bool:
        """Whether a file's column is one that the contract leaves alone."""
        return bool(self.ignored) and header_key(header) in _header_keys(self.ignored)

    def of_file(self, name: str, corrects: str | None) -> Contract:
        """The contract for one file of a delivery: amended records come back as CSV, whatever the format of
        the dataset.
        """
        if corrects is None or not name.endswith(AMEND_SUFFIX):
            return self
        return replace(
            self,
            format="csv",
            encoding="utf-8",
            delimiter=",",
            container="",
            preamble=0,
            footer="",
            unpivot=None,
            table=None,
        )

    @property
    def department(self) -> str:
        """The folder of the contract."""
        return self.id.split("/")[0]

    @property
    def name(self) -> str:
        """The file stem of the contract."""
        return self.id.split("/")[1]

    @property
    def keys(self) -> tuple[str, ...]:
        """Key columns in their declared order."""
        ordered = sorted((c for c in self.columns if c.key is not None), key=lambda c: c.key or 0)
        return tuple(c.name for c in ordered)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(c for c in self.columns if c.name == name)

    def layout_columns(self, layout: str) -> tuple[Column, ...]:
        """The delivered columns of a layout in the order of its header ("" = the only layout)."""
        if layout:
            return tuple(self.column(n) for n in self.layouts[layout])
        return tuple(c for c in self.columns if c.delivered)
