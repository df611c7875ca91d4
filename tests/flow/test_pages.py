"""The offline pages: whole in both languages, no dead link, nothing fetched, a shape that all can read."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from citylake.audit.conservation import batches
from citylake.casework.cases import ask_waiver
from citylake.core.errors import LakeError
from citylake.pipeline.lake import today
from citylake.pipeline.reports import dated_report, differences
from citylake.pipeline.steps import open_cases, report

FETCHED = re.compile(r"""(?:src|href)=["']?(?:https?:)?//|@import|url\((?!["']?#)""")


class Page(HTMLParser):
    """What a test asks of a page: its tags, links, text, and faults of its shape."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.faults: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag] += 1
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag in ("input", "select") and "label" not in self._open:
            self.faults.append(f"{tag} without label")
        if tag == "tr" and not {"thead", "tbody", "tfoot"} & set(self._open):
            self.faults.append("row outside thead and tbody")
        if tag not in ("meta", "input", "br", "link", "col"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            self.faults.append(f"{tag} closes another element")

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "svg"} & set(self._open) and data.strip():
            self.text.append(data.strip())


@pytest.fixture(scope="module")
def pages(small_lake: tuple) -> dict[str, Page]:
    folder = Path(report(small_lake[0])["pages"]).parent
    return {p.name: Page(p.read_text("utf-8")) for p in sorted(folder.glob("*.html"))}


def test_every_page_has_one_shape(pages: dict[str, Page]) -> None:
    faults = {n: p.faults for n, p in pages.items() if p.faults}
    assert faults == {}
    for name, page in pages.items():
        assert (page.tags["main"], page.tags["h1"], page.tags["footer"], page.tags["nav"]) == (1,) * 4, name


def test_every_page_stands_in_both_languages_and_no_link_is_dead(
    small_lake: tuple, pages: dict[str, Page]
) -> None:
    folder = small_lake[0].settings.state / "pages"
    for name, page in pages.items():
        if name != "index.html":
            assert name.replace(".zh.", ".??.").replace(".en.", ".zh.").replace(".??.", ".en.") in pages
        assert not FETCHED.search((folder / name).read_text("utf-8")), name
        assert [h for h in page.links if not (folder / h).exists()] == [], name


def test_titles_tell_pages_apart(small_lake: tuple) -> None:
    folder = small_lake[0].settings.state / "pages"
    for lang in ("zh", "en"):
        contracts = {c.id.replace("/", "__") for c in small_lake[0].contracts.values()}
        titles = Counter(
            re.findall(r"<title>(.*?)</title>", (folder / f"{n}.{lang}.html").read_text("utf-8"))[0]
            for n in contracts
        )
        assert [t for t, n in titles.items() if n > 1] == []


def test_every_page_says_its_day_release_version_and_seal(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        foot = page.text[-1]
        assert today().isoformat() in foot and "citylake 0." in foot, name
        assert re.search(r"(release|发布) 1 ", foot) and re.search(r" [A-Za-z0-9+/]{43}=$", foot), name


def test_a_department_shows_its_deliveries(small_lake: tuple, pages: dict[str, Page]) -> None:
    found = Counter(b.dataset.split("/")[0] for b in batches(small_lake[0].store, small_lake[0].contracts))
    assert found
    for department, count in found.items():
        shown = pages[f"department-{department}.en.html"].text
        assert shown[shown.index("total") + 1] == str(count)


def test_a_dated_report_comes_again_byte_for_byte_whatever_came_since(
    small_lake: tuple, tmp_path: Path
) -> None:
    lake, folder = small_lake[0], tmp_path / "report"
    first = dated_report(lake, 1, None, folder)
    about = json.loads((folder / "report.json").read_text("utf-8"))
    assert about == {"release": 1, "as_of": today().isoformat()}
    for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest

    ask_waiver(lake.store, open_cases(lake)[0], "李四", "being surveyed", today())
    first.write_bytes(first.read_bytes().replace(b"<h1>", b"<h2>", 1))
    (folder / "cases.en.html").unlink()
    (folder / "more.html").write_text("", "utf-8")
    assert differences(lake, folder) == ["cases.en.html", "index.html", "more.html"]
    with pytest.raises(LakeError, match="is there already"):
        dated_report(lake, 1, None, folder)


@pytest.mark.parametrize(
    ("release", "as_of", "told"),
    [(9, None, "no release 9"), (1, "2016-04-30", "was made on"), (1, "soon", "is no day")],
)
def test_a_report_of_what_never_was_is_refused(
    small_lake: tuple, tmp_path: Path, release: int, as_of: str | None, told: str
) -> None:
    with pytest.raises(LakeError, match=told):
        dated_report(small_lake[0], release, as_of, tmp_path / "report")
    with pytest.raises(LakeError, match="holds no dated report"):
        differences(small_lake[0], tmp_path)
    assert list(tmp_path.iterdir()) == []
