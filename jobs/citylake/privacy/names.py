"""Names of natural persons in Chinese texts: the form of a name, and names beside a title, a number of a
person, or an identifier. There is no list of persons: what a name alone in prose is, nobody can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

import yaml

_WORDS: dict[str, str] = yaml.safe_load(
    (resources.files("citylake.privacy") / "names.yaml").read_text("utf-8")
)
_DOUBLE = "|".join(_WORDS["compound"].split())
_SINGLE = f"[{''.join(_WORDS['single'].split())}]"
_HAN = "[\u3400-\u9fff\U00020000-\U000323af]"
_TITLES = "|".join(sorted(_WORDS["titles"].split(), key=len, reverse=True))
_HONORIFICS = "|".join(_WORDS["honorifics"].split())
_NO_NAMES = f"(?!{'|'.join(_WORDS['no_names'].split())})"
_NAME = (
    f"(?:(?:{_DOUBLE}){_HAN}{{1,2}}|{_NO_NAMES}{_SINGLE}[·.]?{_HAN}{{1,2}}|{_HAN}{{2,8}}(?:·{_HAN}{{1,8}})+)"
)
_WHOLE = re.compile(f"(?:{_NAME}|{_SINGLE}{_SINGLE}{_HAN}{{2}})")
_NO_PERSON = re.compile(f"(?:{'|'.join(_WORDS['bodies'].split())})$")
_THING = re.compile(f"(?:{'|'.join(_WORDS['things'].split())})$")
_LINK = r"[\s（(\[【<“\"'，,、:：]*(?:姓名)?[\s（(\[【<“\"'：:，,、为是系]*"
_AFTER_TITLE = re.compile(f"(?:{_TITLES}){_LINK}(?P<name>{_NAME})")
_BEFORE_TITLE = re.compile(f"(?P<name>{_NAME})(?:{_HONORIFICS})")
_COMPOUND = re.compile(f"(?P<name>(?:{'|'.join(_WORDS['certain'].split())}){_HAN}{{1,2}})")
_NUMBER = (
    "(?:(?:居民)?身份证件?(?:号码?)?|证件号码?|公民身份号码|联系电话|电话(?:号码)?|手机号?码?"
    "|银行卡号?|卡号|账号)"
)
_JOIN = r"[\s（(\[【，,、:：;；/|]*"
_JOINED = re.compile(f"{_JOIN}$")
_NUMBER_WORD = re.compile(f"(?:{_JOIN}{_NUMBER})+{_JOIN}$")
_AFTER_NUMBER = re.compile(f"{_JOIN}(?P<name>{_NAME})(?!{_HAN})")
_AT_END = re.compile(f"{_HAN}+$")

HINTS = f"(?:{_TITLES}|{_HONORIFICS}|{'|'.join(_WORDS['certain'].split())})"
"""RE2: texts in which a name may stand beside something that tells it."""


def is_name(text: str) -> bool:
    """Whether a whole text has the form of a person's name and not that of an authority or a place."""
    bare = re.sub(r"\s+", "", text)
    return bool(_WHOLE.fullmatch(bare)) and not _NO_PERSON.search(bare)


def is_body(text: str) -> bool:
    """Whether a text ends as the name of an authority or an organisation does."""
    return bool(_NO_PERSON.search(text.rstrip(" )）")))


def is_name_alone(text: str) -> bool:
    """Whether a short text that stands where prose is expected is a name: of three characters or more, and
    no thing.
    """
    return len(text) > 2 and is_name(text) and not _THING.search(text)


def names_in(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every name beside a title, and of those whose two-character surname is no other
    word.
    """
    for pattern in (_AFTER_TITLE, _BEFORE_TITLE, _COMPOUND):
        for found in pattern.finditer(text):
            yield found.span("name")


def beside(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of the names right before and right after the number of a person."""
    before = _name_at_end(text[max(0, start - 40) : start])
    if before:
        yield start - before[0], start - before[1]
    after = _AFTER_NUMBER.match(text, end)
    if after:
        yield after.span("name")


def _name_at_end(before: str) -> tuple[int, int] | None:
    """How far before the end of a text a name begins and ends that only the word for a number follows."""
    bare = _JOINED.sub("", _NUMBER_WORD.sub("", before))
    run = _AT_END.search(bare)
    for length in (4, 3, 2):
        if run and len(run[0]) >= length and _WHOLE.fullmatch(bare[-length:]):
            gone = len(before) - len(bare)
            return gone + length, gone
    return None
