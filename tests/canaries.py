"""Canaries: what nobody may find behind landing, in many spellings, and how it looks in stored bytes."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import quote

from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.settings import ROOT
from citylake.synthetic.files import WRITERS, Totals
from citylake.synthetic.generate import months_of, orders
from citylake.synthetic.order import Order
from citylake.synthetic.world import World

IDENTIFIER, OLD, MISTYPED = "210102198803071015", "210102880307101", "210102198803071019"
TELEPHONE, CARD, NAME = "13940017777", "6222081234567898", "诸葛金雀"
CANARIES = {
    "identifier": IDENTIFIER,
    "old identifier": f"证件{OLD}",
    "mistyped": MISTYPED,
    "telephone": TELEPHONE,
    "card": f"卡号{CARD}",
    "name": NAME,
    "beside": f"法定代表人{NAME}（{IDENTIFIER}，{TELEPHONE}）",
    "full width": unicodedata.normalize("NFKC", IDENTIFIER).translate(
        {48 + i: 0xFF10 + i for i in range(10)}
    ),
    "zero width": "\u200b".join(IDENTIFIER),
    "hyphens": "210102-1988-0307-1015",
    "nested": json.dumps([{"经办": NAME, "id": int(IDENTIFIER)}]),
}


def forms(secret: str) -> set[bytes]:
    """What a secret looks like in stored objects: raw, URL, base64 at the three offsets, escaped."""
    raw = secret.encode()
    shifted = (base64.b64encode(b"x" * n + raw)[4 if n else 0 : -4] for n in range(3))
    escaped = "".join(f"\\u{ord(c):04x}" for c in secret)
    wide = (secret.encode("utf-16-le"), secret.encode("gb18030"))
    return {raw, quote(secret).encode(), escaped.encode(), escaped.upper().encode(), *shifted, *wide}


FORMS = set().union(*(forms(s) for s in (IDENTIFIER, OLD, MISTYPED, TELEPHONE, CARD, NAME)))


_BETWEEN = str.maketrans("", "", "\u200b -")


def leaks(body: bytes | str) -> list[bytes]:
    """The canaries in a body, its spelling set aside."""
    raw = body if isinstance(body, bytes) else body.encode()
    text = unicodedata.normalize("NFKC", raw.decode("utf-8", "replace")).translate(_BETWEEN).encode()
    return [f for f in FORMS if f in raw or f in text]


@cache
def contracts() -> dict[str, Contract]:
    return {c.id: c for c in load_contracts(ROOT).values() if c.kind != "mart"}


@cache
def samples() -> dict[str, tuple[Order, list[dict[str, str]]]]:
    """An order of every dataset that the synthetic city sends, and four of its true rows."""
    found: dict[str, tuple[Order, list[dict[str, str]]]] = {}
    world = World(7, 0.02, load_contracts(ROOT))
    for order, rows in orders(world, months_of(1)[0]):
        if order.contract.id not in found and (first := list(islice(rows, 4))):
            found[order.contract.id] = (order, first)
    return found


def written(folder: Path, order: Order, rows: list[dict[str, str]]) -> Path:
    path = folder / "data"
    WRITERS[order.contract.format](path, order, iter(rows), Totals(None, None))
    return path


def with_canaries(
    contract: Contract, rows: list[dict[str, str]], columns: Iterable[str]
) -> list[dict[str, str]]:
    """Rows of which each holds another canary in the same columns. A bare number of eleven digits is a
    figure in a column that counts so high.
    """
    most = [e["kwargs"].get("max_value") for n in columns for e in contract.column(n).type.expectations]
    high = any(isinstance(m, int | float) and m >= 10**10 for m in most)
    told = [c for kind, c in CANARIES.items() if not (high and kind == "telephone")]
    return [{**row, **dict.fromkeys(columns, c)} for row, c in zip(cycle(rows), told, strict=False)]
