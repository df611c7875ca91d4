"""The page of cases: refused records that wait for someone, most urgent first."""

from __future__ import annotations

from typing import Any

from citylake.audit.departments import SETTLED_CASES
from citylake.casework.cases import Case
from citylake.site.frame import LANGUAGES, Pages, page_of


def write_cases(pages: Pages) -> None:
    """Write the page of cases."""
    site = pages.site
    order = sorted(site.cases, key=lambda c: (c.state in SETTLED_CASES, c.deadline, c.id))
    for lang in LANGUAGES:
        title = "问题单" if lang == "zh" else "cases"
        pages.write(lang, "cases", title, "cases", cases=[_row(pages, c, lang) for c in order])


def _row(pages: Pages, case: Case, lang: str) -> dict[str, Any]:
    site = pages.site
    contract = site.contracts[case.dataset]
    notice = f"letters/notices-{contract.department}-{case.receipt:08d}.{lang}.html"
    return {
        **case.__dict__,
        "meaning": case.meaning.of(lang),
        "title": contract.title.of(lang),
        "owner": contract.owner.of(lang),
        "age": case.age(site.day),
        "late": case.late(site.day),
        "href": f"{page_of(contract)}.{lang}.html",
        "notice": notice if (pages.folder / notice).exists() else "",  # older lakes told no held batch
    }
