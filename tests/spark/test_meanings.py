"""One reader of meaning: what people and programs write, by type, with the right answer. `None` is no value;
`!` is a value that nobody can read, and so is never called missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from citylake.contract.load import load_types

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {  # Java, Oracle, pandas, Excel, yearbooks
    "1130": "1130", "1130.0": "1130", "1130.00": "1130", "+1130": "1130", "-5": "-5", "\u22125": "-5", "－5": "-5",
    "–5": "-5", "1.0E7": "10000000", "1.0000001E7": "10000001", "1e+07": "10000000", "1.2e3": "1200",
    "1,234": "1234", "1,234,567": "1234567", "１，２３４": "1234", "1 234 567": "1234567", "１２": "12",
    " 12 ": "12", "\u300012\u00a0": "12", "12\u200e": "12", "\u202a12\u202c": "12", "\ufeff12": "12",
    '="12"': "12", "'12": "12", "1,23,4": "!", "1234,567": "!", "1E5": "!", "NaN": None, "Infinity": "!",
    "¥100": "!", "100亿元": "!", "0x1F": "!", "12-": "!", "一二": "!", "#DIV/0!": "!",
}  # fmt: skip
DECIMALS = {"12.5": "12.5", ".5": "0.5", "5.": "5", "0.30000000000000004": "0.3", "-0.0": "0"}
WHOLES = {"12.5": "!", "9223372036854775808": "!"}
NOTHING = ("", " ", "\u3000", "…", "……", "——", "—", "--", "---", "...", "/", "///", "-", "－", "–", "\u2212", "无", "不详",
           "暂无", "未知", "NULL", "null", "(null)", r"\N", "N/A", "nan", "NaT", "None", "<NA>", "#N/A", "\u200b",
           "缺测", '=""')  # fmt: skip
DAYS = {
    "2016-03-01": "2016-03-01", "2016-3-1": "2016-03-01", "2016/3/1": "2016-03-01", "2016.3.1": "2016-03-01",
    "20160301": "2016-03-01", "2016年3月1日": "2016-03-01", "2016年03月01日": "2016-03-01", "2016 年 3 月 1 日": "2016-03-01",
    "二〇一六年三月一日": "2016-03-01", "二○一六年十二月三十一日": "2016-12-31", "二〇一六年十月二十日": "2016-10-20",
    "2016年3月1日星期二": "2016-03-01", "2016-03-01 00:00:00": "2016-03-01", "2016-03-01 00:00:00.0": "2016-03-01",
    "2016-03-01T00:00:00": "2016-03-01", "2016-03-01T00:00:00+08:00": "2016-03-01", "2016-02-29T16:00:00Z": "2016-03-01",
    "2016-02-29T16:00:00.000Z": "2016-03-01", "2016/3/1 0:00:00": "2016-03-01", "2016/3/1 0:00": "2016-03-01",
    "2016-03-01 08:30:00": "2016-03-01", "２０１６－０３－０１": "2016-03-01", "'2016-03-01": "2016-03-01", '="2016-03-01"': "2016-03-01",
    "\u200e2016-03-01": "2016-03-01", "2016−03−01": "2016-03-01", "2015-02-29": "!", "2016-13-01": "!", "0000-00-00": "!",
    "16-02-03": "!", "03/02/2016": "!", "42404": "!", "42404.0": "!", "01-3月-16": "!", "2016年3月": "!", "2016": "!", "60": "!",
    "2016-00-00": "!", "2016-3-32": "!", "20161301": "!", "1456761600": "!",
}  # fmt: skip
MOMENTS = {
    "2016-02-01 08:00:00": "2016-02-01 08:00:00", "2016-02-01 24:00:00": "2016-02-02 00:00:00", "2016-02-29 24:00": "2016-03-01 00:00:00",
    "2016-2-1 8:00": "2016-02-01 08:00:00", "2016/2/1 8:05": "2016-02-01 08:05:00", "2016/2/1 下午 3:05:00": "2016-02-01 15:05:00",
    "2016-02-01 下午 03:05": "2016-02-01 15:05:00", "2016-02-01 下午3:05": "2016-02-01 15:05:00", "2016-02-01 上午 12:05": "2016-02-01 00:05:00",
    "2016-02-01 下午 12:05": "2016-02-01 12:05:00", "2016-02-01 下午 15:05": "2016-02-01 15:05:00", "2016-02-01 上午 0:05": "2016-02-01 00:05:00",
    "2016-02-01 晚上 8:05": "2016-02-01 20:05:00", "2016-02-01 凌晨 3:05": "2016-02-01 03:05:00", "2016/2/1 3:05:00 PM": "2016-02-01 15:05:00",
    "2016/2/1 3:05 pm": "2016-02-01 15:05:00", "2016/2/1 12:00:00AM": "2016-02-01 00:00:00",
    "2016-02-01T08:00:00Z": "2016-02-01 16:00:00", "2016-02-01T00:00:00.000+0000": "2016-02-01 08:00:00",
    "2016-02-01T08:00:00+08:00": "2016-02-01 08:00:00", "2016-02-01T08:00:00+08": "2016-02-01 08:00:00",
    "2016-02-01 08:00:00.0": "2016-02-01 08:00:00", "2016-02-01 08:00:00.123": "2016-02-01 08:00:00.123", "2016-02-01 08时": "2016-02-01 08:00:00",
    "2016年2月1日8时": "2016-02-01 08:00:00", "2016年2月1日8时30分": "2016-02-01 08:30:00", "2016年2月1日 8时30分15秒": "2016-02-01 08:30:15",
    "2016年2月1日24时": "2016-02-02 00:00:00", "2016年02月01日 08:00": "2016-02-01 08:00:00", "20160201080000": "2016-02-01 08:00:00",
    "201602010800": "2016-02-01 08:00:00", "2016020108": "2016-02-01 08:00:00", "2016020124": "2016-02-02 00:00:00", "20160201 080000": "2016-02-01 08:00:00",
    "2016-02-01 08": "2016-02-01 08:00:00", "2016-02-01T24": "2016-02-02 00:00:00", "２０１６－０２－０１　０８：００": "2016-02-01 08:00:00",
    "二〇一六年二月一日": "2016-02-01 00:00:00", "2016-02-01": "2016-02-01 00:00:00", "2016/02/01 08:00:00": "2016-02-01 08:00:00",
    "2016-02-01 25:00": "!", "2016-02-01 24:30": "!", "2016-02-01 08:60": "!", "2016-02-30 08:00": "!", "2016-02-01 上午 15:05": "!", "2016-02": "!",
    "2016": "!", "08:00": "!", "2016-02-01 晚上 12:05": "!", "42401.333": "!", "1454284800000": "!", "2016-02-01 noon": "!",
}  # fmt: skip
MONTHS = {
    "2016-02": "2016-02-01", "2016年2月": "2016-02-01", "2016年02月": "2016-02-01", "2016年2月份": "2016-02-01", "201602": "2016-02-01",
    "201602.0": "2016-02-01", "2016/2": "2016-02-01", "2016/02": "2016-02-01", "2016.02": "2016-02-01", "2016-2": "2016-02-01", "2016.10": "2016-10-01",
    "2016M02": "2016-02-01", "2016-02-01": "2016-02-01", "2016-02-29": "2016-02-01", "2016-02-01 00:00:00": "2016-02-01", "二〇一六年二月": "2016-02-01",
    "２０１６年２月": "2016-02-01", "2016年12月": "2016-12-01", "2016.1": "!", "2016": "!", "2016-13": "!", "201613": "!", "2016年1-2月": "!", "Feb-16": "!", "2月": "!",
}  # fmt: skip
CODES = {
    "1130": "1130", "1130.0": "1130", "1130.00": "1130", "0101": "0101", "１１３０": "1130", "'0101": "0101", '="0101"': "0101", "a1": "A1",
    "\u200e1130": "1130", "\u202a1130\u202c": "1130", "1130\ufeff": "1130", "\u30001130": "1130", "PM2.5": "PM2.5", "1.1E17": "1.1E17",
}  # fmt: skip
USCC = "91210100PDY000028Y"
CODES_18 = {USCC: USCC, USCC.lower(): USCC, "9121O1OOPDYOOOO28Y": USCC, "9121 0100 PDY000028Y": USCC, f"\u200e{USCC}": USCC,
            f'="{USCC}"': USCC, f"\u202a{USCC}\u202c": USCC, "９１２１０１００ＰＤＹ０００028Y": USCC}  # fmt: skip
RAIN = {"T": "0", "t": "0", "微量": "0", "999990": "0", "999990.0": "0", "999999": None, "999999.0000": None, "///": None, "0.1-": "!", "3.2": "3.2"}
WORDS = {"铸铁": "铸铁", " 铸铁\u200b": "铸铁", "+铸铁": "+铸铁", '="铸铁"': "铸铁", "T": "T", "一": "一", "A-1": "A-1", "1130.0": "1130.0"}
TABLE: dict[str, dict[str, str | None]] = {
    **{t: NUMBERS | DECIMALS for t in ("money_10k_cny", "growth_pct", "air_reading", "weather_value", "indicator_value")},
    **{t: NUMBERS | WHOLES for t in ("whole_number", "count_number", "age_years")},
    "date": DAYS, "end_date": DAYS, "timestamp": MOMENTS, "business_time": MOMENTS, "month": MONTHS, "code_text": CODES,
    "uscc": CODES_18, "taxpayer_no": CODES_18, "share": DECIMALS | {"0.25": "0.25"}, "rain_mm": RAIN, "short_text": WORDS,
}  # fmt: skip
UNITS = {("indicator_value", "100亿元"), *((t, n) for t in ("growth_pct", "air_reading", "weather_value", "age_years") for n in ("1.0E7", "1.0000001E7", "1e+07", "1,234,567", "1 234 567"))}  # past their range


def cells() -> list[tuple[str, str, str | None]]:
    """(type, what is written, what it means)."""
    written = [(t, text, right) for t, texts in TABLE.items() for text, right in texts.items()]
    nothing = [(t, text, None) for t in TABLE for text in NOTHING]
    return [c for c in written + nothing if c[:2] not in UNITS]


@pytest.fixture(scope="module")
def answers(spark: Any) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """(type, text) -> (clean text, typed value as text)."""
    types, found = load_types(ROOT), dict[tuple[str, str], tuple[str | None, str | None]]()
    texts: dict[str, list[str]] = {}
    for kind, text, _ in cells():
        texts.setdefault(kind, []).append(text)
    queries = []
    for kind, written in texts.items():
        kept = types[kind]
        clean, cast = kept.normalise.replace("{v}", "r"), kept.cast.replace("{v}", "v")
        spark.createDataFrame([(w,) for w in written], "r STRING").createOrReplaceTempView(f"written_{kind}")
        queries.append(f"SELECT '{kind}' AS kind, r, v, CAST({cast} AS STRING) AS t FROM (SELECT r, {clean} AS v FROM written_{kind})")
    for row in spark.sql(" UNION ALL ".join(queries)).collect():
        found[row["kind"], row["r"]] = (row["v"], row["t"])
    return found


def test_every_spelling_has_its_meaning(answers: dict[tuple[str, str], tuple[str | None, str | None]]) -> None:
    assert len(cells()) >= 300
    wrong = []
    for kind, text, right in cells():
        clean, typed = answers[kind, text]
        came = typed if typed is not None else None if clean is None else "!"
        if (came if kind in ("short_text", "code_text") else _plain(came)) != right:
            wrong.append((kind, text, right, came))
    assert wrong == [], "\n".join(map(str, wrong))


def _plain(text: str | None) -> str | None:
    """A decimal without the zeros that its type adds."""
    if text is None or not text.lstrip("-").replace(".", "", 1).isdigit() or "." not in text:
        return text
    short = text.rstrip("0").rstrip(".")
    return "0" if short in ("", "-0", "0") else short
