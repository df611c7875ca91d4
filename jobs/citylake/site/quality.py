"""Quality by GB/T 36344: datasets by dimension, the register of all row rules, and what persons decided."""

from __future__ import annotations

from typing import Any

from citylake.audit.decisions import Decision, decisions
from citylake.audit.indicators import CODES, Indicator, Score, lower_is_better, rules_of, score
from citylake.contract.model import Contract
from citylake.core.codes import load_codes
from citylake.site.frame import LANGUAGES, Pages, Site, page_of

LEVELS = ((0.9999, "q4"), (0.999, "q3"), (0.99, "q2"), (0.9, "q1"), (0.0, "q0"))
"""The lowest share of each colour."""


def write_quality(pages: Pages) -> None:
    """Write the pages of quality, rules and decisions."""
    site = pages.site
    found = site.indicators
    decided = decisions(site.store, site.contracts.values())
    for lang in LANGUAGES:
        title = "质量评价" if lang == "zh" else "quality"
        pages.write(lang, "quality", title, "quality", **_quality(site, found, lang))
        title = "规则登记" if lang == "zh" else "rules"
        pages.write(lang, "rules", title, "rules", rules=_register(site, found, lang))
        title = "决定登记" if lang == "zh" else "decisions"
        rows = [_decision(site, d) for d in decided]
        pages.write(lang, "decisions", title, "decisions", decisions=rows)


def _quality(site: Site, found: list[Indicator], lang: str) -> dict[str, Any]:
    listed = load_codes(site.settings.root, CODES)
    lower = {r["code"] for r in listed if r["better"] == "lower"}
    dimensions = {r["code"][:2]: r[f"dimension_{lang}"] for r in listed}
    return {
        "dimensions": [f"{code} {name}" for code, name in dimensions.items()],
        "datasets": [
            {
                "name": c.title.of(lang),
                "href": f"{page_of(c)}.{lang}.html",
                "cells": [_cell(score(_some(found, c, d), lower)) for d in dimensions],
            }
            for c in site.sources
        ],
        "indicators": [_indicator(r, [i for i in found if i.code == r["code"]], lang) for r in listed],
    }


def _some(found: list[Indicator], contract: Contract, dimension: str) -> list[Indicator]:
    return [i for i in found if i.dataset == contract.id and i.code.startswith(dimension)]


def _cell(found: Score) -> dict[str, str]:
    if found.share is None:
        return {"share": "–", "level": "", "worst": ""}
    level = next(name for least, name in LEVELS if found.share >= least)
    worst = f"{found.worst} {_percent(found.worst_share)}" if found.worst_share != 1 else ""
    return {"share": _percent(found.share), "level": level, "worst": worst}


def _percent(share: float | None) -> str:
    """A share in percent, cut, not rounded: 100 % means all."""
    return "–" if share is None else f"{int(share * 10000) / 100:.2f}%"


def _indicator(listed: dict[str, str], found: list[Indicator], lang: str) -> dict[str, Any]:
    a, b = sum(i.a for i in found), sum(i.b for i in found)
    return {
        "code": listed["code"],
        "dimension": listed[f"dimension_{lang}"],
        "name": listed[f"label_{lang}"],
        "formula": listed["note"],
        "lower": listed["better"] == "lower",
        "a": a if b else None,
        "b": b,
        "x": _percent(a / b if b else None),
    }


def _register(site: Site, found: list[Indicator], lang: str) -> list[dict[str, Any]]:
    """A row per row rule of every dataset, and per rule of old that evidence still counts."""
    lower, root = lower_is_better(site.settings.root), site.settings.root
    counted: dict[tuple[str, str], list[Indicator]] = {}
    for i in found:
        counted.setdefault((i.dataset, i.rule), []).append(i)
    rows: list[dict[str, Any]] = []
    for c in site.sources:
        known = rules_of(c, root)
        gone = [rule for dataset, rule in counted if dataset == c.id and rule not in known]
        for rule in [*known, *gone]:
            mine = counted.get((c.id, rule), [])
            told, of = known.get(rule), score(mine, lower)
            rows.append(
                {
                    "dataset": c.title.of(lang),
                    "href": f"{page_of(c)}.{lang}.html",
                    "id": rule,
                    "column": _columns(c, rule, lang),
                    "meaning": told.meaning.of(lang) if told else "",
                    "severity": told.severity if told else "",
                    "code": mine[0].code if mine else "",
                    "assessed": of.assessed,
                    "failed": of.assessed - of.good,
                }
            )
    return rows


def _columns(contract: Contract, rule: str, lang: str) -> str:
    """The labels of the columns that a rule speaks of."""
    written = next((r.columns for r in contract.row_rules if r.id == rule), (rule.split(".")[0],))
    named = {c.name: c.label.of(lang) for c in contract.columns}
    return "、".join(named[c] for c in written if c in named)


def _decision(site: Site, found: Decision) -> dict[str, Any]:
    return {**found.__dict__, "day": found.at[:16].replace("T", " "), "expired": found.expired(site.day)}
