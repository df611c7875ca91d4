"""The words of the pages: states, severities, figures and values that tables spell in English."""

from __future__ import annotations

from citylake.contract.model import Bilingual

FIGURES = {
    "records": Bilingual("送交记录", "records sent"),
    "rejected": Bilingual("未收记录", "records rejected"),
    "pending": Bilingual("待处理记录", "records pending"),
    "received": Bilingual("接收行", "rows received"),
    "accepted": Bilingual("采用行", "rows accepted"),
    "duplicates": Bilingual("重复行", "duplicate rows"),
    "superseded": Bilingual("被替代行", "superseded rows"),
    "quarantined": Bilingual("隔离行", "quarantined rows"),
    "suppressed": Bilingual("已删除人员行", "rows of erased persons"),
}
ASIDE = {"duplicates": "#8a96a3", "superseded": "#d08a1d", "quarantined": "#b3261e", "suppressed": "#5b4b8a"}
"""Figures of rows that were set aside, each with its colour."""
WORDS_ZH = {
    "refused": "退回",
    "repeat": "重复送交",
    "received": "已收",
    "decoded": "已解码",
    "refined": "已整理",
    "gate": "过门",
    "overruled": "已放行",
    "held": "扣留",
    "failed": "处理失败",
    "withdrawn": "已撤回",
    "admitted": "已入库",
    "open": "待处理",
    "notified": "已通知",
    "amended": "已更正",
    "waived": "已豁免",
    "waiver_asked": "申请豁免",
    "waiver_refused": "拒绝豁免",
    "rolled_back": "回退发布",
    "retried": "重试",
    "replayed": "已重算",
    "closed": "已关闭",
    "error": "错误",
    "warning": "警告",
    "info": "提示",
    "blank": "置空",
    "critical": "关键",
    "internal": "内部",
    "public": "公开",
    "restricted": "受限",
    "confidential": "保密",
}
VALUES = {
    "True": Bilingual("是", "yes"),
    "False": Bilingual("否", "no"),
    "lead department of the field": Bilingual("该项的主管部门", "lead department of the field"),
    "most trusted source with a value": Bilingual("有值的最可信来源", "most trusted source with a value"),
    "enterprise": Bilingual("企业", "enterprise"),
    "institution": Bilingual("事业单位", "institution"),
    "social": Bilingual("社会组织", "social organisation"),
    "social_organisation": Bilingual("社会组织", "social organisation"),
    "individual": Bilingual("个体工商户", "individual business"),
    "red": Bilingual("红名单", "red"),
    "black": Bilingual("黑名单", "black"),
}


def word(lang: str, text: str) -> str:
    """A word of the lake in a language."""
    return WORDS_ZH.get(text, text) if lang == "zh" else text
