"""Compiles a contract to one Spark SQL SELECT that normalises, casts and judges a batch of bronze. No Spark
import.

Shape of the result: key and value columns typed, lineage columns, `_verdict` and `_flags` (ids of the rules
that the row breaks, errors and warnings; empty for most), `_row_hash` (SHA-256 over the typed columns).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from citylake.compile.bronze import MASKED
from citylake.compile.tables import row_hash, silver_columns
from citylake.contract.derived import is_copy, sources, unread
from citylake.contract.model import Bilingual, Check, Column, Contract, Severity
from citylake.core import formats
from citylake.core.codes import load_codes

_WORD = 62  # bits used of a BIGINT; the sign bit stays out of play
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
LINEAGE = (
    "_batch_id",
    "_receipt",
    "_file_id",
    "_row_no",
    "_line_no",
    "_byte_start",
    "_byte_end",
    "_sent_at",
    "_known_at",
    "_period",
)


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


@dataclass(frozen=True)
class Compiled:
    """The SELECT of a contract and the rules that it applies."""

    contract: Contract
    select: str  # over the relation {bronze}
    verdicts: tuple[Rule, ...]
    flags: tuple[Rule, ...]
    keys: tuple[str, ...]  # as the SELECT names them

    @property
    def clean(self) -> str:
        """SQL: the row broke no rule."""
        return "size(_verdict) = 0"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `rules_json`: the rules, the way to the typed values and the version of the contract."""
        return hashlib.sha256(self.rules_json()).hexdigest()

    def rules_json(self) -> bytes:
        """The rules as they stand, for whoever reads a stored rule id years later."""
        rules = [{**asdict(r), "fingerprint": r.fingerprint} for r in (*self.verdicts, *self.flags)]
        told = {"dataset": self.contract.id, "version": self.contract.version, "keys": self.keys}
        told["select"] = self.select
        numbered = formats.numbered("rules", {**told, "rules": rules})
        return json.dumps(numbered, ensure_ascii=False, indent=1).encode()


def _words(mask: str, bits: int) -> tuple[str, ...]:
    n = max(1, -(-bits // _WORD))
    return tuple(mask if i == 0 else f"{mask}_{i + 1}" for i in range(n))


def compile_contract(contract: Contract, root: Path) -> Compiled:
    """The whole way from text to judged row as one SELECT; code lists are read from `schemas/codes/`."""
    columns = silver_columns(contract)
    rules = [r for c in columns for r in _column_rules(c, root)]
    rules += [Rule(r.id, _not(r.sql), r.severity, r.meaning, None, r.dimension) for r in contract.row_rules]
    verdicts = [*_record_rules(), *(r for r in rules if r.severity == "error")]
    flags = [_MASKED, *(r for r in rules if r.severity != "error")]
    blanks = {c.name: [_fill(k, c) for k in c.type.checks if k.severity == "blank"] for c in columns}
    select = _select(contract, verdicts, flags, blanks)
    return Compiled(contract, select, tuple(verdicts), tuple(flags), contract.keys)


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
        broken = f"(v_{column.name} IS NOT NULL AND {_not(_fill(check, column))})"
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
                f"coalesce({_fill(r, column)}, false)",
                r.severity,
                r.meaning,
                column.name,
                "conformity",
            )
            for r in column.type.repairs
        ]
    return rules


def _unread(column: Column) -> str:
    """SQL: a reader of a computed column could not read a text that is there; "" where there is no reader."""
    return unread(column.derived) if column.derived and not is_copy(column) else ""


def _presence(column: Column) -> list[Rule]:
    rules: list[Rule] = []
    there = f" AND NOT u_{column.name}" if _unread(column) else ""
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


def _fill(check: Check, column: Column) -> str:
    sql = check.sql.replace("{v}", f"v_{column.name}").replace("{t}", f"t_{column.name}")
    return sql.replace("{raw}", f"r_{column.name}").replace("{c}", column.name)


def _not(sql: str) -> str:
    """Broken where the condition is false; unknown is sound."""
    return f"(NOT coalesce(({sql}), true))"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _select(contract: Contract, verdicts: list[Rule], flags: list[Rule], blanks: dict[str, list[str]]) -> str:
    columns = silver_columns(contract)
    clean = ", ".join(f"{c.type.normalise.replace('{v}', f'r_{c.name}')} AS v_{c.name}" for c in columns)
    cast = ", ".join(f"{c.type.cast.replace('{v}', f'v_{c.name}')} AS t_{c.name}" for c in columns)
    final = ", ".join(f"{_blanked(c, blanks[c.name])} AS {c.name}" for c in columns)
    names = ", ".join(c.name for c in columns)
    lineage = ", ".join(LINEAGE)
    masks = ", ".join(_masks("m_verdict", verdicts) + _masks("m_flags", flags))
    broken = f"{_broken('m_verdict', verdicts)} AS _verdict, {_broken('m_flags', flags)} AS _flags"
    return f"""SELECT {names}, {lineage}, {broken}, {row_hash(columns)} AS _row_hash
FROM (SELECT *, {masks}
FROM (SELECT *{_taken_over(columns)}, {final}
FROM (SELECT *, {cast}
FROM (SELECT *, {clean}
FROM ({_texts(contract)})))))"""


def _texts(contract: Contract) -> str:
    """The text `r_` of every column: as delivered, or computed from what the cells of others show."""
    columns = silver_columns(contract)
    computed = tuple(c for c in columns if c.derived and not is_copy(c))
    copies = [(c.name, _delivered(c, contract)) for c in columns if c not in computed]
    as_delivered = "".join(f", {text} AS r_{name}" for name, text in copies)
    if not computed:
        return f"SELECT *{as_delivered} FROM {{bronze}}"
    read = sources(computed, contract.columns)
    shown = "".join(f", {c.type.shown.replace('{v}', _delivered(c, contract))} AS {c.name}" for c in read)
    other = f" EXCEPT ({', '.join(c.name for c in read)})" if read else ""
    texts = "".join(f", CAST({c.derived} AS STRING) AS r_{c.name}" for c in computed)
    unread = "".join(f", {sql} AS u_{c.name}" for c in computed if (sql := _unread(c)))
    return f"""SELECT *{texts}{unread}
FROM (SELECT *{other}{shown}
FROM (SELECT *{as_delivered} FROM {{bronze}}))"""


def _delivered(column: Column, contract: Contract) -> str:
    """SQL: the text of a cell, or of the cell that a column copies; NULL where it stands for no value."""
    name = column.derived or column.name
    behind = next((c for c in contract.columns if c.name == name and c.delivered), column)
    text = name if behind.delivered else f"CAST({name} AS STRING)"
    absent = [m.replace("{v}", text) for m in dict.fromkeys((behind.missing, column.missing)) if m]
    return f"CASE WHEN {' OR '.join(absent)} THEN NULL ELSE {text} END" if absent else text


def _taken_over(columns: tuple[Column, ...]) -> str:
    """Without the bronze columns whose names the typed columns take over (their text stays as `r_`)."""
    derived_new = [c.name for c in columns if c.derived is None or c.name in c.derived_from]
    return f" EXCEPT ({', '.join(derived_new)})" if derived_new else ""


def _blanked(column: Column, conditions: list[str]) -> str:
    if not conditions:
        return f"t_{column.name}"
    sound = " AND ".join(f"coalesce(({c}), true)" for c in conditions)
    return f"CASE WHEN {sound} THEN t_{column.name} END"


def _masks(mask: str, rules: list[Rule]) -> list[str]:
    words = _words(mask, len(rules))
    out: list[str] = []
    for n, word in enumerate(words):
        part = rules[n * _WORD : (n + 1) * _WORD]
        bits = (
            " | ".join(f"CASE WHEN {_guarded(r)} THEN {1 << i}L ELSE 0L END" for i, r in enumerate(part))
            or "0L"
        )
        out.append(f"({bits}) AS {word}")
    return out


def _broken(mask: str, rules: list[Rule]) -> str:
    """SQL: the ids behind the bits; most rows break nothing and build no array."""
    none = " AND ".join(f"{w} = 0" for w in _words(mask, len(rules)))
    cases = ", ".join(
        f"CASE WHEN ({mask if i < _WORD else f'{mask}_{i // _WORD + 1}'} & {1 << (i % _WORD)}L) <> 0"
        f" THEN '{r.id}' END"
        for i, r in enumerate(rules)
    )
    return f"CASE WHEN {none} THEN CAST(array() AS ARRAY<STRING>) ELSE array_compact(array({cases})) END"


def _guarded(rule: Rule) -> str:
    """A record that could not be read breaks only the rule that says so."""
    return rule.broken if rule.id.startswith("record.") else f"_error IS NULL AND {rule.broken}"
