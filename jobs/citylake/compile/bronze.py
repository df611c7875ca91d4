"""The columns of a bronze table: text as delivered beside where each row came from."""

from __future__ import annotations

from citylake.contract.model import Contract

RESIDENT_FACTS = ("form", "check", "repaired", "birth_date", "sex_code", "division_code")
MASKED = "_masked"  # the columns out of which something of a person was taken, with commas
# `_receipt` stands first: Delta keeps statistics for the first columns, and a batch is found by them.
BRONZE_LINEAGE = (
    "_receipt",
    "_row_no",
    "_batch_id",
    "_file_id",
    "_line_no",
    "_byte_start",
    "_byte_end",
    "_layout",
    "_period",
    "_coverage",
    "_sent_at",
    "_known_at",
    "_amends",
    "_error",
    MASKED,
)


def bronze_columns(contract: Contract) -> tuple[str, ...]:
    """Names of the text columns of bronze; personal names are dropped, identifiers bring the facts that rules
    need.
    """
    names: list[str] = []
    for column in contract.columns:
        if not column.delivered or column.type.personal == "drop":
            continue
        names.append(column.name)
        if column.type.personal == "resident_id":
            names += [f"{column.name}_{fact}" for fact in RESIDENT_FACTS]
    return tuple(names)


def record_reference(file_id: str, number: int, cell: str | None = None) -> str:
    """How an amended record names the one that it replaces: `<first 12 of the file's
    sha256>:<record>[:<cell>]`.
    """
    return f"{file_id[:12]}:{number}" + (f":{cell}" if cell else "")
