"""Names of organisations as keys: what two offices write differently for one organisation, and what tells two
apart.

The parts of a name follow 企业名称登记管理规定 (2012), article 7: place, brand, trade, form. Districts old
and new and variants of
characters are code lists (`divisions`, `division_aliases`, `name_characters`), read when a plan is made.
"""

from __future__ import annotations

from functools import cache

from citylake.core.codes import load_codes
from citylake.core.settings import load_settings

_FORMS = (
    "(股份有限公司|有限责任公司|有限公司|股份公司|集团公司|集团|公司|总厂|厂|中心|商行|经营部|服务部|经销处|店|部|馆|社|行|坊|"
    "[（(]?个体工商户[）)]?|[（(]?普通合伙[）)]?|[（(]?有限合伙[）)]?)"
)
_BRANCH = "((第?[0-9一二三四五六七八九十]+)?(分公司|分店|分厂|分行|支行|营业部|办事处|分校))$"
_WIDE, _NARROW = (
    "".join(chr(c) for c in range(0xFF10, 0xFF5B)),
    "".join(chr(c - 0xFEE0) for c in range(0xFF10, 0xFF5B)),
)
_SEPARATORS = ' 　（）()﹙﹚[]【】·•.．。,，、-—_"“”'


def whole(x: str) -> str:
    """SQL of a name in one writing: no blanks, brackets and dots, full width, case and variants of characters
    told the same.
    """
    variants = _characters(lost=False)
    same = f"translate({x}, '{_WIDE}{variants[0]}{_SEPARATORS}', '{_quoted(_NARROW)}{variants[1]}')"
    return f"upper({same})"


def core(x: str) -> str:
    """SQL of brand and trade of a whole name: no places, no form, no character that some offices cannot
    write.
    """
    placeless = f"regexp_replace({branchless(x)}, '^{_places()}+', '')"
    bare = f"regexp_replace({placeless}, '{_FORMS}+$', '')"
    return f"translate(regexp_replace({bare}, '{_places()}', ''), '{_characters(lost=True)[0]}', '')"


def branchless(x: str) -> str:
    """SQL of a whole name without the branch at its end."""
    return f"regexp_replace({x}, '{_BRANCH}', '')"


def branch(x: str) -> str:
    """SQL of the branch at the end of a whole name; empty for a head office. A branch is an organisation of
    its own.
    """
    return f"regexp_extract({x}, '{_BRANCH}', 1)"


def district(x: str) -> str:
    """SQL of the code in force of the district that a whole name bears, old or new (东陵区 is 210112); NULL
    where it bears none.
    """
    found = f"nullif(regexp_extract({x}, '({'|'.join(_districts())})', 1), '')"
    return f"element_at({_map(_districts())}, {found})"


def in_force(code: str) -> str:
    """SQL of the division code that a code became (210122 is 210115); any other code as it is."""
    return f"coalesce(element_at({_map(_successors())}, {code}), {code})"


def _map(pairs: dict[str, str]) -> str:
    return "map(" + ", ".join(f"'{k}', '{v}'" for k, v in pairs.items()) + ")"


def _places() -> str:
    return f"(辽宁省|辽宁|沈阳市|沈阳|{'|'.join(_districts())})"


@cache
def _successors() -> dict[str, str]:
    """Old code -> code in force, over every step that lies between."""
    next_of = {
        r["code"]: r["successor_code"]
        for r in _rows("divisions")
        if r["successor_code"] not in ("", r["code"])
    }
    found: dict[str, str] = {}
    for code in next_of:
        last = code
        while last in next_of:
            last = next_of[last]
        found[code] = last
    return found


@cache
def _districts() -> dict[str, str]:
    """Name of a district, of any time or informal -> code in force; longer names first, so that none hides in
    another.
    """
    rows = [r for r in _rows("divisions") if r["kind"] not in ("city", "placeholder")] + _rows(
        "division_aliases"
    )
    named = {
        r["label_zh"]: _successors().get(r["code"], r["code"]) for r in rows if r["label_zh"] != "沈阳市"
    }
    return dict(sorted(named.items(), key=lambda item: (-len(item[0]), item[0])))


@cache
def _characters(*, lost: bool) -> tuple[str, str]:
    """Characters and what they are read as; `lost`: the rare ones and marks in their place, which are read as
    nothing.
    """
    rows = [r for r in _rows("name_characters") if (r["label_zh"] == "") == lost]
    return "".join(r["code"] for r in rows), "".join(r["label_zh"] for r in rows)


def _rows(codes: str) -> list[dict[str, str]]:
    return load_codes(load_settings().root, codes)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
