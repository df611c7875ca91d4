"""Step 2: what a delivery promises against what it holds and against its contract. Refuse here, before Spark
starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citylake.contract.model import Contract
from citylake.core.names import is_junk
from citylake.ingest.content import read_content
from citylake.ingest.manifest import MANIFEST, FileEntry, Manifest
from citylake.ingest.sequence import out_of_sequence
from citylake.ingest.totals import Measured
from citylake.ledger.receipts import Finding, Receipt


@dataclass(frozen=True)
class Verified:
    """What step 2 found: the layout of the files and every reason to refuse."""

    layout: str
    findings: tuple[Finding, ...]


def verify(
    manifest: Manifest, contract: Contract, paths: dict[str, Path], earlier: Sequence[Receipt]
) -> Verified:
    """Compare a delivery with its promises and with the dataset's earlier receipts; `paths` holds the files
    that came, by name.

    Every problem is told at once, but the content of files that are not the promised ones says nothing.
    """
    promises = [*_promise(manifest, contract), *out_of_sequence(manifest, contract, earlier)]
    files = arrived(manifest, paths)
    if files:
        return Verified("", (*promises, *files))
    content = _content(manifest, contract, paths)
    return Verified(content.layout, (*promises, *content.findings))


def arrived(manifest: Manifest, paths: dict[str, Path]) -> tuple[Finding, ...]:
    """Whether the files that came are those of the manifest, by name, size and digest; what is in them is not
    read.
    """
    unlisted = {n for n in paths if not is_junk(n)} - {e.name for e in manifest.files}
    extra = (
        _finding("delivery.unlisted_file", f"清单未列文件 {n}", f"file not in the manifest: {n}", n)
        for n in unlisted
    )
    return (*(f for e in manifest.files for f in _file(e, paths.get(e.name))), *extra)


def _finding(rule: str, zh: str, en: str, where: str = MANIFEST) -> Finding:
    return Finding(rule, zh, en, where)


def _promise(manifest: Manifest, contract: Contract) -> Iterator[Finding]:
    theirs, ours = (tuple(int(p) for p in v.split(".")) for v in (manifest.contract, contract.version))
    if theirs[0] != ours[0] or theirs > ours:
        text = f"{manifest.contract}, {contract.version}"
        yield _finding(
            "delivery.contract_version",
            f"合约版本不符({text})",
            f"made for another contract version ({text})",
        )
    if manifest.totals.records != sum(f.records for f in manifest.files):
        yield _finding(
            "manifest.records", "清单总数与各文件之和不符", "the manifest's total is not the sum of its files"
        )


def _file(entry: FileEntry, path: Path | None) -> Iterator[Finding]:
    if path is None:
        yield _finding(
            "delivery.missing_file", f"缺少文件 {entry.name}", f"file is missing: {entry.name}", entry.name
        )
        return
    size = path.stat().st_size
    if size != entry.bytes:
        yield _finding(
            "delivery.bytes",
            f"文件大小应为{entry.bytes},实为{size}",
            f"{entry.bytes} bytes promised, {size} came",
            entry.name,
        )
    elif file_sha256(path) != entry.sha256:
        yield _finding(
            "delivery.sha256", "文件摘要不符", "the file's sha256 differs from the manifest", entry.name
        )


def file_sha256(path: Path) -> str:
    """The sha256 of a file, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _content(manifest: Manifest, contract: Contract, paths: dict[str, Path]) -> Verified:
    measured, layouts, found = Measured(manifest.totals), set[str](), list[Finding]()
    for entry in manifest.files:
        read = read_content(
            entry.name, paths[entry.name], contract.of_file(entry.name, manifest.corrects), measured
        )
        layouts |= read.layouts
        found += read.findings
        if read.records is not None and read.records != entry.records:
            text = f"记录数应为{entry.records},实为{read.records}"
            told = f"{entry.records} records promised, {read.records} came"
            found.append(_finding("delivery.records", text, told, entry.name))
    found += measured.findings(contract) if not found else []
    if len(layouts) > 1:
        found.append(_finding("delivery.layouts", "同一交付混用版式", "one delivery mixes layouts"))
    return Verified(next(iter(layouts), ""), tuple(found))
