"""One value in the ways that people and programs write it. What a value means is read from a plain text here,
without any part of the lake.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

Kind = Literal["day", "moment", "month", "number", "whole", "code", "text", "kept"]
NOTHING = ("", "", " ", "\u3000", "—", "……", "--", "/", "NULL", "N/A", "\\N", "无")
MARKS = ("\u200b", "\u200e", "\ufeff", "\u202c", "\u2060")
WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Spelt:
    """A cell: what it shows, and the same with marks that nobody sees."""

    shown: str
    cell: str


def value_of(kind: Kind, text: str) -> str | Decimal | None:
    """What a plain text means; None for no value."""
    plain = text.strip()
    if not plain:
        return None
    if kind in ("number", "whole"):
        return Decimal(plain)
    if kind == "day":
        return _day(plain).isoformat()
    if kind == "moment":
        return str(_moment(plain))
    return f"{plain}-01" if kind == "month" else plain


def _day(plain: str) -> date:
    return date.fromisoformat(plain.replace("/", "-"))


def _moment(plain: str) -> datetime:
    return datetime.fromisoformat(plain.replace("/", "-"))


def spell(rng: random.Random, kind: Kind, text: str, *, guarded: bool) -> Spelt:
    """One spelling of a plain text; `guarded` where a spreadsheet's guard may stand around it."""
    plain = text.strip()
    if not plain:
        shown = rng.choice(NOTHING)
        return Spelt(shown.strip(), shown)
    shown = plain if rng.random() < 0.4 else _written(rng, kind, plain)
    return Spelt(shown, _marked(rng, shown, guarded=guarded and kind != "kept"))


def _marked(rng: random.Random, shown: str, *, guarded: bool) -> str:
    way = rng.randrange(9)
    if way == 0:
        return rng.choice(MARKS) + shown
    if way == 1:
        at = rng.randrange(len(shown) + 1)
        return shown[:at] + rng.choice(MARKS) + shown[at:]
    if way == 2:
        return rng.choice((" ", "\u3000", "\u00a0", "\t")) + shown + rng.choice(("", " ", "\u3000"))
    if way == 3 and guarded and '"' not in shown:
        return f'="{shown}"'
    return shown


def _written(rng: random.Random, kind: Kind, plain: str) -> str:
    match kind:
        case "day":
            return rng.choice(_days(_day(plain)))
        case "moment":
            return rng.choice(_moments(_moment(plain)))
        case "month":
            year, month = plain.split("-")
            return rng.choice(_months(int(year), int(month)))
        case "number" | "whole":
            return rng.choice(_numbers(plain))
        case "code":
            return rng.choice(_codes(plain))
        case _:
            return plain


def _days(d: date) -> list[str]:
    y, m, n = d.year, d.month, d.day
    week = WEEKDAYS[d.weekday()]
    return [
        f"{y}-{m}-{n}",
        f"{y}/{m}/{n}",
        f"{y}/{m:02d}/{n:02d}",
        f"{y}.{m}.{n}",
        f"{y}{m:02d}{n:02d}",
        f"{y}{m:02d}{n:02d}.0",
        f"{y}年{m}月{n}日",
        f"{y}年{m:02d}月{n:02d}日",
        f"{d} 00:00:00",
        f"{d} 00:00:00.0",
        f"{d}T00:00:00",
        f"{d}T00:00:00+08:00",
        f"{y}/{m}/{n} 0:00",
        f"{y}年{m}月{n}日 星期{week}",
        f"{y}-{m:02d}-{n:02d} 0:00:00",
    ]


def _moments(t: datetime) -> list[str]:
    d, (h, m, s) = t.date(), (t.hour, t.minute, t.second)
    utc = t - timedelta(hours=8)
    half, hour = ("上午", h) if h < 12 else ("下午", h - 12 or 12)
    found = [
        f"{d}T{t.time()}",
        f"{d} {t.time()}.0",
        f"{d}T{t.time()}+08:00",
        f"{d} {t.time()}.000",
        f"{d:%Y/%m/%d} {h}:{m:02d}:{s:02d}",
        f"{d.year}/{d.month}/{d.day} {h}:{m:02d}:{s:02d}",
        f"{d.year}年{d.month}月{d.day}日{h}时{m}分{s}秒",
        f"{t:%Y%m%d%H%M%S}",
        f"{utc.replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}",
    ]
    return [*found, f"{d} {half}{hour}:{m:02d}:{s:02d}"] if h else found


def _months(y: int, m: int) -> list[str]:
    return [
        f"{y}-{m}",
        f"{y}{m:02d}",
        f"{y}/{m:02d}",
        f"{y}/{m}",
        f"{y}年{m}月",
        f"{y}年{m:02d}月",
        f"{y}年{m}月份",
        f"{y}.{m:02d}",
        f"{y}{m:02d}.0",
        f"{y}-{m:02d}-01",
    ]


def _numbers(plain: str) -> list[str]:
    wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
    found = [plain.translate(wide), plain if plain[0] == "-" else f"+{plain}"]
    found.append(plain + "0" if "." in plain else f"{plain}.0")
    if plain.startswith("-"):
        found += ["−" + plain[1:], "－" + plain[1:]]
    whole, point, rest = plain.partition(".")
    if len(whole.lstrip("-")) > 3:
        found += [f"{int(whole):,}{point}{rest}", f"{int(whole):,}{point}{rest}".replace(",", " ")]
    if whole in ("0", "-0") and rest:
        found.append(whole.rstrip("0") + point + rest)
    digits = plain.replace(".", "").lstrip("-0")
    if digits and not rest.endswith("0") and len(digits) <= 12:
        found.append(f"{Decimal(plain):E}".replace("E+0", "E+00"))
    return found


def _codes(plain: str) -> list[str]:
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    found = [plain.translate(wide)]
    if re.fullmatch("[1-9][0-9]{0,13}", plain):
        found += [f"{plain}.0", f"{plain}.00"]
    return found
