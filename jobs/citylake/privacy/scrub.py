"""One scrubber for every text that leaves landing: identifiers, telephone numbers, bank cards and names of
natural persons are found in any spelling and replaced.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from citylake.contract.meaning import BLANKS, DASHES, INVISIBLE
from citylake.privacy.names import HINTS, beside, names_in
from citylake.privacy.numbers import SUSPECT, numbers_in

Hide = Callable[[str, str], str]
"""Kind (identifier, telephone, card, name) and the text found -> what stands in its place."""
LABELS = {"identifier": "〔证件号〕", "telephone": "〔电话〕", "card": "〔银行卡〕", "name": "〔姓名〕"}

_MARKS = str.maketrans(dict.fromkeys(map(ord, INVISIBLE)) | dict.fromkeys(map(ord, BLANKS), " "))
_HAN_DIGITS = str.maketrans("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖×хХΧχ", "00123456789123456789XXXXX")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|&#(?:x([0-9a-fA-F]{2,6})|([0-9]{2,7}));|%([0-9a-fA-F]{2})")
_OTHER_DIGITS = (
    "\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2070-\u209c\u2460-\u24ff\u2776-\u2793"
    "\uff10-\uff19\U0001d7ce-\U0001d7ff"
)
_HAN_RUN = "[〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖]{4}"
PATTERN = (
    f"{SUSPECT}|\\d[{re.escape(BLANKS[3:] + DASHES)}]|[{_OTHER_DIGITS}]"
    f"|[{re.escape(INVISIBLE)}]|{_HAN_RUN}|{HINTS}"
    r"|\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]|%[0-9a-fA-F]{2}"
)
"""RE2 and `re`: a text that does not hold it holds nothing of a person that could be found."""
_PATTERN = re.compile(PATTERN)


def label(kind: str, _: str) -> str:
    """What stands in prose in place of something found."""
    return LABELS[kind]


def scrub(text: str, hide: Hide = label, known: Iterable[str] = (), *, names: bool = True) -> str:
    """The text without anything of a person; one in which nothing is found comes back as it is.

    `known`: names of persons that the record gives elsewhere; `names`: false for a text that is itself the
    public name of an organisation, which may hold its owner's.
    """
    known = [n for n in known if len(n) > 1]
    if not _PATTERN.search(text) and not any(n in text for n in known):
        return text
    plain = spelled_out(text)
    return _replaced(plain, hide, found) if (found := _merged(_found(plain, known, names))) else text


def scrub_json(text: str, hide: Hide = label, known: Iterable[str] = ()) -> str:
    """JSON with every text, number and name of a member scrubbed; what is no JSON as any other text."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return scrub(text, hide, known)
    clean = _walked(whole, lambda t: scrub(t, hide, known))
    return text if clean == whole else json.dumps(clean, ensure_ascii=False)


def _walked(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {clean(str(k)): _walked(v, clean) for k, v in value.items()}
    if isinstance(value, list):
        return [_walked(v, clean) for v in value]
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        told = repr(value)
        return value if (new := clean(told)) == told else new
    return value


def spelled_out(text: str) -> str:
    """A text in one spelling: escapes read, NFKC, no invisible marks, every blank a space, ASCII digits."""
    read = _ESCAPE.sub(_character, text) if _ESCAPE.search(text) else text
    plain = unicodedata.normalize("NFKC", read.translate(_MARKS)).translate(_MARKS)
    return plain if plain.isascii() else "".join(_digit(c) for c in plain)


def _character(found: re.Match[str]) -> str:
    if found[4]:
        return chr(int(found[4], 16)) if int(found[4], 16) < 0x80 else found[0]
    code = int(found[1] or found[2] or "0", 16) or int(found[3] or "0")
    return chr(code) if 0 < code <= 0x10FFFF else found[0]


def _digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _found(plain: str, known: Iterable[str], names: bool) -> Iterator[tuple[str, int, int]]:
    read = plain.translate(_HAN_DIGITS)
    for kind, start, end in numbers_in(read):
        yield kind, start, end
        yield from (("name", *span) for span in beside(plain, start, end))
    yield from (("name", *span) for span in (names_in(plain) if names else ()))
    for name in known:
        yield from (("name", *m.span()) for m in re.finditer(re.escape(spelled_out(name)), plain))


def _merged(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Spans in order; of those that overlap the first kind counts and the whole is hidden."""
    out: list[tuple[str, int, int]] = []
    for kind, start, end in sorted(found, key=lambda f: (f[1], -f[2])):
        if out and start < out[-1][2]:
            out[-1] = (out[-1][0], out[-1][1], max(end, out[-1][2]))
        else:
            out.append((kind, start, end))
    return out


def _replaced(plain: str, hide: Hide, found: list[tuple[str, int, int]]) -> str:
    parts, at = list[str](), 0
    for kind, start, end in found:
        parts += [plain[at:start], hide(kind, plain[start:end])]
        at = end
    return "".join([*parts, plain[at:]])
