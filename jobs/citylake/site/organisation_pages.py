"""The pages of well-known organisations, codes and constants in the language of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from citylake.contract.model import Column
from citylake.core.codes import load_codes
from citylake.site.frame import LANGUAGES, Pages
from citylake.site.organisations import Organisation, organisations
from citylake.site.words import VALUES


def write_organisations(pages: Pages) -> None:
    """Write the list of organisations and the page of each."""
    site = pages.site
    found = organisations(site.settings, site.contracts, site.pinned)
    for lang in LANGUAGES:
        counts = {o.id: {s.contract.title.of(lang): len(s.lines) for s in o.sections} for o in found}
        tables = list(dict.fromkeys(name for c in counts.values() for name in c))
        title = "机构" if lang == "zh" else "organisations"
        pages.write(
            lang, "organisations", title, "organisations", organisations=found, counts=counts, tables=tables
        )
        shown = shown_value(site.settings.root, found, {c.id: c.title.of(lang) for c in site.sources}, lang)
        for o in found:
            pages.write(lang, f"organisation-{o.id}", o.name, "organisation", o=o, shown=shown)


def shown_value(
    root: Path, found: list[Organisation], words: dict[str, str], lang: str
) -> Callable[[Column, str], str]:
    """How a cell of a column reads: a code by its label, a constant, a column or dataset by its name."""
    shown_columns = [k for o in found for s in o.sections for k in s.columns]
    columns = {k.name: k for k in reversed(shown_columns)}  # a name that several tables use: the first label
    lists = {k.type.codes for k in shown_columns if k.type.codes}
    labels = {n: {r["code"]: r[f"label_{lang}"] for r in load_codes(root, n)} for n in sorted(lists)}
    named = words | {k.name: k.label.of(lang) for k in columns.values()}
    named |= {text: said.of(lang) for text, said in VALUES.items()}

    def shown(column: Column, text: str) -> str:
        known = labels[column.type.codes] if column.type.codes else named
        return known.get(text) or text

    return shown
