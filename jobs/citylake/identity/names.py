"""Names of organisations as keys: what two offices write differently for one organisation, and what tells two apart."""

from __future__ import annotations

# SQL text over {x}; each step names {x} once. The parts follow 企业名称登记管理规定 (2012), article 7: place, brand, trade, form.
_FORMS = "(股份有限公司|有限责任公司|有限公司|集团公司|集团|公司|厂|中心|店|部|社)"
_DISTRICTS = (
    "和平区", "沈河区", "大东区", "皇姑区", "铁西区", "苏家屯区", "浑南新区", "浑南区", "东陵区", "沈北新区", "新城子区",
    "于洪区", "辽中区", "辽中县", "康平县", "法库县", "新民市", "新民县",
)  # fmt: skip
_PLACES = f"(辽宁省|辽宁|沈阳市|沈阳|{'|'.join(_DISTRICTS)})"
_VARIANTS = ("瀋陽遼寧囗業務廠機電車國區貿發東門華聯興鑫實濟長萬達順鵬龍鳳馬", "沈阳辽宁口业务厂机电车国区贸发东门华联兴鑫实济长万达顺鹏龙凤马")


def whole(x: str) -> str:
    """SQL of a name without blanks, brackets, dots and variants of characters; it keeps place, form and branch."""
    narrow = f"translate({x}, ' 　（）()·.-', '')"
    return f"translate({narrow}, '{_VARIANTS[0]}', '{_VARIANTS[1]}')"


def core(x: str) -> str:
    """SQL of brand and trade: a whole name without its places and without its form."""
    placeless = f"regexp_replace({branchless(x)}, '^{_PLACES}+', '')"
    bare = f"regexp_replace({placeless}, '{_FORMS}+$', '')"
    return f"regexp_replace({bare}, '{_PLACES}', '')"


def branchless(x: str) -> str:
    """SQL of a whole name without the branch at its end."""
    return f"regexp_replace({x}, '(第?[0-9一二三四五六七八九十]+)?(分公司|分店|分厂|营业部|办事处)$', '')"


def branch(x: str) -> str:
    """SQL of the branch at the end of a whole name; empty for a head office. A branch is an organisation of its own."""
    return f"regexp_extract({x}, '((第?[0-9一二三四五六七八九十]+)?(分公司|分店|分厂|营业部|办事处))$', 1)"
