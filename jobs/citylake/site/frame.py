"""What all pages share: the state that they show, what stands at the foot of each, and how one is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from citylake.audit.conservation import Batch
from citylake.audit.indicators import Indicator
from citylake.audit.timeliness import Arrivals
from citylake.casework.cases import Case
from citylake.contract.model import Bilingual, Contract
from citylake.core.settings import Settings
from citylake.ledger.chain import Chain
from citylake.ledger.seal import current_checkpoint
from citylake.site.words import word
from citylake.storage.store import Store

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Site:
    """The state of the lake that pages show; what depends on a clock is judged as of `day`."""

    settings: Settings
    store: Store
    contracts: dict[str, Contract]
    batches: list[Batch]
    arrivals: Arrivals
    chains: dict[str, Chain]
    indicators: list[Indicator]
    cases: list[Case]
    day: date
    release: int
    pinned: Mapping[str, Mapping[str, Any]]

    @cached_property
    def sources(self) -> list[Contract]:
        """The contracts of datasets."""
        return [c for c in self.contracts.values() if c.kind != "mart"]

    @cached_property
    def marts(self) -> list[Contract]:
        """The contracts of mart tables."""
        return [c for c in self.contracts.values() if c.kind == "mart"]

    def of(self, dataset: str) -> list[Batch]:
        """The deliveries of a dataset."""
        return [b for b in self.batches if b.dataset == dataset]

    @property
    def departments(self) -> dict[str, list[Contract]]:
        """Department -> its datasets."""
        found: dict[str, list[Contract]] = {}
        for c in self.sources:
            found.setdefault(c.department, []).append(c)
        return found


def page_of(contract: Contract) -> str:
    """The name of a contract's page without language and ending."""
    return contract.id.replace("/", "__")


def letter_of(lang: str, batch: Batch, kind: str = "letters") -> str:
    """Where the letter or the notice of a delivery lies beside the pages."""
    return f"letters/{kind}-{batch.dataset.split('/')[0]}-{batch.receipt:08d}.{lang}.html"


@dataclass(frozen=True)
class Pages:
    """Writes pages of a site into a folder."""

    site: Site
    folder: Path

    @cached_property
    def _env(self) -> Environment:
        return Environment(
            loader=PackageLoader("citylake.site", "pages"), autoescape=True, undefined=StrictUndefined
        )

    def write(self, lang: str, page: str, title: str, template: str, **values: Any) -> None:
        """Write one page in one language."""
        text = self._env.get_template(f"{template}.html.j2").render(
            **self._frame(lang, page, title), **values
        )
        (self.folder / f"{page}.{lang}.html").write_text(text, "utf-8")

    def _frame(self, lang: str, page: str, title: str) -> dict[str, Any]:
        t: Callable[[str, str], str] = partial(_of, lang)
        return {
            "lang": lang,
            "t": t,
            "word": partial(word, lang),
            "say": partial(_say, lang),
            "title": title,
            "release": self.site.release,
            "day": self.site.day,
            "version": version("citylake"),
            "contracts": self._contracts,
            "seal": self._seal,
            "other": f"{page}.{'en' if lang == 'zh' else 'zh'}.html",
            "nav": [(f"{name}.{lang}.html", t(zh, en)) for name, zh, en in NAVIGATION],
            "script": self._script,
        }

    @cached_property
    def _seal(self) -> tuple[str, str] | None:
        """Size and root of the checkpoint: its second and third line (C2SP tlog-checkpoint)."""
        checkpoint = current_checkpoint(self.site.store)
        return (checkpoint.splitlines()[1], checkpoint.splitlines()[2]) if checkpoint else None

    @cached_property
    def _contracts(self) -> str:
        """A short hash of all contracts, types and code lists."""
        files = sorted(p for p in (self.site.settings.root / "schemas").rglob("*") if p.is_file())
        return hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in files)).hexdigest()[
            :16
        ]

    @cached_property
    def _script(self) -> Markup:
        """The one script of all pages; it is part of each, so that nothing is fetched."""
        source, _, _ = PackageLoader("citylake.site", "pages").get_source(Environment(), "tables.js")
        return Markup(source)


NAVIGATION = (
    ("index", "总览", "overview"),
    ("departments", "部门", "departments"),
    ("quality", "质量评价", "quality"),
    ("rules", "规则登记", "rules"),
    ("cases", "问题单", "cases"),
    ("decisions", "决定登记", "decisions"),
    ("organisations", "机构", "organisations"),
)


def _of(lang: str, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _say(lang: str, text: Bilingual) -> str:
    return text.of(lang)
