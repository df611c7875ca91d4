"""One fault of a contract and its place in the file; what every check of contracts speaks in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from citylake.contract.source import Place, Source


@dataclass(frozen=True)
class Problem:
    """One fault of a contract."""

    file: str
    line: int
    path: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.text}   [{self.rule}]"


def problem(source: Source, place: Place, rule: str, text: str) -> Problem:
    """A fault of a contract at a place of its file."""
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    return Problem(source.path, source.line(place), path or "(top)", rule, text)


def custom(holder: dict[str, Any]) -> dict[str, Any]:
    """The customProperties of a node as a dictionary."""
    return {str(item["property"]): item.get("value") for item in holder.get("customProperties", [])}
