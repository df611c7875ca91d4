"""The rows of fetched pages as one file: JSON with every number as it was sent, or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from citylake.contract.model import Contract

_WHITE = " \t\r\n,"


_DECODER = json.JSONDecoder()


def write_json(path: Path, bodies: list[Path], contract: Contract) -> None:
    """One document in the shape of the contract; every row keeps its characters, so numbers keep their
    digits.
    """
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(f"{{{json.dumps(contract.records or 'records', ensure_ascii=False)}: [")
        first = True
        for body in bodies:
            for row in _raw_rows(body.read_text("utf-8-sig")):
                handle.write(f"{'' if first else ','}\n{row}")
                first = False
        handle.write("\n]}\n")


def write_csv(path: Path, bodies: list[Path], contract: Contract) -> None:
    """Rows as CSV in the layout whose headers the first row holds; a member that no header names is a further
    column, for verify to refuse.
    """
    rows = [
        row
        for body in bodies
        for row in json.loads(body.read_text("utf-8-sig"), parse_float=str, parse_int=str)["rows"]
    ]
    held = rows[0].keys() if rows and isinstance(rows[0], dict) else set[str]()
    options = [[c.header(y) for c in contract.layout_columns(y)] for y in contract.layouts or ("",)]
    headers = max(options, key=lambda o: len(held & set(o)))
    headers += [h for h in held if h not in headers]
    with path.open("w", encoding=contract.encoding, newline="") as handle:
        out = csv.writer(handle, delimiter=contract.delimiter, lineterminator="\r\n")
        out.writerow(headers)
        out.writerows([row.get(h) if isinstance(row, dict) else None for h in headers] for row in rows)


def _raw_rows(text: str) -> Iterator[str]:
    """The text of each element of `rows`; the page is known to be JSON."""
    at = _after_key(text, "rows")
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)


def _after_key(text: str, wanted: str) -> int:
    """Where the first element of the array of that name begins."""
    at = _skip(text, _skip(text, 0) + 1)
    while True:
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == wanted:
            return _skip(text, at + 1)
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    while text[at] in _WHITE:
        at += 1
    return at
