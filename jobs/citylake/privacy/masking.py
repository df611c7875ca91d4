"""What of a delivered text may stand in a letter or a notice: enough to find the fault, never a personal
value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from citylake.contract.model import Column, Contract
from citylake.privacy.names import is_name
from citylake.privacy.scrub import scrub, spelled_out

SAMPLES = 3
_SHOWN = 40  # characters of one value
_LINE = 80  # characters of a whole record
_CELLS = re.compile(r"([,，;；|\t\"'：:（）()\s]+)")
_HAN = re.compile("[\u3400-\u9fff]+")
# Words of files and headers beside those of the contract itself.
_USUAL = (
    "年度 月份 日期 季度 旬报 周报 上旬 中旬 下旬 更正 补报 汇总 明细 数据 清单 导出 全量 增量 变更 版本 最终"
    " 修改 副本 附件 工作表 工作簿 合计 小计 总计 序号 编号 编码 代码 名称 备注 说明 类型 类别 单位 单位名称"
    " 时间 日期 数量 金额 状态 区县 街道 地址 电话 姓名 证件号码 批次 报表 台账 目录 样例 模板 文件 第一 第二"
    " 部分 沈阳市 沈阳"
)


def shape(text: str) -> str:
    """Digits as 9, Latin letters as A, every other letter as 文; signs and blanks stay: the form shows, the
    value does not.
    """
    return "".join(_kind(c) for c in text)


def foreign(contract: Contract, text: str) -> str:
    """What a sender calls something that no layout names (a header, a file, a sheet): of its Chinese only the
    contract's own words and usual ones are shown, of the rest the shape.
    """
    pairs = _pairs(contract)

    def shown(found: re.Match[str]) -> str:
        run = found[0]
        told = {i + k for i in range(len(run) - 1) if run[i : i + 2] in pairs for k in (0, 1)}
        whole = run if len(run) == 1 and run in "年月日期份号版第" else ""
        return whole or "".join(c if i in told else "文" for i, c in enumerate(run))

    return _HAN.sub(shown, scrub(text, _as_shape))


def told_name(delivery: str) -> str:
    """The name of a delivery as answers may tell it: signs, Latin letters and digits as they are, but for
    numbers of persons.
    """
    return "".join(c if c.isascii() else shape(c) for c in without_persons(delivery))


def told_names(contract: Contract, names: Iterable[str]) -> dict[str, str]:
    """Of the files whose names may not be told: name -> what stands for it, other for each of them.

    A figure leads back to its file by this name, so it stays unless it holds a person.
    """
    told: dict[str, str] = {}
    for name in sorted({n for n in names if _tells_a_person(contract, n)}):
        shown, n = foreign(contract, name), 1
        while shown in told.values():
            n += 1
            shown = f"{n}_{foreign(contract, name)}"
        told[name] = shown
    return told


def _tells_a_person(contract: Contract, name: str) -> bool:
    """Whether a name of a file holds a number of a person, a name beside what tells it, or a name alone."""
    runs = (found[0] for found in _HAN.finditer(name))
    return without_persons(name) != name or any(is_name(r) and foreign(contract, r) != r for r in runs)


def _pairs(contract: Contract) -> set[str]:
    """Every two characters that stand side by side in the words of a contract."""
    headers = [h for c in contract.columns for h in (c.label.zh, *c.headers.values())]
    words = (contract.title.zh, contract.purpose.zh, contract.owner.name, *headers, *_USUAL.split())
    return {w[i : i + 2] for w in words for i in range(len(w) - 1)}


def without_persons(text: str) -> str:
    """A text in which numbers of persons, and names beside what tells them, are shapes."""
    return scrub(text, _as_shape)


def _as_shape(_: str, text: str) -> str:
    return shape(text)


def _kind(character: str) -> str:
    if character.isdecimal():
        return "9"
    if character.isalpha():
        return "A" if character.isascii() else "文"
    return character


def masked(column: Column, text: str | None) -> str:
    """One delivered value as a letter may show it: of a personal column its shape, of others the text,
    shortened.
    """
    if text is None:
        return ""
    return _short(shape(text) if column.type.personal != "none" else _told(text), _SHOWN)


def masked_record(contract: Contract, text: str) -> str:
    """A whole record whose values cannot be told apart: its shape when the contract holds anything
    personal.
    """
    return _short(shape(text) if holds_persons(contract) else _told(text), _LINE)


def masked_values(
    contract: Contract, columns: Sequence[Column], values: Sequence[str | None], layout: str
) -> str:
    """Several values of one record as `header=value`."""
    return "; ".join(f"{c.header(layout)}={masked(c, v)}" for c, v in zip(columns, values, strict=True))


def holds_persons(contract: Contract) -> bool:
    """Whether any column of the contract is personal."""
    return any(c.type.personal != "none" for c in contract.columns)


def _told(text: str) -> str:
    cells = _CELLS.split(without_persons(text))
    return "".join(shape(c) if is_name(spelled_out(c)) else c for c in cells)


def _short(text: str, most: int) -> str:
    shown = "".join(c if c.isprintable() else "·" for c in text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
