"""One list for each meaning that all readers share: invisible marks, blanks, signs of no value, guards of
spreadsheets, placeholder days. Normalisation steps (`schemas/types/steps.yaml`) name them in double braces,
decoders and the drift reader call the functions.
"""

from __future__ import annotations

import re
import unicodedata

# Characters that take no room on the screen (Unicode 15, general category Cf, but for those of scripts).
INVISIBLE = (
    "".join(
        map(
            chr,
            (
                0xAD,
                0x34F,
                0x61C,
                0x180E,
                *range(0x200B, 0x2010),
                *range(0x202A, 0x202F),
                *range(0x2060, 0x2070),
            ),
        )
    )
    + "\ufeff"
)
BLANKS = "".join(map(chr, (0x09, 0x0A, 0x0D, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029))) + (
    "\u202f\u205f\u3000"
)
LINE_BLANKS = "".join(b for b in BLANKS if b not in "\t\n\r")
# Dashes that stand for a minus or for the sign between the parts of a date.
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63\uff0d"
# What an office, a yearbook or a program writes where it has no value; marks alone, or one of the words.
NO_VALUE_MARKS = "-/／…⋯.—―─–－−"
NO_VALUE_WORDS = (
    *(
        "无",
        "不详",
        "暂无",
        "未知",
        "空",
        "缺",
        "缺测",
        "暂缺",
        "无数据",
        "未填",
        "未填写",
        "未填报",
        "未录入",
    ),
    *("未提供", "未统计", "不适用", "(空)", "(空白)", "(blank)", "N.A.", "<null>", "<NULL>", "[NULL]"),
    *("NULL", "null", "Null", "(null)", "(NULL)", r"\N", "N/A", "n/a", "#N/A", "nan", "NaT", "None", "<NA>"),
)
# What a spreadsheet shows where a formula failed; `#N/A` is also how programs write that there is no value.
ERROR_VALUES = ("#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
# Days that programs write for "none": OLE, SQL Server, .NET, Oracle and our own offices' habits.
PLACEHOLDER_DAYS = ("1899-12-30", "1899-12-31", "1900-01-01", "2099-12-31", "2999-12-31", "9999-12-31")
OPEN_DAYS = PLACEHOLDER_DAYS[3:]
PLACEHOLDER_MOMENTS = ("1970-01-01 00:00:00", "1970-01-01 08:00:00")  # the epoch, unshifted and in Beijing
TRACE = "999990([.]0+)?|[Tt]|微量"  # precipitation too little to measure
_GUARD = re.compile(r'="([^"]*)"')
_QUOTED = re.compile('[\u201c\u201d"](.*)[\u201c\u201d"]')
_POINT = re.compile(r"^([0-9]+)[.]0+$")
_MARKS = str.maketrans("", "", INVISIBLE)
_PLAIN = str.maketrans(dict.fromkeys(BLANKS, " "))
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?|-")


def tidy(text: str) -> str:
    """Text without invisible marks and without blanks around it, and without a formula that only guards it
    (`="007"`).
    """
    clean = text.translate(_MARKS).translate(_PLAIN).strip(" ")
    guarded = _GUARD.fullmatch(clean)
    return guarded[1].strip(" ") if guarded else clean


def shown(text: str) -> str:
    """What a cell shows of a code: tidied, without the marks that only guard it or quote it."""
    clean = tidy(text).lstrip("'\u2018\u2019")
    quoted = _QUOTED.fullmatch(clean)
    return _POINT.sub(r"\1", tidy(quoted[1] if quoted else clean))


def header_key(text: str) -> str:
    """A header text as headers are compared: full-width signs narrowed, no blank and no invisible mark."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", tidy(text)).translate(_MARKS))


def guard(text: str) -> str:
    """A text as a spreadsheet may open it: what it would run as a formula, or what begins with the guard
    itself, gets one apostrophe. A number and a lone `-` need none.
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def unguard(text: str) -> str:
    """The inverse of `guard`: takes off exactly the one apostrophe that it set."""
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def step_constants() -> dict[str, str]:
    """What `{{name}}` stands for in a normalisation step, as the inside of a Spark SQL literal."""
    marks = "|".join(re.escape(w) for w in NO_VALUE_WORDS)
    return {
        "blanks": BLANKS,
        "spaces": " " * len(BLANKS),
        "line_blanks": LINE_BLANKS,
        "line_spaces": " " * len(LINE_BLANKS),
        "invisible": INVISIBLE,
        "dashes": DASHES,
        "hyphens": "-" * len(DASHES),
        "no_value": literal(f"(?:[{NO_VALUE_MARKS}][{NO_VALUE_MARKS} ]*|{marks})"),
        "placeholder_days": ", ".join(f"DATE'{d}'" for d in PLACEHOLDER_DAYS),
        "open_days": literal("|".join(OPEN_DAYS)),
        "error_values": ", ".join(f"'{e}'" for e in ERROR_VALUES),
        "trace": TRACE,
        # Decimals that only binary arithmetic leaves behind (0.30000000000000004); the cast rounds them away.
        "noise": "(?=[0-9.]{16})[0-9]*[.][0-9]*(0{6}|9{6})[0-9]{1,2}$",
        "placeholder_moments": ", ".join(f"TIMESTAMP'{m}'" for m in PLACEHOLDER_MOMENTS),
    }


def literal(pattern: str) -> str:
    """A text as the inside of a Spark SQL literal."""
    return pattern.replace("\\", "\\\\").replace("'", "\\'")
