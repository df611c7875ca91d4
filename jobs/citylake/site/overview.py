"""The first page: whether the city's data are all right, all datasets and marts, what was not accepted."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup

from citylake.audit.conservation import FIGURES, summary
from citylake.audit.departments import standing
from citylake.contract.model import Contract
from citylake.core.names import mart
from citylake.site import charts
from citylake.site.frame import LANGUAGES, Pages, Site, letter_of, page_of
from citylake.site.words import ASIDE
from citylake.site.words import FIGURES as WORDS


def write_overview(pages: Pages) -> None:
    """Write the first page."""
    site = pages.site
    for lang in LANGUAGES:
        pages.write(
            lang,
            "index",
            "市政数据湖" if lang == "zh" else "municipal data lake",
            "overview",
            figures=[WORDS[f].of(lang) for f in FIGURES],
            datasets=[_source(site, c, lang) for c in site.sources],
            marts=[_mart(site, c, lang) for c in site.marts],
            refused=[
                b for b in site.batches if b.state in ("refused", "repeat", "held", "failed", "withdrawn")
            ],
            letter=partial(letter_of, lang),
            total=summary(site.batches),
            now=standing(site.batches, site.arrivals, site.cases, site.day),
            closed_gates=sum(not _passed(site, c) for c in site.marts if site.chains[c.id]),
            chart=_shares(site, lang),
        )


def _source(site: Site, contract: Contract, lang: str) -> dict[str, Any]:
    total = summary(site.of(contract.id))
    return {
        "id": contract.id,
        "title": contract.title.of(lang),
        "owner": contract.owner.of(lang),
        "department": f"department-{contract.department}.{lang}.html",
        "href": f"{page_of(contract)}.{lang}.html",
        "figures": [f"{total[f]:,}" for f in FIGURES],
    }


def _mart(site: Site, contract: Contract, lang: str) -> dict[str, Any]:
    title = mart(contract.id).title
    return {
        "id": title,
        "title": contract.title.of(lang),
        "purpose": contract.purpose.of(lang),
        "href": f"{page_of(contract)}.{lang}.html",
        "version": site.pinned.get(title, {}).get("version", ""),
        "passed": _passed(site, contract),
        "built": bool(site.chains[contract.id]),
    }


def _passed(site: Site, contract: Contract) -> bool:
    built = [e for e in site.chains[contract.id] if e.event == "built"]
    return bool(built) and bool(built[-1].facts["gate"]["passed"])


def _shares(site: Site, lang: str) -> Markup:
    """Share of rows by dataset that were set aside, by disposition."""
    points: list[dict[str, Any]] = []
    for c in site.sources:
        total = summary(site.of(c.id))
        points += [
            {
                "d": c.title.of(lang),
                "k": WORDS[name].of(lang),
                "share": total[name] / max(1, total["received"]),
            }
            for name in ASIDE
        ]
    return charts.shares(points, {WORDS[name].of(lang): color for name, color in ASIDE.items()})
