"""The offline pages: overview, one page per dataset, mart and well-known organisation, in zh and en; made
from receipts, evidence and releases alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from citylake.audit.conservation import FIGURES, Batch, batches, summary
from citylake.casework.cases import Case
from citylake.compile.select import compile_contract
from citylake.contract.model import Contract
from citylake.core.names import mart, quarantine
from citylake.core.settings import Settings
from citylake.ledger.batches import ADMITTED, SETTLED
from citylake.ledger.evidence import Event, events
from citylake.release.release import releases
from citylake.site import charts
from citylake.site.organisations import Organisation, organisations
from citylake.storage.delta import open_table
from citylake.storage.store import Store

FIGURES_ZH = ("送交记录", "未收记录", "待处理记录", "接收行", "采用", "重复", "被替代", "隔离")
SHARES = ("duplicates", "superseded", "quarantined")
WORDS_ZH = {
    "refused": "退回",
    "repeat": "重复送交",
    "received": "已收",
    "decoded": "已解码",
    "refined": "已整理",
    "gate": "过门",
    "held": "扣留",
    "overruled": "已放行",
    "failed": "处理失败",
    "withdrawn": "已撤回",
    "admitted": "已入库",
    "open": "待处理",
    "notified": "已通知",
    "amended": "已更正",
    "waived": "已豁免",
    "replayed": "已重算",
    "closed": "已关闭",
    "error": "错误",
    "warning": "警告",
    "info": "提示",
    "blank": "置空",
    "critical": "关键",
}
PLACES = 100  # quarantined records that a page lists; the quarantine table has them all


@dataclass(frozen=True)
class _Site:
    """What every page needs."""

    settings: Settings
    contracts: dict[str, Contract]
    batches: list[Batch]
    chains: dict[str, list[Event]]
    places: dict[str, list[dict[str, Any]]]
    cases: list[Case]
    today: date
    release: int
    pinned: dict[str, dict[str, Any]]


def write_pages(
    settings: Settings, store: Store, contracts: dict[str, Contract], open_cases: list[Case], today: date
) -> Path:
    """Write all pages below the state folder; returns the first page."""
    known, found = releases(store), batches(store, contracts)
    site = _Site(
        settings,
        contracts,
        found,
        {c: events(store, c) for c in contracts},
        {c.id: _places(settings, c, found) for c in contracts.values()},
        open_cases,
        today,
        known[-1].number if known else 0,
        known[-1].tables if known else {},
    )
    folder = settings.state / "pages"
    (folder / "letters").mkdir(parents=True, exist_ok=True)
    _letters(store, folder / "letters")
    env = Environment(
        loader=PackageLoader("citylake.site", "pages"), autoescape=True, undefined=StrictUndefined
    )
    known_best = organisations(settings, contracts, site.pinned)
    for lang in ("zh", "en"):
        _overview(env, site, folder, lang)
        _cases(env, site, folder, lang)
        _organisations(env, site, folder, lang, known_best)
        for contract in contracts.values():
            _subject(env, site, folder, lang, contract)
    (folder / "index.html").write_text(
        (folder / f"index.{settings.language}.html").read_text("utf-8"), "utf-8"
    )
    return folder / "index.html"


def _of(lang: str, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _word(lang: str, word: str) -> str:
    return WORDS_ZH.get(word, word) if lang == "zh" else word


def _common(site: _Site, lang: str, page: str, title: str) -> dict[str, Any]:
    other = "en" if lang == "zh" else "zh"
    t: Callable[[str, str], str] = partial(_of, lang)
    return {
        "lang": lang,
        "t": t,
        "word": partial(_word, lang),
        "title": title,
        "release": site.release,
        "other": f"{page}.{other}.html",
        "nav": [
            (f"index.{lang}.html", t("总览", "overview")),
            (f"cases.{lang}.html", t("问题单", "cases")),
            (f"organisations.{lang}.html", t("机构", "organisations")),
        ],
        "figures": FIGURES_ZH if lang == "zh" else FIGURES,
    }


def _overview(env: Environment, site: _Site, folder: Path, lang: str) -> None:
    sources = [c for c in site.contracts.values() if c.kind != "mart"]
    rows = [_source(site, c, lang) for c in sources]
    marts = [_mart(site, c, lang) for c in site.contracts.values() if c.kind == "mart"]
    refused = [b for b in site.batches if b.state in SETTLED and b.state != ADMITTED]
    text = env.get_template("overview.html.j2").render(
        **_common(site, lang, "index", _of(lang, "市政数据湖", "municipal data lake")),
        datasets=rows,
        marts=marts,
        refused=refused,
        letter=partial(_letter, lang),
        total=summary(site.batches),
        chart=_shares(site, sources, lang),
    )
    (folder / f"index.{lang}.html").write_text(text, "utf-8")


def _letters(store: Store, folder: Path) -> None:
    """Letters and notices beside the pages; each was created once and never changes."""
    for kind in ("letters", "notices"):
        for key in (k for k in store.list(f"{kind}/") if k.endswith(".html")):
            _, department, name = key.split("/")
            path = folder / f"{kind}-{department}-{name}"
            if not path.exists():
                path.write_bytes(store.get(key))


def _letter(lang: str, batch: Batch, kind: str = "letters") -> str:
    return f"letters/{kind}-{batch.dataset.split('/')[0]}-{batch.receipt:08d}.{lang}.html"


def _cases(env: Environment, site: _Site, folder: Path, lang: str) -> None:
    order = sorted(site.cases, key=lambda c: (c.state == "closed", c.deadline, c.id))
    late = {
        c.id for c in order if c.state not in ("closed", "waived") and c.deadline < site.today.isoformat()
    }
    rows = [
        {**c.__dict__, "meaning": c.meaning.of(lang), "age": c.age(site.today), "late": c.id in late}
        for c in order
    ]
    text = env.get_template("cases.html.j2").render(
        **_common(site, lang, "cases", _of(lang, "问题单", "cases")), cases=rows, today=site.today
    )
    (folder / f"cases.{lang}.html").write_text(text, "utf-8")


def _organisations(env: Environment, site: _Site, folder: Path, lang: str, found: list[Organisation]) -> None:
    counts = {o.id: {s.contract.title.of(lang): len(s.lines) for s in o.sections} for o in found}
    tables = list(dict.fromkeys(name for c in counts.values() for name in c))
    whole = env.get_template("organisations.html.j2").render(
        **_common(site, lang, "organisations", _of(lang, "机构", "organisations")),
        organisations=found,
        counts=counts,
        tables=tables,
    )
    (folder / f"organisations.{lang}.html").write_text(whole, "utf-8")
    words = {k.name: k.label.of(lang) for o in found for s in o.sections for k in s.columns} | {
        c.id: c.title.of(lang) for c in site.contracts.values()
    }
    one = env.get_template("organisation.html.j2")
    for o in found:
        page = f"organisation-{o.id}"
        (folder / f"{page}.{lang}.html").write_text(
            one.render(**_common(site, lang, page, o.name), o=o, words=words), "utf-8"
        )


def _delivery(site: _Site, batch: Batch, lang: str) -> dict[str, Any]:
    """A row of the conservation table with its letter and, when records were refused, its notice."""
    noticed = any((c.dataset, c.receipt) == (batch.dataset, batch.receipt) for c in site.cases)
    links = {"letter": _letter(lang, batch), "notice": _letter(lang, batch, "notices") if noticed else ""}
    return {**batch.__dict__, "balanced": batch.balanced, **links}


def _source(site: _Site, contract: Contract, lang: str) -> dict[str, Any]:
    total = summary([b for b in site.batches if b.dataset == contract.id])
    return {
        "id": contract.id,
        "title": contract.title.of(lang),
        "owner": contract.owner.of(lang),
        "href": f"{_page(contract)}.{lang}.html",
        "figures": [f"{total[f]:,}" for f in FIGURES],
    }


def _mart(site: _Site, contract: Contract, lang: str) -> dict[str, Any]:
    built = [e for e in site.chains[contract.id] if e.event == "built"]
    title = mart(contract.id).title
    return {
        "id": title,
        "title": contract.title.of(lang),
        "purpose": contract.purpose.of(lang),
        "href": f"{_page(contract)}.{lang}.html",
        "version": site.pinned.get(title, {}).get("version", ""),
        "passed": bool(built) and built[-1].facts["gate"]["passed"],
    }


def _page(contract: Contract) -> str:
    return contract.id.replace("/", "__")


def _subject(env: Environment, site: _Site, folder: Path, lang: str, contract: Contract) -> None:
    mine = [b for b in site.batches if b.dataset == contract.id]
    text = env.get_template("dataset.html.j2").render(
        **_common(site, lang, _page(contract), f"{contract.title.of(lang)}"),
        c=contract,
        batches=[_delivery(site, b, lang) for b in mine],
        names=FIGURES,
        rules=_rules(site, contract, lang),
        verdicts=_verdicts(site.chains[contract.id]),
        chart=_chart(site, contract, mine, lang),
        places=site.places[contract.id],
        inputs=_inputs(site.chains[contract.id]),
    )
    (folder / f"{_page(contract)}.{lang}.html").write_text(text, "utf-8")


def _rules(site: _Site, contract: Contract, lang: str) -> list[dict[str, Any]]:
    """Rules that some row broke, by all batches together."""
    if contract.kind == "mart":
        return []
    counted: dict[str, int] = {}
    for e in site.chains[contract.id]:
        if e.event == "refined":
            for name, n in e.facts["counts"].items():
                counted[name] = counted.get(name, 0) + n
    compiled = compile_contract(contract, site.settings.root)
    found = [(r, counted.get(f"rule:{r.id}", 0)) for r in (*compiled.verdicts, *compiled.flags)]
    return [
        {"id": r.id, "meaning": r.meaning.of(lang), "severity": r.severity, "rows": n}
        for r, n in sorted(found, key=lambda f: -f[1])
        if n
    ]


def _verdicts(chain: list[Event]) -> list[dict[str, Any]]:
    """The verdicts of the last gate."""
    gates = [e.facts if e.event == "gate" else e.facts["gate"] for e in chain if e.event in ("gate", "built")]
    return (
        [v for part in ("batch", "rows") for v in gates[-1].get(part, {}).get("verdicts", [])]
        if gates
        else []
    )


def _inputs(chain: list[Event]) -> list[tuple[str, str]]:
    """What the last build of a mart read, with the version of each; empty for datasets."""
    built = [e.facts["inputs"] for e in chain if e.event == "built"]
    return sorted((k, v) for k, v in built[-1].items()) if built else []


def _places(settings: Settings, contract: Contract, found: list[Batch]) -> list[dict[str, Any]]:
    """Where quarantined records lie and why; places and reasons only, never a value."""
    table = open_table(settings, quarantine(contract.id)) if contract.kind != "mart" else None
    if table is None:
        return []
    columns = ["_receipt", "_line_no", "_byte_start", "_byte_end", "reasons"]
    rows = (
        table.to_pyarrow_table(columns=columns)
        .sort_by([("_receipt", "descending"), ("_line_no", "ascending")])
        .slice(0, PLACES)
        .to_pylist()
    )
    names = {b.receipt: b.delivery for b in found if b.dataset == contract.id}
    return [
        {
            "delivery": names[r["_receipt"]],
            "line": r["_line_no"],
            "bytes": f"{r['_byte_start']}-{r['_byte_end']}",
            "why": ", ".join(r["reasons"]),
        }
        for r in rows
    ]


def _shares(site: _Site, sources: list[Contract], lang: str) -> Markup:
    """Share of rows by dataset that were set aside, by disposition."""
    points: list[dict[str, Any]] = []
    for c in sources:
        total = summary([b for b in site.batches if b.dataset == c.id])
        for name, label in zip(FIGURES, FIGURES_ZH, strict=True):
            if name not in SHARES:
                continue
            points.append(
                {
                    "d": c.title.of(lang),
                    "k": label if lang == "zh" else name,
                    "share": total[name] / max(1, total["received"]),
                }
            )
    return charts.shares(points)


def _chart(site: _Site, contract: Contract, mine: list[Batch], lang: str) -> Markup:
    """The picture of a mart's released table, or how a dataset's quarantined share went."""
    if contract.kind != "mart":
        return charts.trend(
            [{"n": b.delivery, "share": b.quarantined / b.received} for b in mine if b.received],
            _of(lang, "交付", "delivery"),
        )
    pin = site.pinned.get(mart(contract.id).title)
    table = open_table(site.settings, mart(contract.id)) if contract.chart and pin else None
    if table is None or pin is None:
        return Markup("")
    table.load_as_version(int(pin["version"]))
    return charts.mart_chart(contract, table.to_pyarrow_table().to_pylist(), lang)
