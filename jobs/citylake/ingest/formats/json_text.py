"""JSON as text: its charset, how deep it goes, numbers as they were written, no member said twice."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any

from citylake.ingest.formats.records import Unreadable
from citylake.ingest.limits import DEPTH, DOCUMENT_BYTES
from citylake.ledger.receipts import Finding

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{\]}]')


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


class SaidTwice(ValueError):
    """A key stands twice in one object."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise SaidTwice
    return found


def _constant(text: str) -> Any:
    raise ValueError(text)  # NaN and Infinity are not JSON (RFC 8259, section 6)


DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_Number, parse_int=_Number, parse_constant=_constant
)


def decoded(path: Path, encoding: str) -> tuple[str, int, str]:
    """The text of a document, the bytes of its byte order mark, and the codec of what stands behind it."""
    if path.stat().st_size > DOCUMENT_BYTES:
        raise Unreadable(
            Finding(
                "budget.document_bytes",
                "文件过大",
                f"more than {DOCUMENT_BYTES >> 20} MiB; send JSON lines",
                path.name,
            )
        )
    body = path.read_bytes()
    if not body.strip():
        raise Unreadable(Finding("delivery.empty", "文件为空", "the file is empty", path.name, 1))
    try:
        codec = encoding
        if encoding == "utf-16":
            codec = "utf-16-be" if body.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
        text = body.decode(codec)
        plain = text.removeprefix("\ufeff")
        return plain, len(text[: len(text) - len(plain)].encode(codec)), codec
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        zh, en = (
            f"第{line}行(字节{error.start})不是{encoding}编码",
            f"line {line} (byte {error.start}) is not {encoding}",
        )
        raise Unreadable(Finding("delivery.charset", zh, en, path.name, line)) from None


def check_depth(text: str, name: str, line: int | None = None) -> None:
    """Unreadable for a document that is nested deeper than any sender means it."""
    depth = 0
    for token in _TOKEN.finditer(text):
        sign = token.group()[0]
        depth += 1 if sign in "[{" else -1 if sign in "]}" else 0
        if depth > DEPTH:
            at = line or text.count("\n", 0, token.start()) + 1
            raise Unreadable(
                Finding("budget.depth", f"嵌套超过{DEPTH}层", f"nested more than {DEPTH} deep", name, at)
            )
