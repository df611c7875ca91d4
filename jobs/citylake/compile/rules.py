"""The rules of a contract as Spark SQL over the columns of its SELECT: what a record, a column's type, a code
list and the contract itself demand. No Spark import.

`r_<column>` is the text as delivered, `v_<column>` cleaned, `t_<column>` typed; `u_<column>`: it was unread.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from citylake.compile.bronze import MASKED
from citylake.contract.derived import is_copy, unread
from citylake.contract.model import Bilingual, Check, Column, Contract, Severity
from citylake.core.codes import load_codes

RECORD_ERRORS = {
    "record.extra_field": Bilingual("字段多于约定", "more fields than the contract has"),
    "record.missing_field": Bilingual("字段少于约定", "fewer fields than the contract has"),
    "record.undecodable": Bilingual(
        "字节无法按约定字符集解码", "bytes that the declared charset does not have"
    ),
    "record.nul": Bilingual("含空字符", "holds a NUL character"),
    "record.replacement_character": Bilingual(
        "含替换符U+FFFD,原字已失", "holds U+FFFD: a character was lost before"
    ),
    "record.surrogate": Bilingual(
        "含半个代理字符(如\\ud800)，不是完整的字符",
        "holds half of a surrogate pair (such as \\ud800): no character",
    ),
    "record.field_too_long": Bilingual("字段超过1 MiB", "a field of more than 1 MiB"),
    "record.checksum": Bilingual("报文CRC不符", "the packet's CRC does not agree"),
    "record.malformed": Bilingual("记录结构损坏", "the record is malformed"),
}


@dataclass(frozen=True)
class Rule:
    """Where `broken` is true the row breaks the rule `id`, a name that is never given to another meaning."""

    id: str
    broken: str  # SQL boolean, never NULL
    severity: Severity
    meaning: Bilingual
    column: str | None
    dimension: str = "conformity"

    @property
    def fingerprint(self) -> str:
        """Tells two editions of a rule apart that bear one id: 16 hexadecimal digits."""
        return hashlib.sha256(f"{self.id} {self.severity} {self.broken}".encode()).hexdigest()[:16]


_MASKED = Rule(
    "record.person_masked",
    f"({MASKED} IS NOT NULL)",
    "warning",
    Bilingual("含个人信息,已遮盖或以令牌代替", "held something of a person: masked, or a token in its place"),
    None,
)


def rules_of(contract: Contract, columns: tuple[Column, ...], root: Path) -> tuple[list[Rule], list[Rule]]:
    """The rules whose breach refuses a row, and those that flag it; code lists come from `schemas/codes/`."""
    rules = [r for c in columns for r in _column_rules(c, root)]
    rules += [Rule(r.id, _not(r.sql), r.severity, r.meaning, None, r.dimension) for r in contract.row_rules]
    verdicts = [*_record_rules(), *(r for r in rules if r.severity == "error")]
    return verdicts, [_MASKED, *(r for r in rules if r.severity != "error")]


def _record_rules() -> list[Rule]:
    known = [
        Rule(rule, f"coalesce(_error = '{rule}', false)", "error", text, None, "conformity")
        for rule, text in list(RECORD_ERRORS.items())[:-1]
    ]
    others = ", ".join(f"'{r.id}'" for r in known)
    text = RECORD_ERRORS["record.malformed"]
    return [
        *known,
        Rule("record.malformed", f"coalesce(_error NOT IN ({others}), false)", "error", text, None),
    ]


def _column_rules(column: Column, root: Path) -> list[Rule]:
    rules = list(_presence(column))
    for check in column.type.checks:
        broken = f"(v_{column.name} IS NOT NULL AND {_not(filled(check, column))})"
        rules.append(
            Rule(f"{column.name}.{check.reason}", broken, check.severity, check.meaning, column.name)
        )
    if column.type.codes:
        listed = load_codes(root, column.type.codes)
        rules += [_code_rule(column, listed), *_validity_rule(column, listed)]
    if column.derived is None:
        rules += [
            Rule(
                f"{column.name}.{r.reason}",
                f"coalesce({filled(r, column)}, false)",
                r.severity,
                r.meaning,
                column.name,
                "conformity",
            )
            for r in column.type.repairs
        ]
    return rules


def unreadable(column: Column) -> str:
    """SQL: a reader of a computed column could not read a text that is there; "" where there is no reader."""
    return unread(column.derived) if column.derived and not is_copy(column) else ""


def _presence(column: Column) -> list[Rule]:
    rules: list[Rule] = []
    there = f" AND NOT u_{column.name}" if unreadable(column) else ""
    if column.required:
        text = Bilingual("必填项为空", "a required value is missing")
        rules.append(
            Rule(
                f"{column.name}.missing",
                f"(v_{column.name} IS NULL{there})",
                "error",
                text,
                column.name,
                "completeness",
            )
        )
    if column.type.physical != "STRING" or there:
        text = Bilingual("无法解析", "cannot be read as its type")
        broken = f"(v_{column.name} IS NOT NULL AND t_{column.name} IS NULL)"
        broken = f"(u_{column.name} OR {broken})" if there else broken
        rules.append(Rule(f"{column.name}.unparsable", broken, _unreadable(column), text, column.name))
    if column.type.rounds:
        text = Bilingual("小数位多于类型，已四舍五入", "more decimals than the type keeps: rounded")
        exact = f"try_cast(v_{column.name} AS DECIMAL(38,18))"
        broken = f"coalesce({exact} <> t_{column.name}, false)"
        rules.append(Rule(f"{column.name}.rounded", broken, "warning", text, column.name))
    return rules


def _unreadable(column: Column) -> Severity:
    """A measured value that may be blanked when it is impossible is blanked when it cannot be read; the rest
    of its record stands.
    """
    measured = any(check.severity == "blank" for check in column.type.checks)
    return "warning" if measured and not column.required else "error"


def _code_rule(column: Column, rows: list[dict[str, str]]) -> Rule:
    codes = ", ".join(f"'{_quoted(code)}'" for code in sorted({r["code"] for r in rows}))
    text = Bilingual("不在代码表内", "not in the code list")
    broken = f"(v_{column.name} IS NOT NULL AND v_{column.name} NOT IN ({codes}))"
    return Rule(f"{column.name}.unknown_code", broken, "error", text, column.name, "conformity")


def _validity_rule(column: Column, rows: list[dict[str, str]]) -> list[Rule]:
    """A code of the list on a day on which the list did not hold it: from `valid_from` on, before `valid_to`;
    blank is open.
    """
    if column.valid_on is None:
        return []
    spans: dict[str, list[str]] = {}
    for row in rows:
        begun, ended = row["valid_from"], row["valid_to"]
        parts = [
            f"{column.valid_on} {sign} DATE'{day}'" for sign, day in ((">=", begun), ("<", ended)) if day
        ]
        spans.setdefault(row["code"], []).append(" AND ".join(parts))
    cases = " ".join(
        f"WHEN '{_quoted(c)}' THEN {' OR '.join(f'({s})' for s in found)}"
        for c, found in spans.items()
        if all(found)
    )
    text = Bilingual("代码在该日期无效", "a code that was not valid on that day")
    broken = f"(v_{column.name} IS NOT NULL AND {_not(f'CASE {column.name} {cases} ELSE true END')})"
    return [Rule(f"{column.name}.not_valid_on_date", broken, "warning", text, column.name, "conformity")]


def filled(check: Check, column: Column) -> str:
    sql = check.sql.replace("{v}", f"v_{column.name}").replace("{t}", f"t_{column.name}")
    return sql.replace("{raw}", f"r_{column.name}").replace("{c}", column.name)


def _not(sql: str) -> str:
    """Broken where the condition is false; unknown is sound."""
    return f"(NOT coalesce(({sql}), true))"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
