"""The header of delimited text against the layouts of its contract: by name, then by order; every difference
is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from citylake.contract.meaning import header_key
from citylake.contract.model import Contract
from citylake.ingest.formats.records import Unreadable
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import foreign, shape

_UNNAMED = re.compile(r"(F[0-9]+)?")
# Columns that `citylake cases export` adds; the first leads back to the quarantined record, the second is for
# people.
RECORD, PROBLEM = "citylake_record", "citylake_problem"
_DELIMITERS = {",": ",", "\t": "TAB", ";": ";", "|": "|", "，": "，", "；": "；", "、": "、", "^": "^"}


@dataclass(frozen=True)
class Header:
    """Where the columns of a layout stand in a file."""

    layout: str
    columns: tuple[str, ...]  # contract columns, or for wide files the leading ones
    positions: tuple[int, ...]
    cells: tuple[tuple[str, int], ...]  # wide files: (header text, position) of every cell column
    unnamed: tuple[int, ...]
    width: int
    amends: int | None  # where an amend file names the record that a row replaces


def match_header(texts: list[str], contract: Contract, name: str, line: int, whole: str) -> Header:
    """The layout whose header texts the file holds in order; `whole` is the header as one text. Unreadable
    otherwise.
    """
    texts = [header_key(t) for t in texts]
    found = {text: i for i, text in enumerate(texts) if text}
    if len(found) < sum(1 for t in texts if t):
        raise Unreadable(twice(contract, next(t for t in texts if t and texts.count(t) > 1), name, line))
    fitting = [h for y in contract.layouts or ("",) if (h := _fits(found, texts, contract, y)) is not None]
    for header in fitting:
        if list(header.positions) == sorted(header.positions):
            return header
    if fitting:
        raise _out_of_order(fitting[0], texts, name, line)
    raise Unreadable(_explain(found, contract, name, line, whole))


def _fits(found: dict[str, int], texts: list[str], contract: Contract, layout: str) -> Header | None:
    wanted = {
        header_key(c.header(layout)): c.name
        for c in contract.layout_columns(layout)
        if not _from_cells(contract, c.name)
    }
    others = [
        t
        for t in found
        if t not in wanted
        and t not in (RECORD, PROBLEM)
        and not _UNNAMED.fullmatch(t)
        and not contract.ignores(t)
    ]
    cells = [t for t in others if contract.unpivot and re.fullmatch(contract.unpivot["header"], t)]
    if not wanted.keys() <= found.keys() or len(cells) < len(others):
        return None
    unnamed = tuple(i for i, text in enumerate(texts) if _UNNAMED.fullmatch(text))
    places = tuple((t, found[t]) for t in cells)
    return Header(
        layout,
        tuple(wanted.values()),
        tuple(found[t] for t in wanted),
        places,
        unnamed,
        len(texts),
        found.get(RECORD),
    )


def _out_of_order(header: Header, texts: list[str], name: str, line: int) -> Unreadable:
    """Columns that changed places may have changed only their headers: a person must look."""
    text = next(texts[b] for a, b in pairwise(header.positions) if b < a)
    zh, en = f"列“{text}”的次序与合约不符", f"the column '{text}' is not in the contract's order"
    return Unreadable(Finding("delivery.header_order", zh, en, name, line, text))


def _from_cells(contract: Contract, column: str) -> bool:
    return contract.unpivot is not None and column in (contract.unpivot["name"], contract.unpivot["value"])


def _explain(found: dict[str, int], contract: Contract, name: str, line: int, whole: str) -> Finding:
    """Another delimiter, or the missing and unknown header texts against the nearest layout."""
    options = [
        {header_key(c.header(y)) for c in contract.layout_columns(y)} for y in contract.layouts or ("",)
    ]
    for sign in _other_delimiters(whole, contract, options):
        zh, en = (
            f"分隔符应为“{_DELIMITERS[contract.delimiter]}”,实为“{sign}”",
            f"the delimiter is {sign}, not {_DELIMITERS[contract.delimiter]}",
        )
        return Finding("delivery.delimiter", zh, en, name, line)
    nearest = max(options, key=lambda o: len(o & found.keys()))
    if not nearest & found.keys():  # a file without header: these are values
        found = {shape(t): i for t, i in found.items()}
    return differing(contract, nearest, found, name, line)


def differing(
    contract: Contract, wanted: Iterable[str], found: Iterable[str], name: str, line: int
) -> Finding:
    """What a header lacks and what it has too much."""
    wanted, found = set(wanted), set(found)
    missing, unknown = sorted(wanted - found), sorted(foreign(contract, t) for t in found - wanted)
    zh = f"表头不符:缺少 {'、'.join(missing) or '无'};多出 {'、'.join(unknown) or '无'}"
    en = f"header differs: missing {', '.join(missing) or 'none'}; unknown {', '.join(unknown) or 'none'}"
    return Finding("delivery.header", zh[:400], en[:400], name, line, next(iter([*missing, *unknown]), ""))


def twice(contract: Contract, text: str, name: str, line: int) -> Finding:
    """Of a header that stands twice nobody can say which column is meant."""
    text = foreign(contract, text)
    zh, en = f"表头“{text}”重复", f"the header '{text}' stands twice"
    return Finding("delivery.header_duplicate", zh, en, name, line, text)


def _other_delimiters(whole: str, contract: Contract, options: list[set[str]]) -> Iterator[str]:
    for sign, told in _DELIMITERS.items():
        texts = {header_key(t.strip(' "')) for t in whole.split(sign)}
        if sign != contract.delimiter and any(len(texts & o) * 2 > len(o) for o in options):
            yield told
