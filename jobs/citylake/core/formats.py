"""The shapes of what is written once and read for years: every document bears the number of its format.

A document keeps the bytes that it was written with. Who reads it gets today's shape: the upcasters of its
kind are applied from its own number on, each from one format to the next. A kind is at as many formats as it
has upcasters; format 0 is what was written before documents bore a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from citylake.core.errors import LakeError

Document = dict[str, Any]
Kind = Literal["receipt", "event", "release", "contract", "rules"]
FORMAT = "format_number"


def _receipt_1(old: Document) -> Document:
    """Signatures and replacements came later; a finding had no samples."""
    findings = [{"samples": [], **f} for f in old.get("findings", [])]
    return {"signed_by": "", "replaces": None, **old, "findings": findings}


def _release_1(old: Document) -> Document:
    """No release could be rolled back."""
    return {"restores": None, **old}


def _unchanged(old: Document) -> Document:
    """Only the number is new."""
    return old


UPCASTERS: dict[Kind, tuple[Callable[[Document], Document], ...]] = {
    "receipt": (_receipt_1,),
    "event": (_unchanged,),
    "release": (_release_1,),
    "contract": (_unchanged,),
    "rules": (_unchanged,),
}


def numbered(kind: Kind, document: Document) -> Document:
    """A document as it is written now, with the number of its format."""
    return {FORMAT: len(UPCASTERS[kind]), **document}


def read(kind: Kind, body: bytes) -> Document:
    """A document in today's shape, without its number, whatever format it was written in.

    Errors: LakeError `format.newer` for a format that this code does not know.
    """
    document: Document = json.loads(body)
    number, known = int(document.pop(FORMAT, 0)), len(UPCASTERS[kind])
    if number > known:
        raise LakeError(
            "format.newer",
            f"a {kind} was written in format {number}, this citylake reads up to {known}",
            now="install the citylake that wrote it, or a later one",
        )
    for upcast in UPCASTERS[kind][number:]:
        document = upcast(document)
    return document
