"""What the catalogue says of a table: comments, tags and safe views, from its contract alone."""

from __future__ import annotations

from dataclasses import replace

from citylake.contract.model import Column, Contract, SafeView

_VERSIONS = ("valid", "known")  # the two times of a table with versions: `<time>_from` is in its key
NOW = "_now"


def column_comment(contract: Contract, column: Column) -> str:
    """Name in Chinese and English, then type with its unit, code list, place in the key and class."""
    told = [f"{column.label.zh} / {column.label.en}"]
    meant = column.type.meaning
    told += [f"{column.type.name}: {meant.zh} {meant.en}" if meant.zh != meant.en else column.type.name]
    told += [f"codes {column.type.codes}"] if column.type.codes else []
    told += [f"key {contract.keys.index(column.name) + 1}"] if column.name in contract.keys else []
    return " | ".join([*told, "required" if column.required else "may be NULL", column.type.classification])


def table_comment(contract: Contract, view: SafeView | None = None) -> str:
    """Title, purpose, grain, limits and owner; of a safe view its condition first."""
    told = [f"{contract.title.zh} / {contract.title.en}"]
    told += [f"only {view.where}"] if view else []
    for text in (contract.purpose, contract.grain, contract.limitations):
        told += [f"{text.zh} / {text.en}"] if text.zh else []
    return " | ".join([*told, f"owner {contract.owner.name} {contract.owner.name_en}".rstrip()])


def tags(contract: Contract) -> dict[str, str]:
    """Tags of a table: contract, owner, key, what its rows are and the class of its most guarded column."""
    classes = sorted({c.type.classification for c in contract.columns})
    return {
        "citylake.contract": f"{contract.id} {contract.version}",
        "citylake.owner": contract.owner.contact,
        "citylake.department": contract.owner.department,
        "citylake.key": " ".join(contract.keys),
        "citylake.kind": contract.kind,
        "citylake.classification": " ".join(classes),
    }


def safe_views(contract: Contract) -> tuple[SafeView, ...]:
    """Views over rows of a mart that can be joined and summed as they are: those that the contract names
    and, of a table with versions, `<table>_now` with the present one of each thing.
    """
    times = [t for t in _VERSIONS if f"{t}_from" in contract.keys]
    present = " AND ".join(f"{t}_to IS NULL" for t in times)
    if not present or contract.kind != "mart":
        return contract.views
    now = [replace(v, where=f"{v.where} AND {present}") for v in contract.views]
    return (*now, SafeView(f"{contract.name}{NOW}", present))
