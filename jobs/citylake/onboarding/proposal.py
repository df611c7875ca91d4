"""What a contract for a file could say, each with the evidence for it: types, texts for no value, decimals,
the key, the columns that are one column of a wide file; and the questions that only the sender can answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import combinations

from citylake.contract.meaning import header_key
from citylake.contract.model import Column, Contract, SemanticType
from citylake.onboarding.evidence import Fit, Judged, Verdict, chances, fit, sampled
from citylake.privacy.names import is_name
from citylake.privacy.numbers import numbers_in
from citylake.privacy.scrub import spelled_out

EMPTY = "no text in the sample"
_SURE = 20.0  # bits: chance would be one in a million
_FITS, _KNOWN_FITS = 0.98, 0.9
GENERAL = (
    "whole_number",
    "decimal_number",
    "month",
    "date",
    "timestamp",
    "code_text",
    "short_text",
    "text",
    "long_text",
)
"""Types that say little, the narrowest first: taken where nothing narrower is beyond chance."""
_PROSE = ("text", "long_text")
_MOMENTS = ("DATE", "TIMESTAMP")
_SENTINEL = re.compile(r"-?9{3,}([.][09]+)?|-?9{2,}[.]9+|-9{2,}([.]0+)?")
_CODE = re.compile(r"(?=.*[0-9])[0-9A-Za-z][0-9A-Za-z_.-]{1,39}")
_UNIT = re.compile(r"[(（\[](.*?)[)）\]]\s*$")
_WIDE = 3
_CODE_DIGITS = 5
_CHECKED = 18  # characters of an identifier of a person whose last one checks the others (GB 11643-1999)
_ROWS = 20_000


@dataclass(frozen=True)
class Proposed:
    """A column as a contract could describe it."""

    header: str
    name: str
    type: SemanticType
    evidence: str
    missing: tuple[str, ...] = ()
    seen: str = ""  # lowest and highest value, or the first texts
    scale: int | None = None
    personal: bool = False
    doubts: tuple[str, ...] = ()  # texts that the type does not keep
    question: str = ""
    complete: bool = False  # no text is blank


@dataclass(frozen=True)
class Proposal:
    """All columns, the key by name, and what a wide file's columns have in common."""

    columns: tuple[Proposed, ...]
    key: tuple[str, ...]
    kind: str
    missing: tuple[str, ...] = ()  # of the whole table
    wide: str = ""  # a pattern of the headers that are cells
    ignored: tuple[str, ...] = ()  # headers of columns that the lake may not hold
    questions: tuple[str, ...] = ()

    def without(self, column: Proposed) -> Proposal:
        """The proposal in which nobody reads a column."""
        return replace(
            self,
            columns=tuple(c for c in self.columns if c is not column),
            key=tuple(k for k in self.key if k != column.name),
            ignored=(*self.ignored, column.header),
            questions=(*self.questions, f"{column.header}: the lake may not hold it, nobody reads it"),
        )

    def is_cell(self, column: Proposed) -> bool:
        """Whether a column is one of the cells of a wide file."""
        return bool(self.wide and re.fullmatch(self.wide, column.header))


@dataclass(frozen=True)
class Known:
    """What contracts call the columns of a header: the name and the type, with how many contracts say so."""

    names: dict[str, Counter[tuple[str, str]]]

    @property
    def types(self) -> list[str]:
        """The types that columns of departments bear."""
        return sorted({kind for counted in self.names.values() for _, kind in counted})

    @classmethod
    def of(cls, contracts: Iterable[Contract]) -> Known:
        """From the contracts of departments."""
        names: dict[str, Counter[tuple[str, str]]] = {}
        for contract in (c for c in contracts if c.kind != "mart"):
            for column in (c for c in contract.columns if c.delivered and _says(c)):
                for header in {header_key(h) for h in column.headers.values()}:
                    names.setdefault(header, Counter())[column.name, column.type.name] += 1
        return cls(names)


def _says(column: Column) -> bool:
    """Whether a contract says what a column holds; of others it has the text alone."""
    return not column.bronze_only or column.type.personal != "none"


def propose(
    cells: Mapping[str, list[str]],
    judged: Judged,
    types: Mapping[str, SemanticType],
    known: Known,
    *,
    named: bool,
) -> Proposal:
    """The proposal for a file: header -> its texts in order; `named`: its headers are the sender's."""
    columns = _named([_column(h, texts, judged, types, known) for h, texts in cells.items()])
    columns = [replace(c, complete=all(t.strip() for t in cells[c.header])) for c in columns]
    common = _common(columns)
    columns = [replace(c, missing=tuple(m for m in c.missing if m not in common)) for c in columns]
    wide = _wide(columns) if named else ""
    key = _key([c for c in columns if not (wide and re.fullmatch(wide, c.header))], cells)
    moments = {c.name for c in columns if c.type.physical in _MOMENTS}
    kind = "observation" if wide or moments & set(key) else "register" if len(key) == 1 else "event"
    return Proposal(tuple(columns), key, kind, common, wide, questions=_questions(columns, key))


def _column(
    header: str, texts: list[str], judged: Judged, types: Mapping[str, SemanticType], known: Known
) -> Proposed:
    counted = sampled(texts)
    called = known.names.get(header_key(header), Counter())
    person = _of_persons(header, counted, called, types)
    if person is not None:
        return person
    if not counted:
        question = "always empty here: what does it hold?"
        return Proposed(header, "", types["short_text"], EMPTY, question=question)
    random = chances(counted)
    fits = [(_fit(types[kind], counted, judged, random), n, name) for (name, kind), n in called.items()]
    fits = [f for f in fits if f[0].kept >= _KNOWN_FITS]
    if fits:
        found, n, name = max(fits, key=lambda f: (f[0].kept, f[1], f[0].surprise))
        told = f"{n} contract{'s give' if n > 1 else ' gives'} this header the type; {_share(found, counted)}"
        return _proposed(header, found, counted, judged, told, name)
    found, told = _best(header, counted, judged, types, random)
    return _proposed(header, found, counted, judged, told)


def _of_persons(
    header: str, counted: Counter[str], called: Counter[tuple[str, str]], types: Mapping[str, SemanticType]
) -> Proposed | None:
    """The column as one of persons: other contracts hold them under its header, or its texts have their
    form.
    """
    theirs = Counter(
        {(name, kind): n for (name, kind), n in called.items() if types[kind].personal != "none"}
    )
    question = "may the lake have persons?"
    if theirs:
        (name, kind), n = theirs.most_common(1)[0]
        told = f"{n} contract{'s hold' if n > 1 else ' holds'} persons under this header"
        return Proposed(header, name, types[kind], told, personal=True, question=question)
    kind = _person(counted, known=bool(called)) if counted else ""
    told = f"{len(counted)} different texts have the form of a person's"
    return Proposed(header, kind, types[kind], told, personal=True, question=question) if kind else None


def _fit(kind: SemanticType, counted: Counter[str], judged: Judged, random: list[str]) -> Fit:
    if kind.name not in judged:
        return Fit(kind, 0.0, (), 0.0)
    missing = missing_texts(kind, counted, judged[kind.name])
    return fit(kind, {t: n for t, n in counted.items() if t not in missing}, judged, random)


def _best(
    header: str,
    counted: Counter[str],
    judged: Judged,
    types: Mapping[str, SemanticType],
    random: list[str],
) -> tuple[Fit, str]:
    """The type whose meaning is the header, the least likely one to fit by chance, or a general one."""
    bare = header_key(_UNIT.sub("", header)).lower()
    narrow = [_fit(types[k], counted, judged, random) for k in judged if k not in GENERAL]
    narrow = [f for f in narrow if f.kept >= _FITS]
    said = next((f for f in narrow if bare in _spellings(f.type)), None)
    if said is not None:
        return said, f"the header is what the type is called; {_share(said, counted)}"
    general = [_fit(types[k], counted, judged, random) for k in GENERAL]
    first = next(f for f in general if _may_be(f, counted, judged) or f.type.name == GENERAL[-1])
    # Numbers of one range may mean anything: of them only a header tells.
    told = [f for f in narrow if f.type.logical not in ("number", "integer")]
    surest = max(told, key=lambda f: f.surprise, default=first)
    if surest.surprise >= max(_SURE, first.surprise + 3):
        return surest, f"{_share(surest, counted)}; chance would not"
    return first, _share(first, counted)


def _spellings(kind: SemanticType) -> set[str]:
    return {header_key(_UNIT.sub("", t)).lower() for t in (kind.meaning.zh, kind.meaning.en, kind.name)}


def _may_be(found: Fit, counted: Counter[str], judged: Judged) -> bool:
    """A general type takes what it can read, but long numbers that begin with 0 or are all of one length are
    codes, and prose is none.
    """
    if found.kept < _FITS:
        return False
    if found.type.logical in ("number", "integer"):
        digits = [t.strip() for t in counted if t.strip().isdecimal()]
        lengths = {len(t) for t in digits}
        code = len(digits) == len(counted) and len(lengths) == 1 and min(lengths) >= _CODE_DIGITS
        return not code and not any(re.fullmatch("0[0-9]+", t) for t in digits)
    if found.type.name == "code_text":
        return all(_CODE.fullmatch(t.strip()) for t in counted)
    if found.type.name == "short_text":
        return max(map(len, counted)) <= 60
    return found.type.logical != "string" or not any("\n" in t for t in counted)


def _share(found: Fit, counted: Counter[str]) -> str:
    return f"{found.kept:.0%} of {sum(counted.values())} texts are kept, {len(counted)} different"


def missing_texts(
    kind: SemanticType, counted: Counter[str], judged: Mapping[str, Verdict]
) -> tuple[str, ...]:
    """Texts that stand for no value: at most three that the type cannot keep, each more than once, where it
    keeps all others; of numbers also those that programs write for none and that lie far from the rest.
    """
    if kind.logical == "string" and not kind.codes:
        return ()
    strange = [t for t in counted if not judged[t].kept and not judged[t].absent]
    words = strange if len(strange) <= 3 and all(counted[t] > 1 for t in strange) else []
    words = words if len(words) * 2 < len(counted) else []
    return tuple(sorted({*words, *_sentinels(kind, counted, judged)}))


def _sentinels(kind: SemanticType, counted: Counter[str], judged: Mapping[str, Verdict]) -> list[str]:
    if kind.logical not in ("number", "integer"):
        return []
    marks = [t for t in counted if _SENTINEL.fullmatch(t.strip()) and not judged[t].absent]
    rest = [n for t in counted if t not in marks and (n := _number(judged[t].value)) is not None]
    if len(rest) < 5:
        return []
    width = max(rest) - min(rest) or Decimal(1)
    return [
        t
        for t in marks
        if (n := _number(t.strip())) is not None and (n > max(rest) + 3 * width or n < min(rest) - 3 * width)
    ]


def _number(text: str | None) -> Decimal | None:
    try:
        return Decimal(text or "")
    except InvalidOperation:
        return None


def _proposed(
    header: str, found: Fit, counted: Counter[str], judged: Judged, evidence: str, name: str = ""
) -> Proposed:
    verdicts = judged[found.type.name]
    missing = missing_texts(found.type, counted, verdicts)
    there = [t for t in counted if t not in missing and verdicts[t].kept]
    numbers = [n for t in there if (n := _number(verdicts[t].value)) is not None]
    number = found.type.logical in ("number", "integer") and bool(numbers)
    seen = (
        f"{min(numbers).normalize():f} … {max(numbers).normalize():f}" if number else " ".join(there[:3])[:60]
    )
    unit = _UNIT.search(header)
    asks = (
        f"in which unit?{f' the header says {unit[1]}' if unit else ''}"
        if found.type.name == "decimal_number"
        else ""
    )
    return Proposed(
        header, name, found.type, evidence, missing, seen, _scale(found.type, there, verdicts), False,
        found.strange[:3], asks,
    )  # fmt: skip


def _scale(kind: SemanticType, texts: list[str], verdicts: Mapping[str, Verdict]) -> int | None:
    """The decimals that texts have, where the type would round them."""
    if not any("rounded" in verdicts[t].flags for t in texts):
        return None
    return max(len(t.strip().partition(".")[2]) for t in texts)


def _person(counted: Counter[str], *, known: bool) -> str:
    """The type for persons where most texts have the form of a person's identifier with its check character;
    under a header that no contract knows also of an older identifier, a telephone or a name. "" for none.
    """
    found = Counter(form for text in counted for form in _forms(text, known=known))
    most = [form for form, n in found.items() if n * 2 > len(counted)]
    named = found["name"] * 10 > 8 * len(counted) and len(counted) > 2
    return "resident_id" if "identifier" in most else "person_name" if "telephone" in most or named else ""


def _forms(text: str, *, known: bool) -> set[str]:
    plain = spelled_out(text)
    numbers = {(kind, end - start) for kind, start, end in numbers_in(plain)}
    if known:
        return {kind for kind, length in numbers if kind == "identifier" and length == _CHECKED}
    return {kind for kind, _ in numbers} | ({"name"} if is_name(text) else set())


def _named(columns: list[Proposed]) -> list[Proposed]:
    """Each with a name of its own: the one in other contracts, the header in ASCII, or the type's."""
    taken: Counter[str] = Counter()
    out: list[Proposed] = []
    for column in columns:
        bare = re.sub(r"[^a-z0-9]+", "_", _UNIT.sub("", column.header).lower()).strip("_")
        name = column.name or (bare if re.fullmatch("[a-z][a-z0-9_]{0,50}", bare) else column.type.name)
        taken[name] += 1
        out.append(replace(column, name=name if taken[name] == 1 else f"{name}_{taken[name]}"))
    return out


def _common(columns: list[Proposed]) -> tuple[str, ...]:
    """Texts for no value that several columns share."""
    counted = Counter(m for c in columns for m in c.missing)
    return tuple(sorted(m for m, n in counted.items() if n > 1))


def _wide(columns: list[Proposed]) -> str:
    """The pattern of headers that differ in their digits alone and hold numbers of one type."""
    shapes = Counter(
        (re.sub("[0-9]+", "0", c.header), c.type.logical == "string")
        for c in columns
        if re.search("[0-9]", c.header)
    )
    (shape, text), n = shapes.most_common(1)[0] if shapes else (("", True), 0)
    return re.escape(shape).replace("0", "[0-9]+") if n >= _WIDE and not text else ""


def _key(columns: list[Proposed], cells: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Columns that tell every row apart: the fewest of codes, days and short words, the first before others;
    where they do not, whole numbers with them, as parts of a day are.
    """
    told = [c for c in columns if _may_name(c)]
    for size in (1, 2, 3):
        for group in combinations(told, size):
            if _tells_apart(group, cells):
                return tuple(c.name for c in group)
    wider = [c for c in columns if c.complete and (c in told or c.type.logical == "integer")]
    return tuple(c.name for c in _narrowed(wider, cells)) if _tells_apart(wider, cells) else ()


def _narrowed(columns: list[Proposed], cells: Mapping[str, list[str]]) -> list[Proposed]:
    """Columns that still tell all rows apart, without those that are not needed, the last ones first."""
    for column in reversed(columns):
        fewer = [c for c in columns if c is not column]
        columns = fewer if _tells_apart(fewer, cells) else columns
    return columns


def _tells_apart(columns: Iterable[Proposed], cells: Mapping[str, list[str]]) -> bool:
    rows = list(zip(*(cells[c.header][:_ROWS] for c in columns), strict=True))
    return bool(rows) and len(set(rows)) == len(rows)


def _may_name(column: Proposed) -> bool:
    """Codes, days and short words that are always there may name a row; values and persons do not."""
    kind = column.type
    measured = kind.logical in ("number", "integer") or kind.name in _PROSE or column.personal
    return column.complete and not measured and not column.missing


def _questions(columns: list[Proposed], key: tuple[str, ...]) -> tuple[str, ...]:
    asked = [f"{c.header}: {c.question}" for c in columns if c.question]
    asked += [f"{c.header}: what are {', '.join(c.doubts)}?" for c in columns if c.doubts and not c.personal]
    if not key:
        asked.append("no three columns tell all rows apart: which ones name a row?")
    return (*asked, "how often and how late does it come, who answers for it, what does it not hold?")
