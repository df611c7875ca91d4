"""Defects as offices make them, planted in single rows; the log of what was done is the only place that
knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from citylake.synthetic.identifiers import org_check, resident_id, with_uscc_check
from citylake.synthetic.world import Row

Expect = Literal[
    "quarantine", "flag", "repair", "refuse", "repeat", "duplicate", "superseded", "spell", "nothing"
]
Change = Callable[[str, Row, Random], str | None]


@dataclass(frozen=True)
class Defect:
    """One kind on one column: what it does to the text (None where it cannot), and what the lake should
    say.
    """

    id: str
    column: str
    rule: str
    expect: Expect
    change: Change


def when(condition: Callable[[str], bool], change: Callable[[str], str]) -> Change:
    return lambda v, row, rng: change(v) if v and condition(v) else None


def always(value: str) -> Change:
    return lambda v, row, rng: value


WIDE = str.maketrans(
    "0123456789ABCDEFGHJKLMNPQRTUWXY", "０１２３４５６７８９ＡＢＣＤＥＦＧＨＪＫＬＭＮＰＱＲＴＵＷＸＹ"
)
full_width = when(lambda v: True, lambda v: v.translate(WIDE))
apostrophe = when(lambda v: True, lambda v: f"'{v}")
dotted_date = when(lambda v: len(v) == 10, lambda v: f"{v[:4]}.{int(v[5:7])}.{int(v[8:])}")
chinese_date = when(lambda v: len(v) == 10, lambda v: f"{v[:4]}年{int(v[5:7])}月{int(v[8:])}日")
letter_o = when(lambda v: "0" in v[2:8], lambda v: v[:2] + v[2:8].replace("0", "O", 1) + v[8:])
hyphen = when(lambda v: len(v) == 9, lambda v: f"{v[:8]}-{v[8]}")
invisible = when(lambda v: len(v) > 4, lambda v: f"{v[:3]}\u200b{v[3:]}")
traditional = when(lambda v: "沈阳" in v, lambda v: v.replace("沈阳", "瀋陽", 1))
half_brackets = when(lambda v: "（" in v, lambda v: v.replace("（", "(").replace("）", ")"))
lost_character = when(lambda v: len(v) > 6, lambda v: f"{v[:4]}?{v[5:]}")


def wrong_check(v: str, row: Row, rng: Random) -> str | None:
    """Another last character."""
    return v[:-1] + ("A" if v[-1] != "A" else "B") if len(v) == 18 else None


def wrong_org_inside(v: str, row: Row, rng: Random) -> str | None:
    """The organisation code fails its own check while the outer check holds."""
    if len(v) != 18:
        return None
    inner = v[8:16] + next(c for c in "123456789" if c != org_check(v[8:16]))
    return with_uscc_check(v[:8] + inner)


def fifteen_digits(v: str, row: Row, rng: Random) -> str | None:
    """The identifier as before 1999."""
    return v[:6] + v[8:17] if v[6:8] == "19" else None


def three_zeros(v: str, row: Row, rng: Random) -> str | None:
    """A spreadsheet kept 15 digits."""
    return v[:-3] + "000" if v[-3:] != "000" and len(v) == 15 else None


def three_zeros_id(v: str, row: Row, rng: Random) -> str | None:
    """The same for an identifier, where the check then fails."""
    wrong = v[:15] + "000"
    total = sum(int(d) * (2 ** (17 - i) % 11) for i, d in enumerate(wrong[:17]))
    return wrong if "10X98765432"[total % 11] != "0" else None


def other_sex(v: str, row: Row, rng: Random) -> str | None:
    """The identifier says otherwise."""
    return {"1": "2", "2": "1"}[v]


def tax_number(v: str, row: Row, rng: Random) -> str | None:
    """The tax number in the column of the credit code; one whose letters show what it is."""
    return row["counterpart_taxpayer_no"] or None


def person(v: str, row: Row, rng: Random) -> str | None:
    """A sole trader's identifier."""
    other = Random(f"{rng.randrange(10**6)}/person/0")
    return resident_id(
        "210102",
        f"{date(1960, 1, 1) + timedelta(days=other.randrange(15000)):%Y%m%d}",
        other.randrange(1, 999),
    )


def person_tax_number(v: str, row: Row, rng: Random) -> str | None:
    """The taxpayer number of a sole trader: the identifier and 00."""
    return f"{person(v, row, rng)}00"


RATES = {"off": 0.0, "normal": 0.03, "heavy": 0.06}
