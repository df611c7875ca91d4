"""Amounts inside free text, as offices write them in 处罚结果: 罚款人民币2万元, 罚款5,000元整,
罚款人民币壹万伍仟元整.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_DIGITS = ("〇零一壹二贰两三叁四肆五伍六陆七柒八捌九玖", "001122233445566778899")
_BEFORE = "罚款(?:金额)?(?:为|计)?(?:人民币)?[:：]?"
_ARABIC = f"{_BEFORE}([0-9][0-9,]*(?:[.][0-9]+)?)(亿|万)?元"
_CHINESE = f"{_BEFORE}([{_DIGITS[0]}十拾百佰千仟万亿]+)元"


def fine_10k_cny(text: str) -> Column:
    """The first fine that the column `text` states, in 10,000 CNY; NULL where it states none."""
    number = F.expr(
        f"try_cast(replace(nullif(regexp_extract({text}, '{_ARABIC}', 1), ''), ',', '') AS DECIMAL(18,6))"
    )
    unit = F.expr(f"regexp_extract({text}, '{_ARABIC}', 2)")
    scaled = F.when(unit == "亿", number * 10000).when(unit == "万", number).otherwise(number / 10000)
    spelled = F.expr(f"nullif(regexp_extract({text}, '{_CHINESE}', 1), '')")
    return F.coalesce(scaled, _chinese(spelled) / 10000).cast("decimal(18,6)")


def _chinese(numeral: Column) -> Column:
    """The value of a numeral such as 壹万伍仟: digits times units inside a group of four places, groups times
    万 and 亿.
    """
    start = F.expr("named_struct('total', 0L, 'section', 0L, 'digit', 0L)")
    end = F.aggregate(F.regexp_extract_all(numeral, F.lit("(.)"), 1), start, _step)
    return (end["total"] + end["section"] + end["digit"]).cast("decimal(18,0)")


def _step(state: Column, char: Column) -> Column:
    total, section, digit = state["total"], state["section"], state["digit"]
    value = F.translate(char, *_DIGITS).try_cast("bigint")
    small = (
        F.when(char.isin("十", "拾"), 10).when(char.isin("百", "佰"), 100).when(char.isin("千", "仟"), 1000)
    )
    group = section + digit
    zero = F.lit(0).cast("bigint")
    return (
        F.when(value.isNotNull(), _state(total, section, value))
        .when(small.isNotNull(), _state(total, section + F.greatest(digit, F.lit(1)) * small, zero))
        .when(char == "万", _state(total + group * 10000, zero, zero))
        .otherwise(_state((total + group) * 100000000, zero, zero))
    )


def _state(total: Column, section: Column, digit: Column) -> Column:
    parts = {"total": total, "section": section, "digit": digit}
    return F.struct(*[c.cast("bigint").alias(n) for n, c in parts.items()])
