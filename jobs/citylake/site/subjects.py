"""The page of a dataset or a mart table: deliveries, rules, places of refused records, gate, columns."""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from citylake.audit.conservation import FIGURES, Batch
from citylake.compile.rules import Rule
from citylake.compile.select import compile_contract
from citylake.contract.model import Contract
from citylake.core.names import mart, quarantine
from citylake.ledger.batches import ADMITTED
from citylake.ledger.chain import Chain
from citylake.refine.rules import judged_by
from citylake.site import charts
from citylake.site.frame import LANGUAGES, Pages, Site, letter_of, page_of
from citylake.site.verdicts import gate_lines
from citylake.site.words import FIGURES as WORDS
from citylake.storage.delta import open_table

PLACES = 100  # quarantined records that a page lists; the quarantine table has them all


def write_subjects(pages: Pages) -> None:
    """Write the page of every contract."""
    for contract in pages.site.contracts.values():
        places, total = _places(pages.site, contract)
        for lang in LANGUAGES:
            _write(pages, lang, contract, places, total)


def _write(pages: Pages, lang: str, contract: Contract, places: list[dict[str, Any]], total: int) -> None:
    site, chain = pages.site, pages.site.chains[contract.id]
    mine = site.of(contract.id)
    pages.write(
        lang,
        page_of(contract),
        contract.title.of(lang),
        "dataset",
        c=contract,
        batches=[_delivery(pages, b, lang) for b in mine],
        names=FIGURES,
        figures=[WORDS[f].of(lang) for f in FIGURES],
        rules=_rules(site, contract, lang),
        verdicts=gate_lines(site.settings.root, contract, chain, lang),
        chart=_chart(site, contract, mine, lang),
        places=places,
        places_total=total,
        inputs=_inputs(site, chain, lang),
        department=f"department-{contract.department}.{lang}.html" if contract.kind != "mart" else "",
    )


def _delivery(pages: Pages, batch: Batch, lang: str) -> dict[str, Any]:
    """A row of the conservation table with its letter and, when records were refused, its notice."""
    notice = letter_of(lang, batch, "notices")
    return {
        **batch.__dict__,
        "balanced": batch.balanced,
        "letter": letter_of(lang, batch),
        "notice": notice if (pages.folder / notice).exists() else "",
    }


def _rules(site: Site, contract: Contract, lang: str) -> list[dict[str, Any]]:
    """Rules that some row broke, by all batches together."""
    if contract.kind == "mart":
        return []
    compiled = compile_contract(contract, site.settings.root)
    counted, rules = Counter[str](), dict[str, Rule]()
    for event in (e for e in site.chains[contract.id] if e.event == "refined"):
        counted.update(event.facts["counts"])
        rules |= judged_by(site.store, compiled, event)
    found = [(r, counted[f"rule:{r.id}"]) for r in rules.values()]
    return [
        {"id": r.id, "meaning": r.meaning.of(lang), "severity": r.severity, "rows": n}
        for r, n in sorted(found, key=lambda f: -f[1])
        if n
    ]


def _inputs(site: Site, chain: Chain, lang: str) -> list[tuple[str, str, str]]:
    """What the last build of a mart read: name, version, page; empty for datasets."""
    built: list[dict[str, str]] = [e.facts["inputs"] for e in chain if e.event == "built"]
    pages = {n: c for c in site.contracts.values() for n in (c.id, f"marts/{c.id}")}
    return [
        (name, version, f"{page_of(pages[name])}.{lang}.html" if name in pages else "")
        for name, version in sorted((built[-1] if built else {}).items())
    ]


def _places(site: Site, contract: Contract) -> tuple[list[dict[str, Any]], int]:
    """Where quarantined records lie and why, newest delivery first, and how many there are; never a value."""
    table = open_table(site.settings, quarantine(contract.id)) if contract.kind != "mart" else None
    if table is None:
        return [], 0
    names = {b.receipt: b.delivery for b in site.of(contract.id) if b.state == ADMITTED}
    columns = ["_receipt", "_line_no", "_byte_start", "_byte_end", "reasons"]
    order = [("_receipt", "descending"), ("_line_no", "ascending"), ("_byte_start", "ascending")]
    found = table.to_pyarrow_table(columns=columns, filters=[("_receipt", "in", list(names))])
    rows = found.sort_by(order).slice(0, PLACES).to_pylist()
    return [_place(r, names[r["_receipt"]]) for r in rows], found.num_rows


def _place(row: dict[str, Any], delivery: str) -> dict[str, Any]:
    place = {"line": row["_line_no"], "bytes": f"{row['_byte_start']}-{row['_byte_end']}"}
    return {"delivery": delivery, "why": ", ".join(row["reasons"]), **place}


def _chart(site: Site, contract: Contract, mine: list[Batch], lang: str) -> Markup:
    """The picture of a mart's released table, or how a dataset's quarantined share went."""
    if contract.kind != "mart":
        return charts.trend(
            [{"n": b.delivery, "share": b.quarantined / b.received} for b in mine if b.received],
            "交付" if lang == "zh" else "delivery",
        )
    pin = site.pinned.get(mart(contract.id).title)
    table = open_table(site.settings, mart(contract.id)) if contract.chart and pin else None
    if table is None or pin is None:
        return Markup("")
    table.load_as_version(int(pin["version"]))
    return charts.mart_chart(contract, table.to_pyarrow_table().to_pylist(), lang, site.settings.root)
