"""What a contract says to people: every text in Chinese and English, every title its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from citylake.contract.model import Bilingual
from citylake.contract.problems import Problem, custom, problem
from citylake.contract.source import Place, Source

_HAN = re.compile(r"[\u3400-\u9fff]")


def both(text: str) -> Bilingual:
    """A text written `中文 (English)`; what has no such form is the same in both, and the lint says so."""
    zh, _, rest = text.strip().partition(" (")
    return Bilingual(zh, rest.removesuffix(")")) if rest.endswith(")") else Bilingual(text, text)


def is_bilingual(text: Bilingual) -> bool:
    """Whether the Chinese is written in Chinese and the English is there without any."""
    return bool(_HAN.search(text.zh)) and bool(text.en.strip()) and not _HAN.search(text.en)


def texts(source: Source) -> Iterator[Problem]:
    """What people read in one language only; such a contract loads, and its pages show that language."""
    table = source.data["schema"][0]
    at: Place = ("schema", 0)
    description = source.data.get("description", {})
    told: dict[Place, Any] = {("description", k): description.get(k) for k in ("purpose", "limitations")}
    told[(*at, "dataGranularityDescription")] = table.get("dataGranularityDescription")
    told |= {
        (*at, "quality", i, "description"): q.get("description")
        for i, q in enumerate(table.get("quality", []))
        if q.get("engine") == "citylake"
    }
    for place, text in told.items():
        if not is_bilingual(both(str(text or ""))):
            yield problem(source, place, "contract.bilingual", "say it in both languages: 中文 (English)")
    team = source.data.get("team", {})
    if not is_bilingual(Bilingual(str(team.get("name", "")), str(team.get("description", "")))):
        told_owner = "name the owner in Chinese (name) and in English (description)"
        yield problem(source, ("team",), "contract.bilingual", told_owner)


def twins(sources: list[Source]) -> Iterator[Problem]:
    """Contracts whose titles cannot be told apart in one of the languages."""
    seen: dict[str, str] = {}
    for source in sources:
        table = source.data.get("schema", [{}])[0]
        name = str(table.get("name", ""))
        titles = {table.get("businessName", name), custom(table).get("titleEn", name.replace("_", " "))}
        for title in sorted(str(t) for t in titles):
            if title in seen:
                told = f"'{title}' is also the title of {seen[title]}"
                yield problem(source, ("schema", 0), "contract.title_twice", told)
            seen.setdefault(title, source.path)
