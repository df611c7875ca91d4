"""Delta logs read as plain objects (Delta protocol, section "Delta Log Entries"): which files a version
consists
of, and which may be gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from citylake.ledger.seal import Objects

LOG = "/_delta_log/"


def actions(body: bytes) -> list[dict[str, Any]]:
    """The actions of one log entry; ValueError when it is none."""
    found = [json.loads(line) for line in body.decode().splitlines() if line]
    if not all(isinstance(a, dict) for a in found):
        raise ValueError("an action is no object")
    return found


def log_entries(sizes: Iterable[str], table: str) -> dict[int, str]:
    """Version -> key of a table's log entries."""
    prefix = f"{table}{LOG}"
    names = ((k, k.removeprefix(prefix)) for k in sizes if k.startswith(prefix))
    return {int(n[:-5]): k for k, n in names if n.endswith(".json") and n[:-5].isdigit()}


def needed_files(objects: Objects, sizes: dict[str, int], missing: list[str]) -> Callable[[str], bool]:
    """Whether an object that is gone must be there.

    `kept/` may be deleted at any time. A data file may be gone when its table was vacuumed and neither
    the newest nor
    a released version has it.
    """
    tables = {t for k in missing if LOG not in k and (t := _table_of(k, sizes)) is not None}
    pins = _pins(objects, sizes)
    may_go = {k for t in tables for k in _replaced(objects, sizes, t, pins.get(t, set()))}
    return lambda key: not key.startswith("kept/") and key not in may_go


def _table_of(key: str, sizes: dict[str, int]) -> str | None:
    parts = key.split("/")
    tables = ("/".join(parts[:n]) for n in range(2, len(parts)))
    return next((t for t in tables if any(log_entries(sizes, t))), None)


def _pins(objects: Objects, sizes: dict[str, int]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for key in (k for k in sizes if k.startswith("releases/")):
        try:
            for pin in json.loads(objects.get(key))["tables"].values():
                found.setdefault(pin["key"], set()).add(int(pin["version"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # the manifest itself is a damage of its own
    return found


def _replaced(objects: Objects, sizes: dict[str, int], table: str, pins: set[int]) -> set[str]:
    """Files of a vacuumed table that neither the newest nor a pinned version has."""
    entries, active, needed, ever, vacuumed = (
        log_entries(sizes, table),
        set[str](),
        set[str](),
        set[str](),
        False,
    )
    for version in sorted(entries):
        try:
            done = actions(objects.get(entries[version]))
        except ValueError:
            return set()
        active |= {unquote(a["add"]["path"]) for a in done if "add" in a}
        active -= {unquote(a["remove"]["path"]) for a in done if "remove" in a}
        ever |= active | {unquote(a["cdc"]["path"]) for a in done if "cdc" in a}
        vacuumed |= any(a.get("commitInfo", {}).get("operation") == "VACUUM END" for a in done)
        if version in pins:
            needed |= active
    return {f"{table}/{p}" for p in ever - active - needed} if vacuumed else set()
