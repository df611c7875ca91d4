"""A page per department: what it sent, when, and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from markupsafe import Markup

from citylake.audit.conservation import Batch
from citylake.audit.departments import Standing, overdue_since, standing
from citylake.contract.model import Contract
from citylake.core.calendar import beijing_day
from citylake.site import charts
from citylake.site.frame import LANGUAGES, Pages, Site, letter_of, page_of


def write_departments(pages: Pages) -> None:
    """Write the page of each department and their overview."""
    site = pages.site
    for lang in LANGUAGES:
        rows = [_department(site, d, found, lang) for d, found in site.departments.items()]
        title = "部门" if lang == "zh" else "departments"
        pages.write(lang, "departments", title, "departments", departments=rows)
        for department, found in site.departments.items():
            _page(pages, department, found, lang)


def _page(pages: Pages, department: str, found: list[Contract], lang: str) -> None:
    site = pages.site
    deliveries = [_delivery(site, c, b, lang) for c in found for b in site.of(c.id)]
    pages.write(
        lang,
        f"department-{department}",
        _name(found, lang),
        "department",
        datasets=[_dataset(site, c, lang) for c in found],
        total=_figures(_standing(site, found)),
        deliveries=sorted(deliveries, key=lambda d: (d["arrived"], d["receipt"]), reverse=True),
        trend=_trend(site, found, lang),
    )


def _standing(site: Site, found: list[Contract]) -> Standing:
    mine = {c.id for c in found}
    return standing(
        [b for b in site.batches if b.dataset in mine],
        site.arrivals,
        [c for c in site.cases if c.dataset in mine],
        site.day,
    )


def _figures(found: Standing) -> dict[str, Any]:
    share = found.defect_share
    days = "" if found.days_to_close is None else f"{found.days_to_close:g}"
    return asdict(found) | {"defects": "" if share is None else f"{share:.2%}", "days_to_close": days}


def _name(found: list[Contract], lang: str) -> str:
    """The offices of a department that answer for its datasets."""
    return ("、" if lang == "zh" else ", ").join(dict.fromkeys(c.owner.of(lang) for c in found))


def _department(site: Site, department: str, found: list[Contract], lang: str) -> dict[str, Any]:
    missing = [c for c in found if overdue_since(site.settings.root, c, site.of(c.id), site.day)]
    return {
        "name": _name(found, lang),
        "href": f"department-{department}.{lang}.html",
        "missing": len(missing),
        **_figures(_standing(site, found)),
    }


def _dataset(site: Site, contract: Contract, lang: str) -> dict[str, Any]:
    since = overdue_since(site.settings.root, contract, site.of(contract.id), site.day)
    return {
        "name": contract.title.of(lang),
        "href": f"{page_of(contract)}.{lang}.html",
        "since": since.isoformat() if since else "",
        **_figures(_standing(site, [contract])),
    }


def _delivery(site: Site, contract: Contract, batch: Batch, lang: str) -> dict[str, Any]:
    came = site.arrivals[batch.dataset, batch.receipt]
    return {
        "dataset": contract.title.of(lang),
        "delivery": batch.delivery,
        "receipt": batch.receipt,
        "letter": letter_of(lang, batch),
        "state": batch.state,
        "due": came.due_on,
        "sent": beijing_day(came.sent_at) if came.sent_at else "",
        "arrived": beijing_day(came.arrived_at) if came.arrived_at else "",
        "late": came.late,
        "sent_late": came.sent_late,
        "share": f"{batch.quarantined / batch.received:.2%}" if batch.received else "",
    }


def _trend(site: Site, found: list[Contract], lang: str) -> Markup:
    points = [
        {"period": b.period, "dataset": c.title.of(lang), "share": b.quarantined / b.received}
        for c in found
        for b in site.of(c.id)
        if b.received and b.period
    ]
    return charts.trends(points)
