"""The offline pages, in zh and en; made from receipts, evidence and releases alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from citylake.audit.conservation import batches
from citylake.audit.indicators import indicators
from citylake.audit.timeliness import arrivals
from citylake.casework.cases import Case
from citylake.contract.model import Contract
from citylake.core.settings import Settings
from citylake.ledger.evidence import events
from citylake.release.release import releases
from citylake.site.case_pages import write_cases
from citylake.site.departments import write_departments
from citylake.site.frame import Pages, Site
from citylake.site.organisation_pages import write_organisations
from citylake.site.overview import write_overview
from citylake.site.quality import write_quality
from citylake.site.subjects import write_subjects
from citylake.storage.store import Store


def gather(
    settings: Settings, store: Store, contracts: dict[str, Contract], cases: list[Case], day: date
) -> Site:
    """The state that pages and audit tables show, as a store has it."""
    known, found = releases(store), batches(store, contracts)
    chains = {c: events(store, c) for c in contracts}
    came = arrivals(store, contracts, settings.root)
    return Site(
        settings,
        store,
        contracts,
        found,
        came,
        chains,
        indicators(settings.root, contracts.values(), chains, found, came),
        cases,
        day,
        known[-1].number if known else 0,
        known[-1].tables if known else {},
    )


def write_pages(site: Site, folder: Path) -> Path:
    """Write all pages into a folder; returns the first page."""
    (folder / "letters").mkdir(parents=True, exist_ok=True)
    _letters(site.store, folder / "letters")
    pages = Pages(site, folder)
    write_overview(pages)
    write_departments(pages)
    write_cases(pages)
    write_quality(pages)
    write_organisations(pages)
    write_subjects(pages)
    first = folder / "index.html"
    first.write_text((folder / f"index.{site.settings.language}.html").read_text("utf-8"), "utf-8")
    return first


def _letters(store: Store, folder: Path) -> None:
    """Letters and notices beside the pages; each was created once and never changes."""
    for kind in ("letters", "notices"):
        for key in (k for k in store.list(f"{kind}/") if k.endswith(".html")):
            _, department, name = key.split("/")
            path = folder / f"{kind}-{department}-{name}"
            if not path.exists():
                path.write_bytes(store.get(key))
